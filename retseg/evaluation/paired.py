"""Are two systems different? Tests on the same patients, and what many tests at once cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.stats

from retseg.evaluation.resampling import Float64Array

SIGNIFICANT = 0.05

_DIGITS = 12
"""Decimals of a difference that mean something; what lies beyond is the order of summation, not the systems."""


def clean(differences: Float64Array) -> Float64Array:
    """Differences without the noise of rounding, so that equal is 0 and ties are ties."""
    rounded: Float64Array = np.round(differences, _DIGITS) + 0.0
    return rounded


def bootstrap_p(differences: Float64Array) -> float | None:
    """Two-sided p from the resampled differences of two systems: twice the smaller share on either side of zero.

    Zero counts on both sides. The observed sample counts as one more draw on each side, so p is never 0 (Davison and
    Hinkley, 'Bootstrap Methods and their Application', 1997, section 4.2). This asks whether the percentile interval
    of the difference reaches zero. Undefined differences are left out; None if they are more than half.
    """
    known = clean(differences[np.isfinite(differences)])
    if 2 * len(known) < len(differences) or not len(known):
        return None
    smaller = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(known) + 1))


def signed_rank_p(differences: Float64Array) -> float | None:
    """Two-sided p of the Wilcoxon signed-rank test on one difference a patient; None without a patient.

    Wilcoxon, 'Individual comparisons by ranking methods', Biometrics Bulletin 1(6), 1945. Patients without a
    difference say nothing about its direction and are dropped, as there (1 if none is left). Exact up to 50 patients,
    with tied differences up to 13; the normal approximation beyond.
    """
    known = clean(differences[np.isfinite(differences)])
    if not len(known):
        return None
    unequal = known[known != 0]
    if not len(unequal):
        return 1.0
    return min(1.0, float(scipy.stats.wilcoxon(unequal, method="auto").pvalue))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected so that the chance of even one false claim among all of them stays below 5%.

    Holm, 'A simple sequentially rejective multiple test procedure', Scandinavian Journal of Statistics 6(2), 1979:
    the smallest p is multiplied by the number of tests m, the next by m - 1, and so on; none falls below the one before
    it. None (not tested) stays None and does not count.
    """
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for rank, (p, index) in enumerate(order):
        reached = min(1.0, max(reached, p * (len(order) - rank)))
        corrected[index] = reached
    return corrected
