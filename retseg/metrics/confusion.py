"""The confusion matrix of any number of classes, and the counts of each class against all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import InputError
from retseg.core.types import UInt8Array
from retseg.metrics.counts import Counts

Int64Array = NDArray[np.int64]


def confusion_matrix(truth: UInt8Array, predicted: UInt8Array, classes: int, ignore: int | None = None) -> Int64Array:
    """How many pixels of each true class (row) were given each class (column): int64 of shape (classes, classes).

    `truth` and `predicted` hold class indices and have one shape; pixels whose truth is `ignore` count nowhere. The
    caller selects the pixels that count (inside the field of view). Matrices of several images can be added.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth {truth.shape} and prediction {predicted.shape} differ in shape")
    truth, predicted = truth.ravel(), predicted.ravel()
    if ignore is not None:
        counted = truth != ignore
        if not counted.all():
            truth, predicted = truth[counted], predicted[counted]
    for name, values in (("truth", truth), ("prediction", predicted)):
        if values.size and int(values.max()) >= classes:
            raise InputError(f"the {name} holds class {int(values.max())}, but there are only {classes} classes")
    pairs = truth.astype(np.intp) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64, copy=False)


def class_counts(matrix: Int64Array) -> list[Counts | None]:
    """For each class, its counts against all other classes; None where the truth has no pixel of that class.

    None is "not applicable": a class that is nowhere in the truth has no score, and must not enter a mean as 0.
    """
    total = int(matrix.sum())
    result: list[Counts | None] = []
    for index in range(len(matrix)):
        tp = int(matrix[index, index])
        fn, fp = int(matrix[index].sum()) - tp, int(matrix[:, index].sum()) - tp
        result.append(Counts(tp, fp, fn, total - tp - fp - fn) if tp + fn else None)
    return result
