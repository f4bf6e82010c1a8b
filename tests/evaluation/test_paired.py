from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from retseg.evaluation.paired import bootstrap_p, holm, signed_rank_p


def test_p_is_twice_the_smaller_share_with_one_added():
    assert bootstrap_p(np.array([1.0] * 97 + [-1.0] * 2)) == 2 * 3 / 100
    assert bootstrap_p(np.array([-1.0] * 97 + [1.0] * 2)) == 2 * 3 / 100
    assert bootstrap_p(np.ones(9999)) == 2 / 10_000, "never zero"


def test_equal_systems_do_not_differ():
    assert bootstrap_p(np.zeros(100)) == 1
    assert bootstrap_p(np.full(100, 1e-17)) == 1, "the noise of rounding is no difference"
    assert signed_rank_p(np.zeros(8)) == 1
    assert signed_rank_p(np.full(8, -1e-17)) == 1


def test_undefined_resamples_are_left_out_up_to_half():
    assert bootstrap_p(np.array([1.0] * 99 + [np.nan] * 99)) == 0.02
    assert bootstrap_p(np.array([1.0] * 99 + [np.nan] * 100)) is None
    assert bootstrap_p(np.array([])) is None


def test_p_agrees_with_the_interval_that_reaches_zero():
    rng = np.random.default_rng(0)
    for shift in (0.5, 1.5, 2.5, 3.0):
        drawn = rng.normal(shift, 1, 20_000)
        low = np.quantile(drawn, 0.025)
        assert (bootstrap_p(drawn) < 0.05) == (low > 0)


def enumerated(differences):
    """The exact p: all ways to give the differences signs, ties by their mean rank."""
    ranks = scipy.stats.rankdata(np.abs(differences))
    sums = np.array([np.dot(ranks, signs) for signs in product((0, 1), repeat=len(ranks))])
    won = ranks[differences > 0].sum()
    smaller = min((sums <= won + 1e-9).mean(), (sums >= won - 1e-9).mean())
    return min(1.0, 2 * smaller)


@settings(max_examples=40)
@given(st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=8))
def test_the_signed_rank_test_is_exact_also_with_ties(values):
    differences = np.array(values) / 100
    assert signed_rank_p(differences) == pytest.approx(enumerated(differences), abs=1e-9)


def test_patients_without_a_difference_are_dropped():
    differences = np.array([0.1, -0.02, 0.3, 0.04, 0.05, 0.16, 0.27])
    expected = scipy.stats.wilcoxon(differences, method="exact").pvalue
    assert signed_rank_p(differences) == pytest.approx(expected)
    assert signed_rank_p(np.append(differences, [0.0, np.nan, 0.0])) == pytest.approx(expected)
    assert signed_rank_p(np.array([np.nan])) is None
    # Zeros must not cost the exactness of the rest.
    many = np.random.default_rng(0).normal(0.4, 1, 20)
    expected = scipy.stats.wilcoxon(many, method="exact").pvalue
    assert signed_rank_p(np.append(many, np.zeros(3))) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("patients", "p"), [(4, 0.125), (5, 0.0625), (6, 0.03125)])
def test_the_smallest_p_of_few_patients(patients, p):
    assert signed_rank_p(np.linspace(0.1, 0.2, patients)) == p


def test_many_patients_are_tested_too():
    differences = np.random.default_rng(0).normal(0.3, 1, 80)
    assert signed_rank_p(differences) == pytest.approx(scipy.stats.wilcoxon(differences).pvalue)
    tied = np.round(differences, 1)
    expected = scipy.stats.wilcoxon(tied[tied != 0], method="asymptotic").pvalue
    assert signed_rank_p(tied) == pytest.approx(expected)


def test_holms_correction_on_worked_examples():
    # The example of "Holm-Bonferroni method" (Wikipedia): at 5% only the first and the last are rejected.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # By hand from Holm's rule: 5 x 0.001, 4 x 0.01, 3 x 0.02 = 0.06, 2 x 0.022 = 0.044 raised to 0.06, 1 x 0.9.
    assert holm([0.9, 0.001, 0.022, 0.02, 0.01]) == pytest.approx([0.9, 0.005, 0.06, 0.06, 0.04])


def test_what_was_not_tested_does_not_count():
    assert holm([None, 0.02, None, 0.01]) == [None, 0.02, None, 0.02]
    assert holm([]) == []
    assert holm([None]) == [None]
    assert holm([0.7, 0.8]) == [1.0, 1.0]


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=12), st.floats(0.001, 0.2))
def test_holm_rejects_what_its_step_down_rule_rejects(p_values, level):
    rejected = set()
    for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] * (len(p_values) - step) > level:
            break
        rejected.add(index)
    assert {i for i, p in enumerate(holm(p_values)) if p is not None and p <= level} == rejected


def test_holm_keeps_the_chance_of_a_false_claim():
    rng = np.random.default_rng(0)
    claims = sum(min(p for p in holm(list(rng.random(6))) if p is not None) < 0.05 for _ in range(4000))
    assert claims / 4000 == pytest.approx(0.05, abs=0.012)
