"""Contours that start on the ridges and move until they fit: by the brightness inside and outside, or by edges."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy import ndimage
from skimage import segmentation

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.methods.contrast import dark_contrast
from retseg.methods.method import Fitted, Method, MethodParameters, Sigmas
from retseg.methods.seeds import ridge_score


class ContourParameters(MethodParameters):
    """Parameters of both contours.

    Attributes:
        sigmas: Scales in pixels of the ridge filter that the contour starts from.
        start: The contour starts around pixels whose ridge score is above this.
        iterations: Steps of the contour.
        smoothing: How often it is smoothed in each step.
    """

    sigmas: Sigmas = (1.5, 2.5, 4.0)
    start: float = Field(0.5, gt=0, lt=1)
    iterations: int = Field(20, ge=0, le=1000)
    smoothing: int = Field(1, ge=0, le=4)


class ChanVeseParameters(ContourParameters):
    """`balance`: how much a pixel outside must be like the outside, against a pixel inside like the inside."""

    balance: float = Field(1.0, gt=0)


class SnakeParameters(ContourParameters):
    """`steepness`: how soon an edge stops the contour. `balloon`: pushes it outwards (1), inwards (-1), or not (0)."""

    steepness: float = Field(100.0, gt=0)
    balloon: float = Field(0.0, ge=-4, le=4)


def _start(contrast: Float32Array, fov: BoolArray, parameters: ContourParameters) -> BoolArray:
    begun: BoolArray = ridge_score(contrast, fov, parameters.sigmas) > parameters.start
    return begun


def _chan_vese(
    image: UInt8Array, fov: BoolArray, parameters: ChanVeseParameters, fitted: Fitted | None
) -> Float32Array:
    contrast = dark_contrast(image, fov)
    begun = _start(contrast, fov, parameters)
    if not begun.any():
        return np.zeros(fov.shape, np.float32)
    found = segmentation.morphological_chan_vese(
        ndimage.gaussian_filter(contrast, 1.0),
        parameters.iterations,
        init_level_set=begun.astype(np.int8),
        smoothing=parameters.smoothing,
        lambda1=parameters.balance,
        lambda2=1.0,
    )
    return np.asarray((found > 0) & fov, np.float32)


def _snakes(image: UInt8Array, fov: BoolArray, parameters: SnakeParameters, fitted: Fitted | None) -> Float32Array:
    contrast = dark_contrast(image, fov)
    begun = _start(contrast, fov, parameters)
    if not begun.any():
        return np.zeros(fov.shape, np.float32)
    found = segmentation.morphological_geodesic_active_contour(
        segmentation.inverse_gaussian_gradient(contrast, alpha=parameters.steepness, sigma=1.0),
        parameters.iterations,
        init_level_set=begun.astype(np.int8),
        smoothing=parameters.smoothing,
        threshold="auto",
        balloon=parameters.balloon,
    )
    return np.asarray((found > 0) & fov, np.float32)


CHAN_VESE = Method(
    name="chan-vese",
    title="Chan-Vese",
    about="A contour around the ridges that moves until inside and outside are each as even as possible in contrast.",
    citation="Chan and Vese, 'Active contours without edges', IEEE Transactions on Image Processing 10(2), 2001; by "
    "Marquez-Neila et al., 'A morphological approach to curvature-based evolution of curves and surfaces', IEEE "
    "Transactions on Pattern Analysis and Machine Intelligence 36(1), 2014",
    parameters=ChanVeseParameters,
    function=_chan_vese,
    grid={"start": (0.45, 0.5, 0.55), "iterations": (2, 10), "smoothing": (0, 1)},
    binary=True,
)

SNAKES = Method(
    name="snakes",
    title="Morphological snakes",
    about="A contour around the ridges that is drawn to the edges of vessels (morphological geodesic active contour).",
    citation="Marquez-Neila et al., 'A morphological approach to curvature-based evolution of curves and surfaces', "
    "IEEE Transactions on Pattern Analysis and Machine Intelligence 36(1), 2014",
    parameters=SnakeParameters,
    function=_snakes,
    grid={"start": (0.45, 0.5, 0.55), "iterations": (3, 15), "smoothing": (0, 1)},
    binary=True,
)
