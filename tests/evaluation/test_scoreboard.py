from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from retseg.datasets.base import VESSELS
from retseg.evaluation.cases import CaseScore
from retseg.evaluation.scoreboard import MEAN_OF_CLASSES, Scoreboard
from retseg.metrics.ranking import ScoreHistogram, score_histogram
from retseg.metrics.registry import METRICS

ALL = [METRICS.get(name) for name in METRICS.names()]


def random_score(seed, observers=None):
    rng = np.random.default_rng(seed)
    truth = rng.random(500) < 0.3
    histogram = score_histogram(rng.integers(0, 65536, 500, dtype=np.uint16), truth)
    return CaseScore(f"eye{seed}", "1", histogram, None, observers or {})


def test_pooled_is_the_sum_of_the_photographs():
    board = Scoreboard(VESSELS, ALL, "net", 0.4)
    scores = [random_score(seed) for seed in range(3)]
    for score in scores:
        board.add(score)
    pooled = sum((score.histogram for score in scores), ScoreHistogram.empty())
    summary = board.summary()
    assert summary["pooled"]["auc"] == pooled.roc_auc()
    assert summary["pooled"]["dice"] == pooled.counts_at(0.4).dice()
    assert summary["at_half"]["pooled"]["dice"] == pooled.counts_at(0.5).dice()
    assert summary["pooled"]["dice"] != summary["per_image_mean"]["dice"]


def test_adding_does_not_change_what_was_given():
    matrix = np.arange(9, dtype=np.int64).reshape(3, 3)
    score = random_score(0, {"second": matrix})
    kept = score.histogram.pos.copy()
    board = Scoreboard(VESSELS, ALL, "net", 0.4)
    board.add(score)
    board.add(random_score(1, {"second": matrix}))
    np.testing.assert_array_equal(score.histogram.pos, kept)
    np.testing.assert_array_equal(matrix.ravel(), np.arange(9))


def test_memory_does_not_grow_with_the_photographs():
    board = Scoreboard(VESSELS, ALL, "net", 0.4)
    board.add(random_score(0))
    tracemalloc.start()
    for seed in range(12):
        board.add(random_score(seed))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    one = ScoreHistogram.empty()
    assert grown < 2 * (one.pos.nbytes + one.neg.nbytes), "twelve histograms went in, their sum is kept"


def test_an_observer_is_averaged_over_the_photographs_he_saw():
    perfect, empty = np.diag([0, 10, 90]).astype(np.int64), np.array([[0, 0, 0], [0, 0, 10], [0, 0, 90]], np.int64)
    board = Scoreboard(VESSELS, ALL, "net", 0.4)
    for seed, observers in enumerate([{"second": perfect}, {}, {"second": empty}]):
        board.add(random_score(seed, observers))
    human = board.summary()["observers"]["second"]
    assert human["n_images"] == 2
    assert human["pooled"]["dice"] == pytest.approx(2 * 10 / 30)
    assert human["per_image_mean"]["dice"] == pytest.approx(0.5)
    assert human["per_image_n"]["precision"] == 1


def test_several_classes_are_listed_one_by_one_and_as_their_mean(five):
    board = Scoreboard(five, ALL, "net", 0.5)
    matrix = np.diag([0, 5, 0, 7, 0]).astype(np.int64)
    board.add(CaseScore("a", "1", None, matrix, {"second": matrix}))
    dice = {(row.system, row.class_name): row.value for row in board.rows if row.metric == "dice"}
    for system in ("net", "second"):
        assert dice[system, MEAN_OF_CLASSES] == dice[system, "sky"] == dice[system, "road"] == 1
        assert np.isnan(dice[system, "tree"])
    assert {row.threshold for row in board.rows} == {None}
