"""What every registered metric must do, whoever wrote it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import score_histogram
from retseg.metrics.registry import METRICS

pytestmark = pytest.mark.parametrize("name", METRICS.names())

SCORES = st.lists(st.tuples(st.integers(0, 65535), st.booleans()), min_size=1, max_size=40)


def argument(metric: Metric, scores: list[int], truth: list[bool]) -> Any:
    """What the metric's function takes, for 16-bit scores and the truth."""
    histogram = score_histogram(np.array(scores, np.uint16), np.array(truth, np.bool_))
    return histogram if metric.needs == "scores" else histogram.counts_at(0.5)


def value(name: str, scores: list[int], truth: list[bool]) -> float:
    metric = METRICS.get(name)
    return metric.function(argument(metric, scores, truth))


def test_describes_itself(name: str) -> None:
    metric = METRICS.get(name)
    assert isinstance(metric, Metric)
    assert metric.name == name
    assert metric.needs in ("counts", "scores")
    assert metric.range[0] < metric.range[1]
    for text in (metric.title, metric.definition, metric.citation, metric.degenerate):
        assert text.strip()
    assert "NaN" in metric.degenerate


def test_perfect_reaches_the_best_possible_value(name: str) -> None:
    metric = METRICS.get(name)
    best, worst = metric.range[:: -1 if metric.higher_is_better else 1]
    assert value(name, [65535, 60000, 100, 0, 7], [True, True, False, False, False]) == best
    inverted = value(name, [0, 3, 65535, 65000, 64000], [True, True, False, False, False])
    assert abs(inverted - worst) < abs(inverted - best)


def test_a_better_prediction_has_a_better_value(name: str) -> None:
    truth = [True, True, True, False, False, False]
    good = value(name, [65000, 64000, 100, 90, 80, 70], truth)
    bad = value(name, [65000, 100, 90, 64000, 110, 70], truth)
    assert (good > bad) if METRICS.get(name).higher_is_better else (good < bad)


@given(pixels=SCORES)
def test_stays_in_its_range_or_is_undefined(name: str, pixels: list[tuple[int, bool]]) -> None:
    metric = METRICS.get(name)
    result = value(name, [score for score, _ in pixels], [true for _, true in pixels])
    assert isinstance(result, float)
    assert math.isnan(result) or metric.range[0] - 1e-12 <= result <= metric.range[1] + 1e-12


def test_without_a_pixel_it_is_undefined(name: str) -> None:
    metric = METRICS.get(name)
    empty = Counts() if metric.needs == "counts" else argument(metric, [], [])
    assert math.isnan(metric.function(empty))


def test_pooling_photographs_is_adding_them(name: str) -> None:
    metric = METRICS.get(name)
    scores, truth = [65000, 100, 40000, 64000, 110, 70], [True, True, True, False, False, False]
    parts = argument(metric, scores[:2], truth[:2]) + argument(metric, scores[2:], truth[2:])
    assert metric.function(parts) == value(name, scores, truth)
