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
        members: For `joined`: the sets that are joined. Each has its customary split; `count`, `size`,
            `generator_seed`, `estimate_fov` and the settings of labels hold for every member that they concern.
        csv: For `folder`: a table of the photographs and their files; None takes index.csv or labels.csv of the root.
        count: For generated sets: the number of photographs.
        size: For generated sets: how large they are, by name; see `retseg datasets show`.
        generator_seed: For generated sets: the seed. The same seed gives the same photographs.
        estimate_fov: Use our own field of view even where the owner ships one.
        void: Names of classes that are treated as void: their pixels take part in nothing.
        unknown: Colour-coded labels: the largest share of a label's pixels whose colour no class has, 0 to 1. They
            become void; a label with more of them is refused.
        snap: Colour-coded labels: a colour that differs from a class's by at most so many levels in each of red, green
            and blue is taken as that class, as damage by JPEG needs; 0 takes exact colours only.
        strict: Colour-coded labels: refuse every label with a colour that no class has.
    """

    name: str | None = None
    protocol: str = "customary"
    fold: int = Field(default=0, ge=0)
    members: tuple[str, ...] = ()
    csv: str | None = None
    count: int = Field(default=20, ge=1)
    size: str | None = None
    generator_seed: int = Field(default=0, ge=0)
    estimate_fov: bool = False
    void: tuple[str, ...] = ()
    unknown: float = Field(default=0.05, ge=0.0, le=1.0)
    snap: int = Field(default=0, ge=0, le=31)
    strict: bool = False
