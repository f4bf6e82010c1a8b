"""One photograph's scores: what counts is read from files and reduced to histograms and counts that can be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import InputError
from retseg.core.types import BoolArray, Classes, UInt8Array
from retseg.imaging.io import read_label, write_png
from retseg.imaging.maps import read_class_probabilities, read_probability
from retseg.metrics.confusion import Int64Array, confusion_matrix
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram

A = TypeVar("A", bound=NDArray[Any])


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The files that one photograph's scores are computed from, all on its native grid.

    `label` and `observers` are class maps of the reference and of the further observers. `prediction` is the positive
    class's probability, or the class map where the task has no positive class. `class_probabilities` is None where
    they were not written.
    """

    id: str
    patient: str
    label: Path
    fov: Path
    prediction: Path
    class_probabilities: Path | None = None
    observers: Mapping[str, Path] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CaseScore:
    """Sums over the pixels of one photograph that count. Everything in it can be added over photographs.

    `histogram` holds the positive class's scores (None for a task without one); `confusion` counts each pixel's true
    class (row) and its most probable class (column; None where that is not known); `observers` the same for the
    further observers.
    """

    id: str
    patient: str
    histogram: ScoreHistogram | None
    confusion: Int64Array | None
    observers: Mapping[str, Int64Array]


def score_case(files: CaseFiles, classes: Classes, fov_out: Path) -> CaseScore:
    """Scores one photograph and writes the field of view that it was scored in to `fov_out`."""
    label = _class_map(files.label)
    fov = _same_size(files.id, "the field of view", read_label(files.fov), label) > 0
    write_png(fov_out, fov)
    counted = fov & (label != classes.ignore)
    truth = label[counted]
    histogram, confusion = None, None
    if classes.positive is None:
        predicted = _same_size(files.id, "the prediction", _class_map(files.prediction), label)
        confusion = _confusion(files.prediction, truth, predicted[counted], classes)
    else:
        scores = _same_size(files.id, "the prediction", quantise(read_probability(files.prediction)), label)
        histogram = score_histogram(scores[counted], truth == classes.positive)
        if files.class_probabilities is not None:
            best = _same_size(files.id, "the classes' probabilities", _most_probable(files.class_probabilities), label)
            confusion = _confusion(files.class_probabilities, truth, best[counted], classes)
    observers = {
        name: _observed(files.id, path, label, counted, classes) for name, path in (files.observers or {}).items()
    }
    return CaseScore(files.id, files.patient, histogram, confusion, observers)


def _most_probable(path: Path) -> UInt8Array:
    best: UInt8Array = read_class_probabilities(path).argmax(axis=0).astype(np.uint8)
    return best


def _observed(identifier: str, path: Path, label: UInt8Array, counted: BoolArray, classes: Classes) -> Int64Array:
    """The confusion matrix of an observer's class map against the reference, without what the observer left open."""
    drawn = _same_size(identifier, "an observer's label", _class_map(path), label)
    both = counted & (drawn != classes.ignore)
    return _confusion(path, label[both], drawn[both], classes)


def _confusion(path: Path, truth: UInt8Array, predicted: UInt8Array, classes: Classes) -> Int64Array:
    try:
        return confusion_matrix(truth, predicted, classes.count)
    except InputError as error:
        raise InputError(error.what, where=path, fix=f"Write class indices 0 to {classes.count - 1}") from None


def _class_map(path: Path) -> UInt8Array:
    values = read_label(path)
    if values.ndim != 2 or values.dtype != np.uint8:
        raise InputError("a class map is a grey image of class indices in 8 bits", where=path, fix="Write it anew")
    return np.asarray(values, np.uint8)


def _same_size(identifier: str, what: str, values: A, label: UInt8Array) -> A:
    if values.shape != label.shape:
        raise InputError(
            f"{what} of '{identifier}' has {values.shape[1]}x{values.shape[0]} pixels, "
            f"its ground truth {label.shape[1]}x{label.shape[0]}",
            fix="Bring predictions back to the photograph's own size; the ground truth is never resized",
        )
    return values
