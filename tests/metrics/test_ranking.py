from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics import compute_roc_auc
from sklearn.metrics import average_precision_score, roc_auc_score

from retseg.metrics.calibration import ACE, BRIER, ECE
from retseg.metrics.counts import count
from retseg.metrics.discrimination import AUC, AVERAGE_PRECISION
from retseg.metrics.ranking import LEVELS, ScoreHistogram, calibration_bin, merge_levels, quantise, score_histogram

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


def drawn(seed: int, pixels: int, share: float = 0.12, skill: float = 4) -> ScoreHistogram:
    """A photograph's worth of scores, half of the background at the very bottom, as nets give them."""
    random = np.random.default_rng(seed)
    truth = random.random(pixels) < share
    background = random.beta(1, 6, pixels) * (random.random(pixels) < 0.5)
    return score_histogram(quantise(np.where(truth, random.beta(skill, 2, pixels), background)), truth)


def test_monais_area_is_off_on_a_large_photograph_and_ours_is_not() -> None:
    random = np.random.default_rng(0)
    truth = random.random(1_600_000) < 0.12
    probability = np.where(truth, random.beta(4, 2, truth.size), random.beta(1, 6, truth.size)).astype(np.float32)
    scores = quantise(probability)
    ours = score_histogram(scores, truth).roc_auc()
    assert ours == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert ours == pytest.approx(roc_auc_score(truth, probability), abs=1e-6), "sixteen bits cost nothing"
    # Labels as floats, as MONAI's own transforms give them: it then adds up millions of them in 32 bits.
    monai = compute_roc_auc(torch.from_numpy(probability), torch.from_numpy(truth.astype(np.float32)))
    assert abs(float(monai) - ours) > 3e-4


@given(pixels=PIXELS)
def test_levels_are_the_sixteen_bit_probabilities(pixels: list[tuple[int, bool]]) -> None:
    histogram = score_histogram(*split(pixels))
    assert np.array_equal(histogram.level, np.arange(65536) / 65535)
    assert np.array_equal((histogram + histogram).level, histogram.level)
    with pytest.raises(ValueError, match="read-only"):
        histogram.level[0] = 1


@given(pixels=PIXELS, levels=st.integers(1, 40))
def test_merging_moves_no_pixel_past_another_or_into_another_calibration_bin(
    pixels: list[tuple[int, bool]], levels: int
) -> None:
    whole = score_histogram(*split(pixels))
    (merged,) = merge_levels([whole], levels)
    assert 0 < len(merged.level) <= levels + 14
    assert (np.diff(merged.level) > 0).all()
    assert merged.positives == whole.positives
    assert merged.negatives == whole.negatives
    assert ((merged.pos + merged.neg) > 0).all()
    for part in ("pos", "neg"):
        before = np.bincount(calibration_bin(whole.level), getattr(whole, part), 15)
        assert np.array_equal(np.bincount(calibration_bin(merged.level), getattr(merged, part), 15), before)
    # Every new level stands for a run of old ones: counts up to its end are counts of the old ones up to theirs.
    old = np.cumsum(whole.pos + whole.neg)
    assert np.isin(np.cumsum(merged.pos + merged.neg), old).all()
    mean = ((whole.pos + whole.neg) @ whole.level) / len(pixels)
    assert ((merged.pos + merged.neg) @ merged.level) / len(pixels) == pytest.approx(mean, abs=1e-12)
    assert ECE.function(merged) == pytest.approx(ECE.function(whole), abs=1e-12)


@given(pixels=PIXELS)
def test_with_enough_levels_nothing_is_lost(pixels: list[tuple[int, bool]]) -> None:
    whole = score_histogram(*split(pixels))
    (merged,) = merge_levels([whole], 10**7)
    for metric in (AUC, AVERAGE_PRECISION, ECE, ACE, BRIER):
        assert metric.function(merged) == pytest.approx(metric.function(whole), abs=1e-12, nan_ok=True)
    threshold, dice = merged.best_dice_threshold()
    assert dice == pytest.approx(whole.best_dice_threshold()[1], nan_ok=True)
    assert 0 < threshold < 1
    assert whole.counts_at(threshold) == merged.counts_at(threshold)


@given(images=st.lists(PIXELS, min_size=1, max_size=4), levels=st.integers(1, 30))
def test_merged_histograms_can_be_added(images: list[list[tuple[int, bool]]], levels: int) -> None:
    merged = merge_levels([score_histogram(*split(pixels)) for pixels in images], levels)
    total = sum(merged[1:], merged[0])
    for histogram, pixels in zip(merged, images, strict=True):
        assert histogram.level is merged[0].level
        assert histogram.positives + histogram.negatives == len(pixels)
    together = merge_levels([score_histogram(*split([pixel for pixels in images for pixel in pixels]))], levels)[0]
    assert np.array_equal(total.level, together.level)
    assert np.array_equal(total.pos, together.pos)
    assert np.array_equal(total.neg, together.neg)


def test_a_thousand_levels_change_no_figure_that_can_be_seen() -> None:
    whole = [drawn(seed, 100_000, skill=skill) for seed, skill in enumerate((2, 4, 6))]
    merged = merge_levels(whole)
    assert len(merged[0].level) <= 1024 + 14
    for before, after in [*zip(whole, merged, strict=True), (sum(whole[1:], whole[0]), sum(merged[1:], merged[0]))]:
        for metric in (AUC, AVERAGE_PRECISION, ECE, ACE, BRIER):
            allowed = 1e-3 if metric is AVERAGE_PRECISION else 1e-4
            assert metric.function(after) == pytest.approx(metric.function(before), abs=allowed), metric.name


def test_a_score_that_most_pixels_share_keeps_a_level_of_its_own() -> None:
    scores = np.array([0] * 3 + [40] * 900 + [41] * 3 + [60000] * 50, np.uint16)
    (merged,) = merge_levels([score_histogram(scores, scores > 41)], 16)
    assert (merged.pos + merged.neg).tolist() == [3, 900, 3, 50]


def test_merging_nothing() -> None:
    assert merge_levels([]) == []
    (merged,) = merge_levels([ScoreHistogram.empty()])
    assert merged.positives == merged.negatives == 0
    assert all(math.isnan(metric.function(merged)) for metric in (AUC, AVERAGE_PRECISION, ECE, ACE, BRIER))
    assert merged.counts_at(0.5).total == 0


def test_the_best_threshold_of_merged_levels() -> None:
    at_zero = merge_levels([score_histogram(np.zeros(4, np.uint16), np.array([1, 0, 0, 0], bool))])[0]
    assert at_zero.best_dice_threshold() == (0.5, 0.0), "no threshold marks a pixel of probability 0"
    all_high = merge_levels([score_histogram(np.full(4, 60000, np.uint16), np.ones(4, bool))])[0]
    threshold, dice = all_high.best_dice_threshold()
    assert dice == 1
    assert 0 < threshold < 60000 / 65535


def test_histograms_of_different_levels_are_not_added() -> None:
    one, other = drawn(0, 1000), drawn(1, 1000)
    with pytest.raises(ValueError, match="different levels"):
        merge_levels([one], 10)[0] + other
    with pytest.raises(ValueError, match="different levels"):
        merge_levels([one])[0] + merge_levels([other])[0]
    with pytest.raises(ValueError, match="levels of score"):
        ScoreHistogram(np.zeros(3, np.int64), np.zeros(3, np.int64))
