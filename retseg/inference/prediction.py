"""A photograph with its class probabilities, and what everything that makes such predictions has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from retseg.core.types import BoolArray, Classes, Float32Array, UInt8Array


class Prediction(NamedTuple):
    """One photograph with its (classes, H, W) float32 probabilities, all on the native grid.

    `heads` holds what the net's heads say, by name: (channels, H, W) float32 in 0..1.
    """

    id: str
    image: UInt8Array
    fov: BoolArray
    probabilities: Float32Array
    heads: Mapping[str, Float32Array] = MappingProxyType({})


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
