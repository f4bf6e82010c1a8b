"""The watershed: from sure seeds on both sides, regions grow until they meet on the edges of the vessels."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy import ndimage
from skimage.segmentation import watershed

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.methods.contrast import dark_contrast
from retseg.methods.method import Fitted, Method
from retseg.methods.seeds import SeedParameters, ridge_score

_VESSEL, _RETINA = 1, 2


class WatershedParameters(SeedParameters):
    """`edge`: deviation in pixels of the Gaussian whose gradient is the relief that is flooded."""

    edge: float = Field(1.0, gt=0, le=20)


def _watershed(
    image: UInt8Array, fov: BoolArray, parameters: WatershedParameters, fitted: Fitted | None
) -> Float32Array:
    contrast = dark_contrast(image, fov)
    score = ridge_score(contrast, fov, parameters.sigmas)
    markers = np.where(score > parameters.sure, _VESSEL, np.where(score < parameters.not_sure, _RETINA, 0))
    if not (markers[fov] == _VESSEL).any():
        return np.zeros(fov.shape, np.float32)
    relief = ndimage.gaussian_gradient_magnitude(contrast, parameters.edge)
    return np.asarray(watershed(relief, markers.astype(np.int32), mask=fov) == _VESSEL, np.float32)


WATERSHED = Method(
    name="watershed",
    title="Watershed",
    about="Floods the relief of edges from seeds: strong ridges for vessels, places without any ridge for retina.",
    citation="Meyer, 'Topographic distance and watershed lines', Signal Processing 38(1), 1994",
    parameters=WatershedParameters,
    function=_watershed,
    grid={"sure": (0.5, 0.6, 0.7), "not_sure": (0.3, 0.4, 0.5), "edge": (1.0,)},
    binary=True,
)
