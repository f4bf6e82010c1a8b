"""Ridge filters: a vessel is bright along one direction and bent across it, at some scale (Hessian eigenvalues)."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy import ndimage
from skimage import filters

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.methods.contrast import dark_contrast
from retseg.methods.method import Fitted, Method, MethodParameters, Sigmas
from retseg.methods.scale import to_score

_SIGMAS = (
    (1.0, 2.0, 3.0),
    (1.5, 2.5, 4.0),
    (2.0, 3.0, 4.0, 6.0),
)
"""Scales to try: of vessels of about 2 to 20 pixels, in a field of view of 600."""

FLOOR = 0.01
"""Response of a ridge about 3 per cent darker than its surroundings: less is noise in any photograph."""

_FLAT = -1 / 3
"""Meijering's share of the other curvature, for which the filter is flattest along the vessel."""

_ORDERS = ((2, 0), (1, 1), (0, 2))


class RidgeParameters(MethodParameters):
    """`sigmas`: deviations in pixels of the Gaussians at whose scale the filter looks; the highest response counts."""

    sigmas: Sigmas = (1.0, 2.0, 3.0, 4.0)


class FrangiParameters(RidgeParameters):
    """`beta`: how round a blob is still a vessel. `gamma`: how strong structure must be, None: half the strongest."""

    beta: float = Field(0.5, gt=0)
    gamma: float | None = Field(None, gt=0)


def ridges(contrast: Float32Array, sigmas: tuple[float, ...]) -> Float32Array:
    """How strongly the contrast is a bright ridge: Sato's measure, the largest over the scales, not below 0."""
    response: Float32Array = filters.sato(contrast, sigmas=sigmas, black_ridges=False, mode="reflect")
    return response.astype(np.float32)


def _frangi(image: UInt8Array, fov: BoolArray, parameters: FrangiParameters, fitted: Fitted | None) -> Float32Array:
    # Not scikit-image's: that one leaves the derivatives without the factor sigma^2 of the paper, so that on a
    # photograph the smallest scale, which sees noise, drowns the others (an AUC of 0.83 instead of 0.94 on 28 of them).
    contrast = dark_contrast(image, fov)
    shapes = [_curvatures(contrast, sigma) for sigma in parameters.sigmas]
    strengths = [np.hypot(along, across) for along, across in shapes]
    half = parameters.gamma or 0.5 * max(float(strength[fov].max(initial=0)) for strength in strengths)
    best = np.zeros(fov.shape, np.float32)
    for (along, across), strength in zip(shapes, strengths, strict=True):
        ridge = across > 1e-10
        blob = along / np.where(ridge, across, 1)
        vessel = np.exp(-(blob**2) / (2 * parameters.beta**2)) * -np.expm1(
            -(strength**2) / (2 * max(half, 2 * FLOOR) ** 2)
        )
        best = np.maximum(best, np.where(ridge, vessel, 0))
    return to_score(best, fov, FLOOR)


def _curvatures(contrast: Float32Array, sigma: float) -> tuple[Float32Array, Float32Array]:
    """The smaller and the larger (by magnitude) curvature at scale sigma, positive on bright ridges; (H, W) each."""
    yy, xy, xx = (ndimage.gaussian_filter(contrast, sigma, order) * -np.float32(sigma**2) for order in _ORDERS)
    mean, spread = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    first, second = mean - spread, mean + spread
    swapped = np.abs(first) > np.abs(second)
    return np.where(swapped, second, first), np.where(swapped, first, second)


def _sato(image: UInt8Array, fov: BoolArray, parameters: RidgeParameters, fitted: Fitted | None) -> Float32Array:
    return to_score(ridges(dark_contrast(image, fov), parameters.sigmas), fov, FLOOR)


def _meijering(image: UInt8Array, fov: BoolArray, parameters: RidgeParameters, fitted: Fitted | None) -> Float32Array:
    # Not scikit-image's: that one stretches every scale and photograph to its own highest response.
    contrast = dark_contrast(image, fov)
    best = np.zeros(fov.shape, np.float32)
    for sigma in parameters.sigmas:
        along, across = _curvatures(contrast, sigma)
        best = np.maximum(best, np.maximum(across + _FLAT * along, along + _FLAT * across))
    return to_score(best, fov, FLOOR)


FRANGI = Method(
    name="frangi",
    title="Frangi's vesselness",
    about="Multi-scale vesselness from the eigenvalues of the Hessian: elongated, and stronger than noise.",
    citation="Frangi et al., 'Multiscale vessel enhancement filtering', MICCAI 1998",
    parameters=FrangiParameters,
    function=_frangi,
    grid={"sigmas": _SIGMAS, "beta": (0.5, 1.0)},
)

SATO = Method(
    name="sato",
    title="Sato's line filter",
    about="The largest eigenvalue of the Hessian of a bright line, at the scale where it is highest.",
    citation="Sato et al., 'Three-dimensional multi-scale line filter for segmentation and visualization of "
    "curvilinear structures in medical images', Medical Image Analysis 2(2), 1998",
    parameters=RidgeParameters,
    function=_sato,
    grid={"sigmas": _SIGMAS},
)

MEIJERING = Method(
    name="meijering",
    title="Meijering's neuriteness",
    about="A Hessian flattened along the line, made for neurites: responds to faint and broken lines as well.",
    citation="Meijering et al., 'Design and validation of a tool for neurite tracing and analysis in fluorescence "
    "microscopy images', Cytometry A 58(2), 2004",
    parameters=RidgeParameters,
    function=_meijering,
    grid={"sigmas": _SIGMAS},
)
