"""The frequency of each class at each place: what is known of a photograph without looking at it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from scipy import ndimage

from retseg.core.types import BoolArray, Classes, Float32Array, UInt8Array
from retseg.imaging.fov import fov_box
from retseg.methods.method import Example, Fitted, Method, MethodParameters

SHARES = "shares"
_LEAST = 1e-4
"""What every class is given at every place beforehand, so that nothing is impossible."""


class FrequencyParameters(MethodParameters):
    """Places are counted in the box around the field of view, stretched to a square: all fields lie on each other.

    Attributes:
        side: Places along each side of the square.
        smoothing: Deviation of the Gaussian over the frequencies, as a share of the square's side.
    """

    diameter: int | None = Field(256, ge=32, le=8192)
    side: int = Field(128, ge=4, le=1024)
    smoothing: float = Field(0.02, ge=0, le=1)


def _shares(example: Example, classes: Classes, parameters: FrequencyParameters) -> Fitted:
    """How much of each place each class takes in this photograph: (classes, side, side) float32."""
    top, left, height, width = fov_box(example.fov)
    box = slice(top, top + height), slice(left, left + width)
    labels, inside = example.labels[box], example.fov[box]
    size = (parameters.side, parameters.side)
    shares = np.zeros((classes.count, *size), np.float32)
    for index in np.unique(labels[inside]):
        if index < classes.count:
            mask = ((labels == index) & inside).astype(np.float32)
            shares[index] = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX))
    return {SHARES: shares}


def _frequency(
    image: UInt8Array, fov: BoolArray, parameters: FrequencyParameters, fitted: Fitted | None
) -> Float32Array:
    assert fitted is not None
    shares: NDArray[np.float32] = fitted[SHARES]
    found = np.zeros((len(shares), *fov.shape), np.float32)
    if not fov.any():
        return found
    top, left, height, width = fov_box(fov)
    sigma = parameters.smoothing * parameters.side
    total = np.zeros((height, width), np.float32)
    for plane, share in zip(found, shares, strict=True):
        smooth = ndimage.gaussian_filter(share, sigma, mode="nearest") if sigma else share
        spread = np.asarray(Image.fromarray(smooth).resize((width, height), Image.Resampling.BILINEAR))
        plane[top : top + height, left : left + width] = spread + np.float32(_LEAST)
        total += spread + np.float32(_LEAST)
    found[:, top : top + height, left : left + width] /= total
    return found


FREQUENCY = Method(
    name="frequency",
    title="Frequency of each class at each place",
    about="Says of every photograph the same: how often each class was at this place of the field in training.",
    citation="None: the frequencies of the classes in the labels of the training photographs.",
    parameters=FrequencyParameters,
    function=_frequency,
    grid={"smoothing": (0.0, 0.01, 0.03, 0.1)},
    every_class=True,
    fit=_shares,
)
