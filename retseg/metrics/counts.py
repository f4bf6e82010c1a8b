"""The four counts of a yes/no decision, as exact integers, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from retseg.core.types import BoolArray

_UNDEFINED = math.nan


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else _UNDEFINED


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of pixels: true positive, false positive, false negative, true negative. `+` pools them.

    Every figure is NaN where it is undefined, that is where its denominator is zero.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def total(self) -> int:
        """All pixels that were counted."""
        return self.tp + self.fp + self.fn + self.tn

    def dice(self) -> float:
        """Dice, 2 tp / (2 tp + fp + fn); NaN where neither truth nor prediction has a positive pixel."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def iou(self) -> float:
        """IoU, tp / (tp + fp + fn); NaN where neither truth nor prediction has a positive pixel."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    def accuracy(self) -> float:
        """Share (tp + tn) / all; NaN where no pixel was counted."""
        return _ratio(self.tp + self.tn, self.total)

    def sensitivity(self) -> float:
        """Recall, tp / (tp + fn); NaN where the truth has no positive pixel."""
        return _ratio(self.tp, self.tp + self.fn)

    def specificity(self) -> float:
        """Share tn / (tn + fp); NaN where the truth has no negative pixel."""
        return _ratio(self.tn, self.tn + self.fp)

    def precision(self) -> float:
        """Share tp / (tp + fp); NaN where the prediction has no positive pixel."""
        return _ratio(self.tp, self.tp + self.fp)

    def mcc(self) -> float:
        """Matthews correlation coefficient; NaN where truth or prediction consists of one class only."""
        # Python integers have no upper limit: the product of four pixel counts of one large photograph passes 2**63.
        product = (self.tp + self.fp) * (self.tp + self.fn) * (self.tn + self.fp) * (self.tn + self.fn)
        if product == 0:
            return _UNDEFINED
        return (self.tp * self.tn - self.fp * self.fn) / math.sqrt(product)


def count(predicted: BoolArray, truth: BoolArray) -> Counts:
    """Counts of two boolean arrays of one shape.

    The caller selects the pixels that count (inside the field of view).
    """
    if predicted.shape != truth.shape:
        raise ValueError(f"prediction {predicted.shape} and truth {truth.shape} differ in shape")
    tp = int((predicted & truth).sum())
    positive, marked = int(truth.sum()), int(predicted.sum())
    return Counts(tp=tp, fp=marked - tp, fn=positive - tp, tn=truth.size - positive - marked + tp)
