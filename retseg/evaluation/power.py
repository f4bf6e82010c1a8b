"""How many patients a claim would need."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from retseg.evaluation.bootstrap import MIN_PATIENTS
from retseg.evaluation.paired import SIGNIFICANT, clean
from retseg.evaluation.resampling import Float64Array

POWER = 0.80
"""The chance that a study of so many patients finds the difference, if it is as large as the one observed."""

SIGNED_RANK_EFFICIENCY = 3 / math.pi
"""How well the signed-rank test uses patients, beside the t-test, on normal differences (Hodges and Lehmann, 'The
efficiency of some nonparametric competitors of the t-test', Annals of Mathematical Statistics 27(2), 1956)."""


def patients_needed(mean: float, spread: float) -> int | None:
    """Patients for 80% power at a two-sided 5%, given the mean paired difference and its standard deviation.

    n = ((z + w)**2 (spread / mean)**2 + z**2 / 2) * pi / 3, with z = 1.96 and w = 0.84 the normal quantiles of
    97.5% and 80%: the paired t-test (Guenther, 'Sample size formulas for normal theory t tests', The American
    Statistician 35(4), 1981), divided by the signed-rank test's efficiency of 3/pi. At least six, below which nothing
    can be significant. None where the difference is 0 or unknown: no number of patients would show it. The observed
    difference is itself uncertain, so this says how large a study to plan, no more.
    """
    if not (math.isfinite(mean) and math.isfinite(spread)) or float(clean(np.array(mean))) == 0:
        return None
    z, w = float(norm.ppf(1 - SIGNIFICANT / 2)), float(norm.ppf(POWER))
    needed = ((z + w) ** 2 * (spread / mean) ** 2 + z**2 / 2) / SIGNED_RANK_EFFICIENCY
    return max(MIN_PATIENTS, math.ceil(needed))


def patients_needed_from(differences: Float64Array) -> int | None:
    """The same from one difference a patient; None with fewer than two patients."""
    known = differences[np.isfinite(differences)]
    if len(known) < 2:
        return None
    return patients_needed(float(known.mean()), float(known.std(ddof=1)))


def patients_needed_pooled(difference: float, resampled: Float64Array, patients: int) -> int | None:
    """The same for a difference of pooled figures, which no single patient has.

    The spread a patient would have is the standard error times the root of n; the standard error is that of the
    resampled differences, which falls short by the factor sqrt((n - 1) / n).
    """
    known = resampled[np.isfinite(resampled)]
    if patients < 2 or 2 * len(known) < len(resampled) or len(known) < 2:
        return None
    spread = float(known.std(ddof=1)) * patients / math.sqrt(patients - 1)
    return patients_needed(difference, spread)
