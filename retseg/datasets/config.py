"""The dataset's section of the configuration."""

from __future__ import annotations

from pydantic import Field

from retseg.core.config import Section


class DatasetConfig(Section):
    """Which set is prepared, and how.

    Args:
        name: The dataset, as `retseg datasets list` names it; None looks for known sets below the root.
        protocol: The split: "customary", or another that the set names (STARE: "10/10").
        fold: Which of a protocol's splits, where it has several: the photograph left out of STARE, or the deal of
            patients in a folder without a customary split.
        csv: For `folder`: a table of the photographs and their files; None takes index.csv or labels.csv of the root.
        count: For generated sets: the number of photographs.
        size: For generated sets: the name of the camera; None mixes several.
        generator_seed: For generated sets: the seed. The same seed gives the same photographs.
        estimate_fov: Use our own field of view even where the owner ships one.
    """

    name: str | None = None
    protocol: str = "customary"
    fold: int = Field(default=0, ge=0)
    csv: str | None = None
    count: int = Field(default=20, ge=1)
    size: str | None = None
    generator_seed: int = Field(default=0, ge=0)
    estimate_fov: bool = False
