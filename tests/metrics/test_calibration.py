from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from torchmetrics.functional.classification import binary_calibration_error

from retseg.metrics.calibration import (
    ACE,
    BRIER,
    ECE,
    adaptive_calibration_error,
    brier_score,
    expected_calibration_error,
    reliability,
)
from retseg.metrics.ranking import ScoreHistogram, score_histogram

STEP = 4369
"""65535 / 15: every inner edge of the bins is a multiple of it."""

EDGES = st.sampled_from([0, 1, STEP - 1, STEP, STEP + 1, 7 * STEP, 14 * STEP, 14 * STEP + 1, 65534, 65535])
PIXELS = st.lists(st.tuples(st.one_of(EDGES, st.integers(0, 65535)), st.booleans()), min_size=1, max_size=50)
OFF_EDGES = st.lists(
    st.tuples(st.integers(1, 65534).filter(lambda score: score % STEP), st.booleans()), min_size=1, max_size=50
)


def split(pixels: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in pixels], np.uint16), np.array([true for _, true in pixels], np.bool_)


def histogram(pixels: list[tuple[int, bool]]) -> ScoreHistogram:
    return score_histogram(*split(pixels))


@given(pixels=OFF_EDGES)
def test_ece_is_torchmetrics(pixels: list[tuple[int, bool]]) -> None:
    # Bins are closed below there and above here, so scores on an edge are left to the next test.
    scores, truth = split(pixels)
    theirs = binary_calibration_error(torch.from_numpy(scores / 65535), torch.from_numpy(truth.astype(int)), n_bins=15)
    assert ECE.function(histogram(pixels)) == pytest.approx(float(theirs), abs=1e-6)


@given(pixels=PIXELS)
def test_ece_by_fractions(pixels: list[tuple[int, bool]]) -> None:
    total = Fraction(0)
    for number in range(15):
        low, high = Fraction(number, 15), Fraction(number + 1, 15)
        own = [(p, t) for s, t in pixels if low < (p := Fraction(s, 65535)) <= high or (number == 0 and p == 0)]
        if own:
            gap = Fraction(sum(t for _, t in own), len(own)) - sum(p for p, _ in own) / len(own)
            total += abs(gap) * len(own) / len(pixels)
    assert expected_calibration_error(histogram(pixels)) == pytest.approx(float(total), abs=1e-12)


@given(pixels=PIXELS)
def test_the_diagram_is_scikit_learns(pixels: list[tuple[int, bool]]) -> None:
    scores, truth = split(pixels)
    bins = reliability(histogram(pixels))
    filled = bins.count > 0
    # scikit-learn rounds the edges of its bins; a hair's breadth below an edge is safely in the bin that it closes.
    nudged = np.where((scores % STEP == 0) & (scores > 0) & (scores < 65535), scores / 65535 - 1e-9, scores / 65535)
    observed, confidence = calibration_curve(truth, nudged, n_bins=15, pos_label=True)
    assert bins.observed[filled] == pytest.approx(observed)
    assert bins.confidence[filled] == pytest.approx(confidence, abs=1e-8)
    assert np.isnan(bins.observed[~filled]).all()
    assert np.isnan(bins.confidence[~filled]).all()
    assert bins.count.sum() == len(pixels)
    assert bins.low.tolist() == [k / 15 for k in range(15)]
    assert bins.high.tolist() == [k / 15 for k in range(1, 16)]


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    pixels = [(0, False)] + [(k * STEP, True) for k in range(1, 16)]
    assert reliability(histogram(pixels)).count.tolist() == [2] + [1] * 14
    assert reliability(histogram([(k * STEP + 1, True) for k in range(15)])).count.tolist() == [1] * 15


