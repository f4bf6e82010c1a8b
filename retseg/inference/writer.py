"""A prediction's files: probability, mask, overlay, field of view, and all classes where they are wanted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from retseg.core.errors import ConfigError
from retseg.core.paths import write_atomically
from retseg.core.types import BoolArray, Classes, Float32Array, OperatingPoint, UInt8Array, UInt16Array
from retseg.imaging.io import write_png
from retseg.imaging.label_maps import index_to_colour
from retseg.imaging.maps import write_class_probabilities
from retseg.imaging.overlay import class_overlay, outlined
from retseg.inference.prediction import Prediction
from retseg.metrics.ranking import LEVELS, quantise
from retseg.postprocess.registry import separate
from retseg.postprocess.specks import bridges, specks

OPERATING_POINT = "operating_point.json"

_PAINT = 0.5  # share of the class's colour where an overlay paints every pixel


class PredictionWriter:
    """Writes the files of one prediction after another into a folder.

    Args:
        out: The folder; `prob/`, `mask/`, `overlay/` and the other kinds' folders in it are made as needed.
        classes: The class table of the probabilities.
        threshold: Binarise with `probability > threshold`; needed where the task has a positive class.
        all_classes: Also write every class's probabilities; done in any case where there is no positive class.
        separation: How instances are told apart, with its options, where the task has classes of things.
        overlay: Also write the prediction drawn on the photograph.
        specks: Pieces of the mask with less than so many millionths of the field of view's area are taken out of it,
            and their stored probability lowered to the threshold.
        gaps: Such pieces within so many thousandths of the field of view's diameter of a larger one are first joined to
            it, where the probability in between reaches half the threshold; it is raised to just above the threshold.
        uncertainty: Also write the entropy of the probabilities: 0 where one class is sure, 1 where all are alike. In
            16-bit PNGs; of the positive class against all others where there is one.
    """

    def __init__(
        self,
        out: Path,
        classes: Classes,
        threshold: float | None,
        all_classes: bool,
        separation: tuple[str | None, Mapping[str, Any]] = (None, MappingProxyType({})),
        overlay: bool = True,
        specks: float = 0.0,
        gaps: float = 0.0,
        uncertainty: bool = False,
    ) -> None:
        if classes.positive is not None and threshold is None:
            raise ConfigError("a mask needs a threshold", where="predict.threshold", fix="Set it, for example to 0.5")
        self.out = out
        self.classes = classes
        self.all_classes = all_classes or classes.positive is None
        self.separation = separation
        self.overlay = overlay
        self.specks = specks
        self.gaps = gaps
        self.uncertainty = uncertainty
        # The decision for each of the 65,536 stored scores, so that mask and probability file always agree.
        self._marked = np.arange(LEVELS) / (LEVELS - 1) > (1.0 if threshold is None else threshold)
        # The highest score that is not marked, and what counts as half the threshold.
        self._unmarked = np.uint16(max(0, int(np.count_nonzero(~self._marked)) - 1))
        self._half = np.uint16((int(self._unmarked) + 1) // 2)

    def write(self, prediction: Prediction) -> None:
        """Writes one photograph's files. The mask ends where the field of view does, the probability does not."""
        identifier, image, fov, probabilities, heads = prediction
        if self.classes.positive is None:
            mask = self._class_index(probabilities, fov)
        else:
            stored, mask = self.decided(prediction)
            write_png(self._path("prob", identifier), stored)
        write_png(self._path("mask", identifier), mask)
        write_png(self._path("fov", identifier), fov)
        if self.classes.things:
            ids = separate(self._classes_in(mask), self.classes, heads, *self.separation)
            write_png(self._path("instances", identifier), ids)
        if self.overlay:
            drawn = self._drawn(image, mask)
            write_png(self._path("overlay", identifier), outlined(drawn, ids) if self.classes.things else drawn)
        if self.uncertainty:
            write_png(self._path("uncertainty", identifier), self._entropy(prediction))
        if self.all_classes:
            write_class_probabilities(self._path("classes", identifier, ".nii.gz"), probabilities)

    def decided(self, prediction: Prediction) -> tuple[UInt16Array, UInt8Array]:
        """The positive class's probability (H, W) in 16 bits as it is stored, and its mask (H, W), 0 or 255.

        Whoever binarises the stored probability at the threshold gets the same mask inside the field of view.
        """
        stored = quantise(prediction.positive(self.classes))
        mask = self._positive_mask(stored, prediction.fov)
        if self.specks:
            self._tidy(stored, mask, prediction.fov)
        return stored, mask

    def _tidy(self, stored: UInt16Array, mask: UInt8Array, fov: BoolArray) -> None:
        """Joins small pieces to larger ones near by and takes out those that stay small, in place."""
        area = np.count_nonzero(fov)
        small = specks(mask > 0, self.specks * 1e-6 * area)
        reach = round(self.gaps / 1000 * 2 * math.sqrt(area / math.pi))
        if reach and small.any() and self._unmarked < LEVELS - 1:
            joined = bridges((stored >= self._half) & fov, small, (mask > 0) & ~small, reach)
            stored[joined], mask[joined] = np.maximum(stored[joined], self._unmarked + np.uint16(1)), 255
            small = specks(mask > 0, self.specks * 1e-6 * area)
        stored[small], mask[small] = np.minimum(stored[small], self._unmarked), 0

    def _path(self, kind: str, identifier: str, suffix: str = ".png") -> Path:
        return self.out / kind / f"{identifier}{suffix}"

    def _entropy(self, prediction: Prediction) -> UInt16Array:
        if self.classes.positive is None:
            return quantise(entropy(prediction.probabilities))
        positive = np.arange(LEVELS, dtype=np.float32) / (LEVELS - 1)
        return quantise(entropy(np.stack([positive, 1 - positive])))[quantise(prediction.positive(self.classes))]

    def _positive_mask(self, stored: UInt16Array, fov: BoolArray) -> UInt8Array:
        return np.where(self._marked[stored] & fov, np.uint8(255), np.uint8(0))

    def _class_index(self, probabilities: Float32Array, fov: BoolArray) -> UInt8Array:
        """The most probable class (H, W); outside the field of view the class for that, else the ignore value."""
        outside = self.classes.ignore if self.classes.outside is None else self.classes.outside
        # One class after another: an arg-max over quantised copies of all classes would double the memory.
        best = np.zeros(fov.shape, np.uint8)
        highest = quantise(probabilities[0])
        for index in range(1, self.classes.count):
            stored = quantise(probabilities[index])
            higher = stored > highest
            best[higher] = index
            np.maximum(highest, stored, out=highest)
        return np.where(fov, best, np.uint8(outside))

    def _classes_in(self, mask: UInt8Array) -> UInt8Array:
        """A mask as class indices; where there is a positive class it is black and white."""
        if self.classes.positive is None:
            return mask
        return np.where(mask > 0, np.uint8(self.classes.positive), np.uint8(self.classes.ignore))

    def _drawn(self, image: UInt8Array, mask: UInt8Array) -> UInt8Array:
        if self.classes.positive is None:
            return self._painted(image, mask)
        return class_overlay(image, mask > 0, self.classes.items[self.classes.positive].colour)

    def _painted(self, image: UInt8Array, index: UInt8Array) -> UInt8Array:
        inside = index < self.classes.count
        if self.classes.outside is not None:
            inside &= index != self.classes.outside
        colours = index_to_colour(index, self.classes.palette)
        mixed = np.rint(image * np.float32(1 - _PAINT) + colours * np.float32(_PAINT)).astype(np.uint8)
        return np.where(inside[..., None], mixed, image)


def entropy(probabilities: Float32Array) -> Float32Array:
    """The entropy (...) of classes' probabilities (classes, ...), as a share of the highest possible: 0 to 1."""
    total = np.zeros(probabilities.shape[1:], np.float32)
    for one in probabilities:
        total -= one * np.log2(np.maximum(one, np.finfo(np.float32).tiny))
    total /= np.float32(np.log2(len(probabilities)))
    return total


def write_operating_point(out: Path, point: OperatingPoint | None) -> None:
    """Writes the threshold in force as `operating_point.json`; a task without a positive class has none."""
    if point is not None:
        write_atomically(out / OPERATING_POINT, json.dumps(point.to_json(), indent=1) + "\n")
