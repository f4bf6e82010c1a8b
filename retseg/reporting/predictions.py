"""One system's prediction of one image, read back from its files: probabilities, and the decision made from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retseg.core.types import BoolArray, Case, Classes, Float32Array, UInt8Array
from retseg.imaging.io import read_label
from retseg.imaging.maps import read_class_probabilities, read_probability
from retseg.metrics.ranking import LEVELS, quantise
from retseg.reporting.run_files import RunRecord


@dataclass(frozen=True, slots=True, eq=False)
class StoredPrediction:
    """What a system says about one image, on the native grid.

    `classes` (C, H, W) holds every class's probability where it was stored, `positive` (H, W) that of the positive
    class. `mask` (H, W) is the decision where there is a positive class, `class_map` (H, W) where there is none.
    """

    classes: Float32Array | None
    positive: Float32Array | None
    mask: BoolArray | None
    class_map: UInt8Array | None

    def probability(self, index: int, table: Classes) -> Float32Array | None:
        """The probability (H, W) of one class, or None where it was not stored."""
        if self.classes is not None:
            plane: Float32Array = self.classes[index]
            return plane
        return self.positive if index == table.positive else None


def has_prediction(record: RunRecord, image: str) -> bool:
    """Whether the run predicted this image."""
    return any(path.is_file() for path in (*_files(record, image), *([_mask(record, image)] if record.several else [])))


def read_prediction(record: RunRecord, image: str, table: Classes) -> StoredPrediction | None:
    """The run's prediction of an image, or None where there is none."""
    positive_file, classes_file = _files(record, image)
    classes = read_class_probabilities(classes_file) if classes_file.is_file() else None
    if table.positive is None:
        class_map = _class_map(record, image, classes)
        return None if class_map is None else StoredPrediction(classes, None, None, class_map)
    if positive_file.is_file():
        positive = read_probability(positive_file)
    elif classes is not None:
        positive = classes[table.positive]
    else:
        return None
    mask = _decision(record, image, positive)
    return StoredPrediction(classes, positive, mask, None)


def scored_region(record: RunRecord, case: Case) -> BoolArray:
    """The field of view (H, W) that evaluate used; the prepared one where it kept none."""
    path = record.folders.evaluate / "fov" / f"{case.sample.id}.png"
    return read_label(path) > 0 if path.is_file() else case.fov


def _decision(record: RunRecord, image: str, positive: Float32Array) -> BoolArray | None:
    """The decision at the threshold of the scores, made on the stored 16-bit levels as evaluate makes it."""
    if record.threshold is not None:
        marked = np.arange(LEVELS) / (LEVELS - 1) > record.threshold
        decided: BoolArray = marked[quantise(positive)]
        return decided
    path = _mask(record, image)
    return read_label(path) > 0 if path.is_file() else None


def _class_map(record: RunRecord, image: str, classes: Float32Array | None) -> UInt8Array | None:
    path = _mask(record, image)
    if path.is_file():
        return np.asarray(read_label(path), np.uint8)
    return None if classes is None else classes.argmax(axis=0).astype(np.uint8)


def _mask(record: RunRecord, image: str) -> Path:
    return record.folders.predict / "mask" / f"{image}.png"


def _files(record: RunRecord, image: str) -> Iterator[Path]:
    yield record.folders.predict / "prob" / f"{image}.png"
    yield record.folders.predict / "classes" / f"{image}.nii.gz"
