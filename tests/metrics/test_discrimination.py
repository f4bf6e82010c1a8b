from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.metrics.discrimination import AUC, AVERAGE_PRECISION
from retseg.metrics.ranking import ScoreHistogram, score_histogram

BOTH_KINDS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=30).filter(
    lambda pixels: len({true for _, true in pixels}) == 2
)


def histogram(pixels: list[tuple[int, bool]]) -> ScoreHistogram:
    return score_histogram(np.array([s for s, _ in pixels], np.uint16), np.array([t for _, t in pixels], np.bool_))


@given(pixels=BOTH_KINDS)
def test_auc_is_how_often_a_vessel_pixel_outscores_another(pixels: list[tuple[int, bool]]) -> None:
    positive = [score for score, true in pixels if true]
    negative = [score for score, true in pixels if not true]
    won = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert AUC.function(histogram(pixels)) == pytest.approx(won / (len(positive) * len(negative)))


@given(pixels=BOTH_KINDS)
def test_turning_the_scores_round_turns_the_auc_round(pixels: list[tuple[int, bool]]) -> None:
    turned = [(65535 - score, true) for score, true in pixels]
    assert AUC.function(histogram(turned)) == pytest.approx(1 - AUC.function(histogram(pixels)))


@given(pixels=BOTH_KINDS)
def test_only_the_order_of_the_scores_matters(pixels: list[tuple[int, bool]]) -> None:
    stretched = [(score * score * 700 + 3, true) for score, true in pixels]
    for metric in (AUC, AVERAGE_PRECISION):
        assert metric.function(histogram(stretched)) == metric.function(histogram(pixels))


def test_average_precision_by_hand() -> None:
    pixels = [(90, True), (80, False), (70, True), (60, False)]
    assert AVERAGE_PRECISION.function(histogram(pixels)) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_counting_the_easy_black_border_flatters() -> None:
    inside = [(90, True), (80, False), (70, True), (60, False)]
    with_border = [*inside, *[(0, False)] * 50]
    assert AUC.function(histogram(with_border)) > AUC.function(histogram(inside)) + 0.2