@given(pixels=PIXELS)
def test_ace_by_fractions(pixels: list[tuple[int, bool]]) -> None:
    total = Fraction(0)
    scores = sorted({score for score, _ in pixels})
    left = {s: Fraction(sum(score == s for score, _ in pixels)) for s in scores}
    share = {s: Fraction(sum(t for score, t in pixels if score == s)) / left[s] for s in scores}
    for _ in range(15):
        room, gap = Fraction(len(pixels), 15), Fraction(0)
        for s in scores:
            taken = min(room, left[s])
            gap += taken * (share[s] - Fraction(s, 65535))
            room, left[s] = room - taken, left[s] - taken
        total += abs(gap) / Fraction(len(pixels), 15) / 15
    assert adaptive_calibration_error(histogram(pixels)) == pytest.approx(float(total), abs=1e-12)


def test_ace_without_ties_is_the_mean_over_equal_parts_of_the_ranking() -> None:
    random = np.random.default_rng(0)
    scores = random.choice(65536, 15 * 40, replace=False).astype(np.uint16)
    truth = random.random(scores.size) < (scores / 65535) ** 2
    order = np.argsort(scores)
    parts = zip(np.array_split(scores[order] / 65535, 15), np.array_split(truth[order], 15), strict=True)
    expected = np.mean([abs(t.mean() - p.mean()) for p, t in parts])
    assert ACE.function(score_histogram(scores, truth)) == pytest.approx(expected, abs=1e-12)


def test_ace_does_not_depend_on_the_order_of_pixels_that_share_a_score() -> None:
    pixels = [(100, True)] * 5 + [(100, False)] * 20 + [(40000, True)] * 7
    assert ACE.function(histogram(pixels)) == ACE.function(histogram(pixels[::-1]))


@given(pixels=PIXELS)
def test_brier_is_scikit_learns(pixels: list[tuple[int, bool]]) -> None:
    scores, truth = split(pixels)
    assert BRIER.function(histogram(pixels)) == pytest.approx(
        brier_score_loss(truth, scores / 65535, pos_label=True, labels=[False, True]), abs=1e-12
    )


@given(pixels=PIXELS)
def test_both_errors_are_at_least_the_bias_and_at_most_the_mean_error(pixels: list[tuple[int, bool]]) -> None:
    scores, truth = split(pixels)
    bias, error = abs(truth.mean() - (scores / 65535).mean()), np.abs(truth - scores / 65535).mean()
    for metric in (ECE, ACE):
        assert bias - 1e-12 <= metric.function(histogram(pixels)) <= error + 1e-12


def test_constant_scores() -> None:
    constant = histogram([(13107, True)] * 3 + [(13107, False)] * 7)
    assert ECE.function(constant) == pytest.approx(0.1)
    assert ACE.function(constant) == pytest.approx(0.1)
    assert BRIER.function(constant) == pytest.approx(0.3 * 0.8**2 + 0.7 * 0.2**2)
    well = histogram([(13107, True)] * 2 + [(13107, False)] * 8)
    assert ECE.function(well) == pytest.approx(0, abs=1e-15)
    assert ACE.function(well) == pytest.approx(0, abs=1e-15)


def test_one_class_only_is_defined_and_no_pixel_is_not() -> None:
    for true in (True, False):
        pixels = [(13107, true)] * 4
        for metric in (ECE, ACE):
            assert metric.function(histogram(pixels)) == pytest.approx(abs(true - 0.2))
        assert BRIER.function(histogram(pixels)) == pytest.approx((true - 0.2) ** 2)
    for function in (expected_calibration_error, adaptive_calibration_error, brier_score):
        assert math.isnan(function(ScoreHistogram.empty()))
    assert not reliability(ScoreHistogram.empty()).count.any()


def test_many_pixels_stay_exact() -> None:
    pos, neg = np.zeros(65536, np.int64), np.zeros(65536, np.int64)
    pos[[20000, 60000]], neg[[0, 20000]] = 10**12, 3 * 10**12
    huge = ScoreHistogram(pos, neg)
    small = ScoreHistogram(pos // 10**12, neg // 10**12)
    for metric in (ECE, ACE, BRIER):
        assert metric.function(huge) == pytest.approx(metric.function(small), abs=1e-12)
