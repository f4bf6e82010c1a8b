from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from retseg.metrics.counts import Counts, count

PIXELS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)
COUNTS = st.builds(Counts, *[st.integers(0, 10**9)] * 4)


def arrays(pixels: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(pixels, np.bool_)
    return both[:, 0], both[:, 1]


@given(pixels=PIXELS)
def test_agrees_with_scikit_learn_wherever_it_is_defined(pixels: list[tuple[bool, bool]]) -> None:
    predicted, truth = arrays(pixels)
    counts = count(predicted, truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "dice": sklearn_metrics.f1_score(truth, predicted, zero_division=np.nan),
            "iou": sklearn_metrics.jaccard_score(truth, predicted, zero_division=0),
            "accuracy": sklearn_metrics.accuracy_score(truth, predicted),
            "sensitivity": sklearn_metrics.recall_score(truth, predicted, zero_division=np.nan),
            "specificity": sklearn_metrics.recall_score(truth, predicted, pos_label=False, zero_division=np.nan),
            "precision": sklearn_metrics.precision_score(truth, predicted, zero_division=np.nan),
            "mcc": sklearn_metrics.matthews_corrcoef(truth, predicted),
        }
    # scikit-learn has no NaN for these two; it says 0.
    if not predicted.any() and not truth.any():
        expected["iou"] = math.nan
    if len(set(predicted)) == 1 or len(set(truth)) == 1:
        expected["mcc"] = math.nan
    for name, value in expected.items():
        assert getattr(counts, name)() == pytest.approx(value, nan_ok=True, abs=1e-12), name


def test_by_hand() -> None:
    counts = Counts(tp=6, fp=2, fn=4, tn=88)
    assert counts.total == 100
    assert counts.dice() == 12 / 18
    assert counts.iou() == 0.5
    assert counts.accuracy() == 0.94
    assert counts.sensitivity() == 0.6
    assert counts.specificity() == 88 / 90
    assert counts.precision() == 0.75
    assert counts.mcc() == pytest.approx((6 * 88 - 2 * 4) / math.sqrt(8 * 10 * 90 * 92))


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        (Counts(tn=9), {"dice", "iou", "sensitivity", "precision", "mcc"}),
        (Counts(fp=2, tn=7), {"sensitivity", "mcc"}),
        (Counts(fn=2, tn=7), {"precision", "mcc"}),
        (Counts(tp=9), {"specificity", "mcc"}),
        (Counts(tp=2, fp=7), {"mcc"}),
        (Counts(), {"dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc"}),
        (Counts(1, 1, 1, 1), set()),
    ],
)
def test_undefined_is_nan_and_nothing_else_is(counts: Counts, undefined: set[str]) -> None:
    names = ("dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc")
    assert {name for name in names if math.isnan(getattr(counts, name)())} == undefined


def test_only_one_side_has_a_vessel() -> None:
    for counts in (Counts(fp=2, tn=7), Counts(fn=2, tn=7)):
        assert counts.dice() == 0
        assert counts.iou() == 0


@given(counts=COUNTS)
def test_stays_exact_for_billions_of_pixels(counts: Counts) -> None:
    denominator = 2 * counts.tp + counts.fp + counts.fn
    if denominator:
        assert counts.dice() == float(Fraction(2 * counts.tp, denominator))
    mcc = counts.mcc()
    assert math.isnan(mcc) or -1 - 1e-12 <= mcc <= 1 + 1e-12


@given(counts=COUNTS)
def test_dice_and_iou_follow_from_each_other(counts: Counts) -> None:
    dice, iou = counts.dice(), counts.iou()
    if not math.isnan(dice):
        assert dice == pytest.approx(2 * iou / (1 + iou))


@given(first=PIXELS, second=PIXELS)
def test_adding_pools_the_pixels(first: list[tuple[bool, bool]], second: list[tuple[bool, bool]]) -> None:
    assert count(*arrays(first)) + count(*arrays(second)) == count(*arrays(first + second))


def test_counts_of_arrays_of_any_shape_are_plain_integers() -> None:
    predicted, truth = np.zeros((4, 5), bool), np.zeros((4, 5), bool)
    predicted[0], truth[:, 0] = True, True
    counts = count(predicted, truth)
    assert counts == Counts(tp=1, fp=4, fn=3, tn=12)
    assert all(type(number) is int for number in (counts.tp, counts.fp, counts.fn, counts.tn))


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        count(np.zeros((2, 3), bool), np.zeros((3, 2), bool))
