"""Exact ROC AUC, average precision and best threshold from histograms of 16-bit scores.

A probability stored in 16 bits has 65,536 possible values, so two histograms (one for positive, one for negative
pixels) hold all there is to know about the ranking of any number of pixels. They can be added over images.
Where thousands of such sums are drawn (a bootstrap), `merge_levels` first makes them shorter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import BoolArray, UInt16Array
from retseg.metrics.counts import Counts

LEVELS = 65536
"""Number of distinct 16-bit scores."""

CALIBRATION_BINS = 15
"""Number of equal-width bins of the probability in which calibration is judged."""

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

_LEVEL: Float64Array = np.arange(LEVELS) / (LEVELS - 1)
_LEVEL.flags.writeable = False

# 65535 is a multiple of 15, so every inner edge is one of the 16-bit probabilities: computed like them, it equals them.
_INNER_EDGES: Float64Array = np.arange(1, CALIBRATION_BINS) * ((LEVELS - 1) // CALIBRATION_BINS) / (LEVELS - 1)


def quantise(probability: NDArray[Any]) -> UInt16Array:
    """Probabilities 0..1 of any shape as 16-bit scores: round(p * 65535)."""
    scores: UInt16Array = np.rint(np.clip(probability, 0.0, 1.0) * np.float32(LEVELS - 1)).astype(np.uint16)
    return scores


def calibration_bin(level: Float64Array) -> NDArray[np.intp]:
    """Which of the 15 bins, 0 to 14, each probability lies in. Bin b is (b / 15, (b + 1) / 15]; 0 lies in the first."""
    return np.searchsorted(_INNER_EDGES, level, side="left")


@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistogram:
    """How many positive (`pos`) and negative (`neg`) pixels have each score; both int64 of shape (n,).

    `level` (n,) float64 holds the probability of each bin, rising strictly: that of each 16-bit score, unless levels
    were merged.
    """

    pos: Int64Array
    neg: Int64Array
    level: Float64Array = field(default_factory=lambda: _LEVEL)

    def __post_init__(self) -> None:
        if not self.pos.shape == self.neg.shape == self.level.shape:
            raise ValueError(f"counts {self.pos.shape}, {self.neg.shape} for {self.level.shape} levels of score")

    @classmethod
    def empty(cls) -> ScoreHistogram:
        """A histogram of no pixels, to start a sum from."""
        return cls(np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64))

    def __add__(self, other: ScoreHistogram) -> ScoreHistogram:
        if self.level is not other.level and not np.array_equal(self.level, other.level):
            raise ValueError("histograms of different levels cannot be added; merge the levels of all at once")
        return ScoreHistogram(self.pos + other.pos, self.neg + other.neg, self.level)

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
        """Counts of the decision `probability > threshold`, where probability is score / 65535.

        Exact unless levels were merged.
        """
        first = int(np.searchsorted(self.level, threshold, side="right"))
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
        # Cut c marks bin c and above. Cut 0 would mark pixels of probability 0, which no threshold in (0, 1) does.
        skipped = int(self.level[0] == 0)
        dice = 2 * tp[skipped:] / (tp[skipped:] + fp[skipped:] + self.positives)
        if not len(dice):
            return 0.5, 0.0
        first = int(np.argmax(dice)) + skipped
        alike = (tp[first:] == tp[first]) & (fp[first:] == fp[first])
        last = first + (int(np.argmin(alike)) if not alike.all() else len(alike)) - 1
        cut = (first + last) // 2
        below = self.level[cut - 1] if cut else 0.0
        return float(below + self.level[cut]) / 2, float(dice[first - skipped])

    def _marked(self) -> tuple[Int64Array, Int64Array]:
        """For each bin c: how many positive and how many negative pixels lie in it or above."""
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


def merge_levels(histograms: Sequence[ScoreHistogram], levels: int = 1024) -> list[ScoreHistogram]:
    """The same histograms over far fewer levels, the same ones for all, so that they can still be added.

    Neighbouring levels are merged so that each new one holds about an equal part of all pixels of all histograms,
    positive and negative pixels weighing one half together: so the ranking stays as fine where the few positives lie.
    A new level is the mean probability of its pixels. No edge of the 15 calibration bins is crossed; there are at most
    `levels` + 14 new levels, and none without a pixel.

    ROC area, Brier score and calibration errors then change by less than 1e-4, average precision, a sum over fewer
    steps, falls by less than 1e-3: far less than an interval is wide. Figures that are printed themselves are computed
    from all levels.
    """
    if not histograms:
        return []
    pooled = sum(histograms[1:], histograms[0])
    used = np.flatnonzero(pooled.pos + pooled.neg)
    pos, neg, level = pooled.pos[used], pooled.neg[used], pooled.level[used]
    if not len(used):
        return [ScoreHistogram(pos, neg, level) for _ in histograms]
    mass = pos / max(1, pos.sum()) + neg / max(1, neg.sum())
    # By its middle: a score that very many pixels share gets a level of its own instead of swallowing its neighbours.
    part = np.floor((np.cumsum(mass) - mass / 2) / mass.sum() * levels)
    new = (np.diff(part) > 0) | (np.diff(calibration_bin(level)) > 0)
    start = np.concatenate([[0], np.flatnonzero(new) + 1])
    end = np.append(start[1:], len(level)) - 1
    number = np.add.reduceat(pos + neg, start)
    # The mean of equal values can be off by a rounding error, which would push it over an edge.
    merged = np.clip(np.add.reduceat((pos + neg) * level, start) / number, level[start], level[end])
    return [
        ScoreHistogram(np.add.reduceat(h.pos[used], start), np.add.reduceat(h.neg[used], start), merged)
        for h in histograms
    ]
