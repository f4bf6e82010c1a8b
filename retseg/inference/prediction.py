"""A photograph with its class probabilities, and what everything that makes such predictions has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np

from retseg.core.types import BoolArray, Classes, Float32Array, UInt8Array


class Prediction(NamedTuple):
    """One photograph with its (classes, H, W) float32 probabilities, all on the native grid.

    Where only the positive class was wanted its map may stand alone: (1, H, W). `heads` holds what the net's heads say,
    by name: (channels, H, W) float32 in 0..1.
    """

    id: str
    image: UInt8Array
    fov: BoolArray
    probabilities: Float32Array
    heads: Mapping[str, Float32Array] = MappingProxyType({})

    def positive(self, classes: Classes) -> Float32Array:
        """The map (H, W) of the positive class, whether it stands alone or among all `classes`."""
        assert classes.positive is not None
        alone = len(self.probabilities) < classes.count
        found: Float32Array = self.probabilities[0 if alone else classes.positive]
        return found

    def of_nothing(self, classes: Classes) -> Prediction:
        """The same photograph with nothing seen in it: only the class "outside" among `classes`, where there is one."""
        nothing = np.zeros_like(self.probabilities)
        if classes.outside is not None and len(nothing) == classes.count:
            nothing[classes.outside] = 1
        return self._replace(probabilities=nothing)


class Predicts(Protocol):
    """What a trained net's predictor and a method's have in common."""

    @property
    def classes(self) -> Classes:
        """The class table of the probabilities."""

    @property
    def seconds(self) -> float:
        """Time that computing has taken so far, without reading and writing."""

    def probabilities(self, image: UInt8Array, fov: BoolArray) -> Float32Array:
        """Class probabilities (classes, H, W) of one (H, W, 3) photograph with its (H, W) field of view."""

    def probabilities_of_many(self, photographs: Iterable[tuple[str, UInt8Array, BoolArray]]) -> Iterator[Prediction]:
        """Predicts (id, image, field of view) one after another, in their order."""
