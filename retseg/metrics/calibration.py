"""Metrics of calibration: whether pixels of probability p are positive in a share p of cases. They judge the
probability of the positive class itself, not the confidence in whichever class is more probable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from retseg.metrics.metric import Metric
from retseg.metrics.ranking import CALIBRATION_BINS, Float64Array, Int64Array, ScoreHistogram, calibration_bin


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """The reliability diagram: an array (15,) each, one entry a bin of the probability.

    Bin b holds the pixels whose probability lies in (`low`, `high`], the first bin those of probability 0, too.
    `confidence` is their mean probability and `observed` the share of them that is positive; both NaN in an empty bin.
    `count` is the number of pixels.
    """

    low: Float64Array
    high: Float64Array
    confidence: Float64Array
    observed: Float64Array
    count: Int64Array


def reliability(histogram: ScoreHistogram) -> Reliability:
    """How often pixels are positive, by their probability, in 15 bins of equal width."""
    number = histogram.pos + histogram.neg
    where = calibration_bin(histogram.level)
    # Sums of whole numbers below 2**53 are exact in floating point.
    count = np.bincount(where, number, CALIBRATION_BINS)
    positive = np.bincount(where, histogram.pos, CALIBRATION_BINS)
    probability = np.bincount(where, number * histogram.level, CALIBRATION_BINS)
    with np.errstate(invalid="ignore"):
        confidence, observed = probability / count, positive / count
    edges = np.arange(CALIBRATION_BINS + 1) / CALIBRATION_BINS
    return Reliability(edges[:-1], edges[1:], confidence, observed, count.astype(np.int64))


def expected_calibration_error(histogram: ScoreHistogram) -> float:
    """Mean over pixels of |observed - confidence| of their bin of equal width; NaN without a pixel."""
    bins = reliability(histogram)
    filled = bins.count > 0
    if not filled.any():
        return math.nan
    gap = np.abs(bins.observed[filled] - bins.confidence[filled])
    return float(gap @ bins.count[filled]) / int(bins.count.sum())


def adaptive_calibration_error(histogram: ScoreHistogram) -> float:
    """Mean over 15 ranges of equally many pixels of |observed - confidence|; NaN without a pixel."""
    number = histogram.pos + histogram.neg
    filled = number > 0
    total = int(number.sum())
    if total == 0:
        return math.nan
    number, surplus = number[filled], (histogram.pos - number * histogram.level)[filled]
    # Positive pixels less summed probability, up to each place in the ranking. Inside a score it is a straight line:
    # a range takes its part of the pixels that share a score, and the same part of the positive ones among them.
    ranked = np.concatenate([[0], np.cumsum(number)])
    upto = np.concatenate([[0.0], np.cumsum(surplus)])
    at_edges = np.interp(total * np.arange(CALIBRATION_BINS + 1) / CALIBRATION_BINS, ranked, upto)
    return float(np.abs(np.diff(at_edges)).sum()) / total


def brier_score(histogram: ScoreHistogram) -> float:
    """Mean of (probability - truth) squared, truth being 1 or 0; NaN without a pixel."""
    total = histogram.positives + histogram.negatives
    if total == 0:
        return math.nan
    # Not BLAS: its order of summation, and so the last digit, depends on the number of threads.
    squares = histogram.pos * (1 - histogram.level) ** 2 + histogram.neg * histogram.level**2
    return float(squares.sum()) / total


ECE = Metric(
    name="ece",
    title="ECE",
    definition="Expected calibration error: pixels are put into 15 bins of equal width by their probability, bin b"
    " being (b/15, (b+1)/15]; the mean over pixels of |share of positive pixels - mean probability| of their bin.",
    citation="Naeini et al., 'Obtaining well calibrated probabilities using Bayesian binning', AAAI 2015; Guo et al., "
    "'On calibration of modern neural networks', ICML 2017",
    range=(0.0, 1.0),
    higher_is_better=False,
    needs="scores",
    degenerate="NaN where no pixel was counted. Defined where all pixels are of one class; where all scores are equal,"
    " |share of positive pixels - that score|, so a constant equal to the share of vessels has 0.",
    function=expected_calibration_error,
    pinned={"bins": CALIBRATION_BINS, "binning": "equal width, closed above"},
)

ACE = Metric(
    name="ace",
    title="Adaptive ECE",
    definition="Adaptive calibration error: pixels are ranked by probability and cut into 15 ranges of equally many;"
    " the mean over ranges of |share of positive pixels - mean probability|. Pixels that share a score are one: an"
    " edge that falls among them gives each side its part of them, with the same share of positive ones.",
    citation="Nixon et al., 'Measuring calibration in deep learning', CVPR Workshops 2019",
    range=(0.0, 1.0),
    higher_is_better=False,
    needs="scores",
    degenerate="NaN where no pixel was counted. Defined where all pixels are of one class; where all scores are equal,"
    " |share of positive pixels - that score|.",
    function=adaptive_calibration_error,
    pinned={"bins": CALIBRATION_BINS, "binning": "equal mass, ties divided"},
)

BRIER = Metric(
    name="brier",
    title="Brier score",
    definition="Mean over pixels of (probability - truth) squared, truth being 1 for a positive pixel and 0 for any"
    " other (half of Brier's own sum over both classes).",
    citation="Brier, 'Verification of forecasts expressed in terms of probability', Monthly Weather Review 78(1), 1950",
    range=(0.0, 1.0),
    higher_is_better=False,
    needs="scores",
    degenerate="NaN where no pixel was counted. Defined where all pixels are of one class and where all scores are"
    " equal.",
    function=brier_score,
)
