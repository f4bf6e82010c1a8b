"""Where regions start to grow: what is surely vessel and surely not, by a ridge filter."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from retseg.core.types import BoolArray, Float32Array
from retseg.methods.method import MethodParameters, Sigmas
from retseg.methods.ridge_filters import FLOOR, ridges
from retseg.methods.scale import to_score


class SeedParameters(MethodParameters):
    """`sigmas`: scales of the ridge filter. Above the score `sure` a pixel is vessel, below `not_sure` it is not."""

    sigmas: Sigmas = (1.5, 2.5, 4.0)
    sure: float = Field(0.6, gt=0, lt=1)
    not_sure: float = Field(0.4, gt=0, lt=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.not_sure > self.sure:
            raise ValueError("not_sure must not be above sure")
        return self


def ridge_score(contrast: Float32Array, fov: BoolArray, sigmas: tuple[float, ...]) -> Float32Array:
    """The ridge filter's score (H, W) in 0..1; 0.5 is the photograph's own 90th percentile."""
    return to_score(ridges(contrast, sigmas), fov, FLOOR)
