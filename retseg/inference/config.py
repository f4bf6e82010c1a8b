"""The `predict` section of the configuration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from retseg.core.config import Section


class PredictConfig(Section):
    """How a trained net is carried over a whole photograph.

    Attributes:
        window: Largest side of the sliding window in working-grid pixels, rounded up to what the net's stride needs.
            Fully convolutional nets get smaller windows where as many of them cover the image.
        overlap: Share of a window that its neighbour covers too, 0 to 0.9.
        blend: How overlapping windows are averaged: "gaussian" trusts a window's centre more, "constant" does not.
        flips: Test-time augmentation: the mean over 1 (none), 4 (flips) or 8 (flips and quarter turns) views.
        whole_image: One pass over the whole image instead of windows; for fully convolutional nets only.
        batch: Windows in one pass of the net; None chooses by the device and the size of the window.
        all_classes: Also write every class's probabilities as NIfTI.
        threshold: Binarise with `probability > threshold`; None takes the operating point stored with the weights.
        separation: How the instances of a class are told apart, where the task has such classes; None takes the best
            way that the net's heads allow.
        separation_options: Options of that way.
    """

    window: int = Field(default=512, ge=16, le=8192)
    overlap: float = Field(default=0.25, ge=0.0, le=0.9)
    blend: Literal["gaussian", "constant"] = "gaussian"
    flips: Literal[1, 4, 8] = 1
    whole_image: bool = False
    batch: int | None = Field(default=None, ge=1)
    all_classes: bool = False
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)
    separation: str | None = None
    separation_options: dict[str, Any] = Field(default_factory=dict)
