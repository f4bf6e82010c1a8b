"""Exact ROC AUC, average precision and best threshold from histograms of 16-bit scores.

A probability stored in 16 bits has 65,536 possible values, so two histograms (one for positive, one for negative
pixels) hold all there is to know about the ranking of any number of pixels. They can be added over images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import BoolArray, UInt16Array
from retseg.metrics.counts import Counts

LEVELS = 65536
"""Number of distinct 16-bit scores."""

Int64Array = NDArray[np.int64]


def quantise(probability: NDArray[Any]) -> UInt16Array:
    """Probabilities 0..1 of any shape as 16-bit scores: round(p * 65535)."""
    scores: UInt16Array = np.rint(np.clip(probability, 0.0, 1.0) * np.float32(LEVELS - 1)).astype(np.uint16)
    return scores


@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistogram:
    """How many positive (`pos`) and negative (`neg`) pixels have each 16-bit score; both int64 of shape (65536,)."""

    pos: Int64Array
    neg: Int64Array

    @classmethod
    def empty(cls) -> ScoreHistogram:
        """A histogram of no pixels, to start a sum from."""
        return cls(np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64))

    def __add__(self, other: ScoreHistogram) -> ScoreHistogram:
        return ScoreHistogram(self.pos + other.pos, self.neg + other.neg)

    @property
    def positives(self) -> int:
        """Number of positive pixels."""
        return int(self.pos.sum())

    @property
    def negatives(self) -> int:
        """Number of negative pixels."""
        return int(self.neg.sum())

    def roc_auc(self) -> float:
        """Area under the ROC curve: how often a positive pixel outscores a negative one, ties counting one half.

        NaN where there are only positive or only negative pixels.
        """
        pairs = self.positives * self.negatives
        if pairs == 0:
            return math.nan
        # Twice the Mann-Whitney statistic, so that ties stay integers.
        twice_below = 2 * np.cumsum(self.neg) - self.neg
        if pairs < 2**62:
            return int(self.pos @ twice_below) / (2 * pairs)
        twice_won: int = sum(a * b for a, b in zip(self.pos.tolist(), twice_below.tolist(), strict=True))
        return twice_won / (2 * pairs)

    def average_precision(self) -> float:
        """Mean precision over the positive pixels, highest scores first (a step sum, nothing interpolated).

        NaN where there are only positive or only negative pixels.
        """
        if self.positives == 0 or self.negatives == 0:
            return math.nan
        tp, fp = self._marked()
        hit = self.pos > 0
        return float(np.sum(self.pos[hit] * (tp[hit] / (tp[hit] + fp[hit])))) / self.positives

    def counts_at(self, threshold: float) -> Counts:
        """Counts of the decision `probability > threshold`, where probability is score / 65535."""
        first = int(np.searchsorted(np.arange(LEVELS) / (LEVELS - 1), threshold, side="right"))
        tp, fp = int(self.pos[first:].sum()), int(self.neg[first:].sum())
        return Counts(tp=tp, fp=fp, fn=self.positives - tp, tn=self.negatives - fp)

    def best_dice_threshold(self) -> tuple[float, float]:
        """The threshold in (0, 1) for which `probability > threshold` has the highest pooled Dice, and that Dice.

        Thresholds lie halfway between two scores, so the decision is the same before and after rounding to 16 bits.
        Where a whole range of thresholds decides alike, its middle is returned. Without a positive pixel, (0.5, NaN).
        """
        if self.positives == 0:
            return 0.5, math.nan
        tp, fp = self._marked()
        # Cut c marks the scores >= c; cut 0 would mark pixels of probability 0, which no threshold in (0, 1) does.
        dice = 2 * tp[1:] / (tp[1:] + fp[1:] + self.positives)
        first = int(np.argmax(dice)) + 1
        alike = (tp[first:] == tp[first]) & (fp[first:] == fp[first])
        last = first + (int(np.argmin(alike)) if not alike.all() else len(alike)) - 1
        return ((first + last) // 2 - 0.5) / (LEVELS - 1), float(dice[first - 1])

    def _marked(self) -> tuple[Int64Array, Int64Array]:
        """For each score c: how many positive and how many negative pixels score at least c."""
        return np.cumsum(self.pos[::-1])[::-1], np.cumsum(self.neg[::-1])[::-1]


def score_histogram(prob: UInt16Array, truth: BoolArray) -> ScoreHistogram:
    """Histograms of 16-bit scores and truth, two arrays of one shape.

    The caller selects the pixels that count (inside the field of view).
    """
    if prob.dtype != np.uint16 or truth.dtype != np.bool_:
        raise ValueError(f"scores must be uint16 and truth bool, not {prob.dtype} and {truth.dtype}")
    if prob.shape != truth.shape:
        raise ValueError(f"scores {prob.shape} and truth {truth.shape} differ in shape")
    both = np.bincount(prob.ravel() + np.left_shift(truth.ravel(), 16, dtype=np.int64), minlength=2 * LEVELS)
    return ScoreHistogram(pos=both[LEVELS:], neg=both[:LEVELS])
