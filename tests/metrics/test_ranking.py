from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from retseg.metrics.counts import count
from retseg.metrics.ranking import LEVELS, ScoreHistogram, quantise, score_histogram

# Few distinct scores give many ties; the ends of the range are always among them.
TIED = st.sampled_from([0, 1, 2, 32767, 32768, 65534, 65535])
PIXELS = st.lists(st.tuples(st.one_of(TIED, st.integers(0, 65535)), st.booleans()), min_size=1, max_size=50)


def split(pixels: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in pixels], np.uint16), np.array([true for _, true in pixels], np.bool_)


@given(pixels=PIXELS)
def test_areas_are_scikit_learns(pixels: list[tuple[int, bool]]) -> None:
    scores, truth = split(pixels)
    histogram = score_histogram(scores, truth)
    if truth.all() or not truth.any():
        assert math.isnan(histogram.roc_auc())
        assert math.isnan(histogram.average_precision())
    else:
        assert histogram.roc_auc() == pytest.approx(roc_auc_score(truth, scores), abs=1e-13)
        assert histogram.average_precision() == pytest.approx(average_precision_score(truth, scores), abs=1e-13)


def test_areas_are_scikit_learns_on_a_photographs_worth_of_pixels() -> None:
    random = np.random.default_rng(0)
    truth = random.random(300_000) < 0.1
    scores = quantise(np.where(truth, random.beta(4, 2, truth.size), random.beta(1, 6, truth.size)))
    histogram = score_histogram(scores, truth)
    assert histogram.roc_auc() == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert histogram.average_precision() == pytest.approx(average_precision_score(truth, scores), abs=1e-12)


def test_all_scores_equal() -> None:
    histogram = score_histogram(np.full(8, 7, np.uint16), np.array([1, 1, 0, 0, 0, 0, 0, 0], bool))
    assert histogram.roc_auc() == 0.5
    assert histogram.average_precision() == 0.25


def test_the_area_is_exact_where_the_number_of_pairs_passes_64_bits() -> None:
    pos, neg = np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64)
    pos[[10, 500]] = 3_000_000_000, 1
    neg[[5, 10, 600]] = 2_000_000_000, 1, 1_000_000_000
    won = 3_000_000_000 * 2_000_000_000 + 2_000_000_001 + Fraction(3_000_000_000, 2)
    expected = won / (3_000_000_001 * 3_000_000_001)
    assert ScoreHistogram(pos, neg).roc_auc() == float(expected)


@given(pixels=PIXELS, threshold=st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, 2 / 65535, 32768 / 65535])))
def test_counts_are_those_of_probability_above_threshold(pixels: list[tuple[int, bool]], threshold: float) -> None:
    scores, truth = split(pixels)
    assert score_histogram(scores, truth).counts_at(threshold) == count(scores / 65535 > threshold, truth)


@given(pixels=PIXELS)
def test_no_threshold_beats_the_best_one(pixels: list[tuple[int, bool]]) -> None:
    scores, truth = split(pixels)
    histogram = score_histogram(scores, truth)
    threshold, dice = histogram.best_dice_threshold()
    if not truth.any():
        assert threshold == 0.5
        assert math.isnan(dice)
        return
    assert 0 < threshold < 1
    assert dice == count(scores / 65535 > threshold, truth).dice() == histogram.counts_at(threshold).dice()
    others = [0.0, *((np.unique(scores).astype(float) - 0.5) / 65535).clip(0)]
    assert dice == max(count(scores / 65535 > other, truth).dice() for other in others)


@given(pixels=PIXELS)
def test_the_best_threshold_decides_alike_before_and_after_rounding(pixels: list[tuple[int, bool]]) -> None:
    scores, truth = split(pixels)
    threshold, _ = score_histogram(scores, truth).best_dice_threshold()
    # Anything less than half a step away from the stored value is stored as that value.
    for offset in (-0.49, 0.0, 0.49):
        before = ((scores + offset) / 65535).astype(np.float32)
        assert np.array_equal(before > np.float32(threshold), scores / 65535 > threshold)


def test_the_best_threshold_stands_in_the_middle_of_those_that_decide_alike() -> None:
    histogram = score_histogram(np.array([0, 10000, 30000, 65535], np.uint16), np.array([False, False, True, True]))
    threshold, dice = histogram.best_dice_threshold()
    assert dice == 1
    assert threshold * 65535 == pytest.approx(20000, abs=1)


def test_of_two_equally_good_ranges_the_lower_is_taken() -> None:
    # Marking from 10 on or from 30 on both give Dice 2/3.
    scores, truth = np.array([30, 20, 15, 10, 5, 5], np.uint16), np.array([1, 0, 0, 1, 0, 0], bool)
    histogram = score_histogram(scores, truth)
    threshold, dice = histogram.best_dice_threshold()
    assert dice == pytest.approx(2 / 3)
    assert 5 < threshold * 65535 < 10


@given(first=PIXELS, second=PIXELS)
def test_adding_pools_the_pixels(first: list[tuple[int, bool]], second: list[tuple[int, bool]]) -> None:
    total = sum([score_histogram(*split(first)), score_histogram(*split(second))], ScoreHistogram.empty())
    together = score_histogram(*split(first + second))
    assert np.array_equal(total.pos, together.pos)
    assert np.array_equal(total.neg, together.neg)


@given(pixels=PIXELS)
def test_no_pixel_is_lost(pixels: list[tuple[int, bool]]) -> None:
    scores, truth = split(pixels)
    histogram = score_histogram(scores, truth)
    assert histogram.pos.shape == histogram.neg.shape == (LEVELS,)
    assert histogram.pos.dtype == histogram.neg.dtype == np.int64
    assert histogram.positives == truth.sum()
    assert histogram.positives + histogram.negatives == len(pixels)


def test_quantise_rounds_to_the_nearest_of_65536_levels() -> None:
    every = np.arange(LEVELS, dtype=np.float32) / np.float32(65535)
    assert np.array_equal(quantise(every), np.arange(LEVELS))
    assert quantise(np.array([-0.1, 0.0, 0.5, 1.0, 1.1])).tolist() == [0, 0, 32768, 65535, 65535]
    assert quantise(np.array([[0.4999 / 65535, 0.5001 / 65535]])).tolist() == [[0, 1]]


def test_arrays_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="uint16"):
        score_histogram(np.zeros(3, np.float32), np.zeros(3, bool))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bool"):
        score_histogram(np.zeros(3, np.uint16), np.zeros(3, np.uint8))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="differ in shape"):
        score_histogram(np.zeros(3, np.uint16), np.zeros(4, bool))
