"""The matched filter: pieces of a straight vessel with a Gaussian profile, turned to all directions."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field
from scipy import fft, ndimage
from skimage.morphology import disk

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.methods.contrast import dark_contrast
from retseg.methods.method import Fitted, Method, MethodParameters
from retseg.methods.scale import to_score

_REACH = 3.0
"""Half-width of a kernel across the vessel, in deviations of its profile."""

_FLOOR = 0.1
"""Response of a piece of vessel about 2 per cent darker than its surroundings."""


class MatchedFilterParameters(MethodParameters):
    """The defaults are Chaudhuri's, for a field of view of about 540 pixels.

    Attributes:
        sigma: Deviation of the vessel's profile in pixels.
        length: Length in pixels of the piece of vessel that is looked for.
        directions: How many directions it is turned to.
        tophat: Radius in pixels of the disc of the top-hat that removes what is wider first; 0 for none.
    """

    sigma: float = Field(2.0, gt=0.3, le=30)
    length: float = Field(9.0, ge=1, le=200)
    directions: int = Field(12, ge=2, le=180)
    tophat: int = Field(0, ge=0, le=100)


def kernel(sigma: float, length: float, angle: float) -> Float32Array:
    """A piece of vessel at `angle` (radians) with a Gaussian profile, square and of mean 0 where it is not cut off.

    The squares of its values sum to 1, so that white noise has the same response in all directions.
    """
    half = math.ceil(math.hypot(_REACH * sigma, length / 2))
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    inside = (np.abs(along) <= length / 2) & (np.abs(across) <= _REACH * sigma)
    values = np.where(inside, np.exp(-(across**2) / (2 * sigma**2)), 0)
    values = np.where(inside, values - values[inside].mean(), 0)
    result: Float32Array = (values / np.sqrt((values**2).sum())).astype(np.float32)
    return result


def strongest(contrast: Float32Array, kernels: list[Float32Array]) -> Float32Array:
    """The highest of the kernels' responses at each pixel, (H, W)."""
    margin = max(k.shape[0] for k in kernels) // 2
    padded = np.pad(contrast, margin, mode="symmetric" if margin <= min(contrast.shape) else "edge")
    shape = tuple(fft.next_fast_len(extent, real=True) for extent in padded.shape)
    spectrum = fft.rfft2(padded, shape)
    best = np.full(contrast.shape, -np.inf, np.float32)
    for one in kernels:
        # The kernels are symmetric about their centre, so convolution and correlation are the same.
        found = fft.irfft2(spectrum * fft.rfft2(one, shape), shape)
        first = margin + one.shape[0] // 2
        np.maximum(best, found[first : first + contrast.shape[0], first : first + contrast.shape[1]], out=best)
    return best


def _matched(
    image: UInt8Array, fov: BoolArray, parameters: MatchedFilterParameters, fitted: Fitted | None
) -> Float32Array:
    contrast = dark_contrast(image, fov)
    if parameters.tophat:
        contrast = tophat(contrast, parameters.tophat)
    angles = np.arange(parameters.directions) * math.pi / parameters.directions
    kernels = [kernel(parameters.sigma, parameters.length, float(angle)) for angle in angles]
    return to_score(strongest(contrast, kernels), fov, _FLOOR)


def tophat(contrast: Float32Array, radius: int) -> Float32Array:
    """What of the contrast is narrower than a disc of this radius (H, W), after a little smoothing against noise."""
    smooth = ndimage.gaussian_filter(contrast, 1.0)
    result: Float32Array = smooth - ndimage.grey_opening(smooth, footprint=disk(radius))
    return result


MATCHED_FILTER = Method(
    name="matched-filter",
    title="Matched filter with top-hat",
    about="The best match with a bank of straight pieces of vessel in all directions, after a morphological top-hat.",
    citation="Chaudhuri et al., 'Detection of blood vessels in retinal images using two-dimensional matched filters', "
    "IEEE Transactions on Medical Imaging 8(3), 1989",
    parameters=MatchedFilterParameters,
    function=_matched,
    grid={"sigma": (2.0, 2.5, 3.0), "length": (9.0, 15.0), "tophat": (0, 8)},
)
