"""Brightness statistics of a photograph, by which a net's input is normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from retseg.core.types import BoolArray, UInt8Array

_LEAST_STD = 1 / 255
"""One grey level: a flat channel is not blown up into noise."""


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """Mean and standard deviation of image / 255, per channel. A net's input is (image / 255 - mean) / std."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def input_statistics(image: UInt8Array, fov: BoolArray, mode: Literal["unit", "fov"]) -> InputStatistics:
    """The statistics of an (H, W, 3) image: "unit" leaves it in 0..1, "fov" measures inside the field of view (H, W).

    An empty field of view counts as the whole image.
    """
    if mode == "unit":
        return InputStatistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    inside = Image.fromarray(fov.view(np.uint8) * np.uint8(255)) if fov.any() else None
    # From histograms: exact, and the same on every machine whatever the order of summation.
    counts = np.reshape(Image.fromarray(image).histogram(inside), (3, 256))
    levels = np.arange(256) / 255
    mean, std = [], []
    for share in counts / counts[0].sum():
        centre = float(share @ levels)
        mean.append(centre)
        std.append(max(float(share @ (levels - centre) ** 2) ** 0.5, _LEAST_STD))
    return InputStatistics((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
