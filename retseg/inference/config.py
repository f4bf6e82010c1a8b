"""The `predict` section of the configuration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from retseg.core.config import Section


class PredictConfig(Section):
    """How a trained net is carried over a whole photograph.

    Attributes:
        window: Largest side of the sliding window in working-grid pixels, rounded up to what the net's stride needs.
            Fully convolutional nets get smaller windows where as many of them cover the image. None is the whole image
            where the net looks at its surroundings only and that takes little memory, else 512.
        overlap: Share of a window that its neighbour covers too, 0 to 0.9.
        blend: How overlapping windows are averaged: "gaussian" trusts a window's centre more, "constant" does not.
        flips: Test-time augmentation: the mean over 1 (none), 2 (mirrored), 4 (flips) or 8 (flips and quarter turns)
            views. "auto" takes 4 of photographs of two megapixels or more, which take their time in any case, 2 from
            0.7 megapixels on, and 1 of smaller ones.
        whole_image: One pass over the whole image instead of windows; for fully convolutional nets only.
        batch: Windows in one pass of the net; None chooses by the device and the size of the window.
        precision: "float32", or "bf16", where the net's layers compute in bfloat16 and all else stays float32; "auto"
            is "bf16" wherever the device computes that itself: two and a half times as fast on such a processor.
        check: Look whether each image is a photograph of the retina at all. What certainly is none gets an empty map,
            what is doubtful its ordinary one; `flagged.csv` lists both.
        all_classes: Also write every class's probabilities as NIfTI.
        uncertainty: Also write how uncertain each pixel is: the entropy of the mean over at least 4 views, 0 to 1.
        threshold: Binarise with `probability > threshold`; None takes the operating point stored with the weights.
        specks: Pieces of the mask whose area is less than so many millionths of the field of view's are taken out:
            their stored probability is lowered to the threshold.
        gaps: A piece that is so small, and lies within so many thousandths of the field of view's diameter of a larger
            one, is first joined to it where the probability in between reaches half the threshold.
        separation: How the instances of a class are told apart, where the task has such classes; None takes the best
            way that the net's heads allow.
        separation_options: Options of that way.
    """

    window: int | None = Field(default=None, ge=16, le=8192)
    overlap: float = Field(default=0.25, ge=0.0, le=0.9)
    blend: Literal["gaussian", "constant"] = "gaussian"
    flips: Literal[1, 2, 4, 8, "auto"] = 1
    whole_image: bool = False
    batch: int | None = Field(default=None, ge=1)
    precision: Literal["auto", "float32", "bf16"] = "auto"
    check: bool = True
    all_classes: bool = False
    uncertainty: bool = False
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)
    specks: float = Field(default=0.0, ge=0.0, le=1e6)
    gaps: float = Field(default=0.0, ge=0.0, le=100.0)
    separation: str | None = None
    separation_options: dict[str, Any] = Field(default_factory=dict)

    def over(self, stored: PredictConfig) -> PredictConfig:
        """What is set here, and for all the rest what is stored with the weights."""
        return stored.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})
