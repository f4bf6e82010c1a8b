from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from retseg.evaluation.power import patients_needed, patients_needed_from, patients_needed_pooled


def signed_rank_power(n, mean, spread, trials, rng):
    draws = rng.normal(mean, spread, (trials, n))
    return (scipy.stats.wilcoxon(draws, axis=1, method="exact").pvalue < 0.05).mean()


@pytest.mark.parametrize(("mean", "spread"), [(0.5, 1.0), (1.0, 1.0), (-0.004, 0.006)])
def test_so_many_patients_find_the_difference_four_times_in_five(mean, spread):
    n = patients_needed(mean, spread)
    power = signed_rank_power(n, mean, spread, 1200, np.random.default_rng(0))
    assert 0.76 < power < 0.86
    assert signed_rank_power(round(0.7 * n), mean, spread, 1200, np.random.default_rng(1)) < 0.76


def test_the_formula_by_hand():
    # Half a standard deviation: (1.95996 + 0.84162)**2 * 4 = 31.395, + 1.95996**2 / 2 = 33.316, * pi / 3 = 34.89.
    assert patients_needed(0.5, 1.0) == patients_needed(-0.5, 1.0) == patients_needed(0.01, 0.02) == 35


def test_without_a_difference_no_number_would_do():
    assert patients_needed(0.0, 1.0) is None
    assert patients_needed(1e-16, 1.0) is None
    assert patients_needed(math.nan, 1.0) is None
    assert patients_needed(0.1, math.nan) is None


def test_fewer_than_six_can_never_do():
    assert patients_needed(1.0, 0.0) == patients_needed(5.0, 1.0) == 6


def test_mean_and_spread_come_from_one_difference_a_patient():
    differences = np.array([0.1, 0.3, -0.1, 0.2])
    assert patients_needed_from(np.append(differences, np.nan)) == patients_needed(
        differences.mean(), differences.std(ddof=1)
    )
    assert patients_needed_from(np.array([0.1, np.nan])) is None


def test_a_pooled_difference_needs_as_many_as_the_mean_it_equals():
    # The bootstrap of a plain mean knows its standard error: both ways must come to the same number.
    rng = np.random.default_rng(0)
    values = scipy.stats.zscore(rng.normal(size=8)) + 0.3
    drawn = values[rng.integers(8, size=(40_000, 8))].mean(axis=1)
    expected = patients_needed_from(values)
    assert expected > 50
    assert patients_needed_pooled(values.mean(), drawn, 8) == pytest.approx(expected, rel=0.03)
    assert patients_needed_pooled(0.0, drawn, 8) is None
    assert patients_needed_pooled(0.5, drawn, 1) is None
    assert patients_needed_pooled(0.5, np.full(10, np.nan), 8) is None
