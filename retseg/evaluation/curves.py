"""curves.json: the curves of one system's pooled scores, thinned to what an eye can tell apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.metrics.calibration import reliability
from retseg.metrics.ranking import ScoreHistogram

_POINTS = 400
_DIGITS = 6


def curves_of(histogram: ScoreHistogram | None, threshold: float | None) -> dict[str, Any]:
    """ROC, precision-recall, threshold sweep and reliability diagram, JSON-ready; empty without scores of both kinds.

    Points are thinned to about 400, evenly along each curve, so the areas under them differ from the exact figures by
    less than can be seen; the figures themselves are always computed from every score.
    """
    if histogram is None or not histogram.positives or not histogram.negatives:
        return {}
    tp = np.cumsum(histogram.pos[::-1])[::-1].astype(np.float64)
    fp = np.cumsum(histogram.neg[::-1])[::-1].astype(np.float64)
    # A cut that marks nothing ends the curves at their other corner.
    tp, fp = np.append(tp, 0.0), np.append(fp, 0.0)
    tpr, fpr = tp / histogram.positives, fp / histogram.negatives
    with np.errstate(invalid="ignore"):
        precision = np.where(tp + fp > 0, tp / np.maximum(tp + fp, 1.0), np.nan)
    dice = 2 * tp / (tp + fp + histogram.positives)
    roc = _even(fpr, tpr)[::-1]
    pr = [index for index in _even(tpr, np.nan_to_num(precision, nan=1.0))[::-1] if not math.isnan(precision[index])]
    sweep = np.unique(np.rint(np.linspace(0, 1, 201) * (len(tp) - 2)).astype(int))
    # Cut c marks the scores of bin c and above: it is the threshold just below that bin's probability.
    levels = histogram.level[sweep]
    bins = reliability(histogram)
    return {
        "roc": {"fpr": _list(fpr[roc]), "tpr": _list(tpr[roc])},
        "pr": {"recall": _list(tpr[pr]), "precision": _list(precision[pr])},
        "sweep": {
            "threshold": _list(levels),
            "dice": _list(dice[sweep]),
            "sensitivity": _list(tpr[sweep]),
            "precision": _list(precision[sweep]),
        },
        "reliability": {
            "low": _list(bins.low),
            "high": _list(bins.high),
            "confidence": _list(bins.confidence),
            "observed": _list(bins.observed),
            "count": [int(n) for n in bins.count],
        },
        "threshold": threshold,
    }


def _even(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of about `_POINTS` points spread evenly along the curve, both ends among them."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    if length[-1] == 0:
        return np.array([0], np.intp)
    wanted = np.linspace(0, length[-1], _POINTS)
    return np.unique(np.clip(np.searchsorted(length, wanted), 0, len(x) - 1))


def _list(values: NDArray[np.float64]) -> list[float | None]:
    return [None if not math.isfinite(value) else round(float(value), _DIGITS) for value in values]
