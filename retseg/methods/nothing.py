"""No vessel anywhere: what accuracy looks like when nothing is found."""

from __future__ import annotations

import numpy as np

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.methods.method import Fitted, Method, MethodParameters


def _nothing(image: UInt8Array, fov: BoolArray, parameters: MethodParameters, fitted: Fitted | None) -> Float32Array:
    return np.zeros(fov.shape, np.float32)


NOTHING = Method(
    name="nothing",
    title="Nothing",
    about="Calls no pixel a vessel. About nine pixels in ten are none, so its accuracy looks well and means nothing.",
    citation="None: every pixel gets the score 0.",
    parameters=MethodParameters,
    function=_nothing,
)
