from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retseg.datasets.base import VESSELS
from retseg.evaluation.cases import SYSTEM, CaseScore, Judged
from retseg.evaluation.scoreboard import MEAN_OF_CLASSES, Scoreboard
from retseg.metrics.counts import Counts
from retseg.metrics.ranking import ScoreHistogram, score_histogram
from retseg.metrics.registry import METRICS

ALL = [METRICS.get(name) for name in METRICS.names()]


def judged(truth, scores):
    histogram = score_histogram(scores, truth)
    return Judged(histogram.counts_at(0.4), histogram, {"cldice": 0.5, "betti0": 3.0})


def random_score(seed, patient="1", observers=None, **changes):
    rng = np.random.default_rng(seed)
    truth = rng.random(500) < 0.3
    found = judged(truth, rng.integers(0, 65536, 500, dtype=np.uint16))
    values = {
        "system": found,
        "at_half": Judged(found.histogram.counts_at(0.5), found.histogram, {"cldice": 0.4, "betti0": 2.0}),
        "observers": observers or {},
        "density": {SYSTEM: 0.1, "first": 0.2},
    }
    return CaseScore(f"eye{seed}", patient, 0.4, **(values | changes))


def new_board(classes=VESSELS, metrics=ALL):
    return Scoreboard(classes, metrics, "net", resamples=200)


def test_pooled_is_the_sum_of_the_photographs():
    board = new_board()
    scores = [random_score(seed) for seed in range(3)]
    for score in scores:
        board.add(score)
    pooled = sum((score.system.histogram for score in scores), ScoreHistogram.empty())
    summary = board.summary()
    assert summary["pooled"]["auc"] == pooled.roc_auc()
    assert summary["pooled"]["dice"] == pooled.counts_at(0.4).dice()
    assert summary["at_half"]["pooled"]["dice"] == pooled.counts_at(0.5).dice()
    assert summary["at_half"]["pooled"]["auc"] == summary["pooled"]["auc"]
    assert summary["at_half"]["per_image_mean"]["cldice"] == pytest.approx(0.4)
    assert summary["pooled"]["dice"] != summary["per_image_mean"]["dice"]
    assert summary["pooled"]["cldice"] == summary["per_image_mean"]["cldice"] == 0.5
    assert summary["intervals"]["pooled"]["cldice"] == summary["intervals"]["per_image_mean"]["cldice"]
    assert summary["undefined"] == {}


def test_adding_does_not_change_what_was_given():
    second = Judged(Counts(1, 2, 3, 4))
    score = random_score(0, observers={"second": second})
    kept = score.system.histogram.pos.copy()
    board = new_board()
    board.add(score)
    board.add(random_score(1, observers={"second": second}))
    np.testing.assert_array_equal(score.system.histogram.pos, kept)
    assert second.counts == Counts(1, 2, 3, 4)


def test_an_observer_is_averaged_over_the_photographs_he_saw():
    perfect, empty = Judged(Counts(tp=10, tn=90)), Judged(Counts(fn=10, tn=90))
    board = new_board()
    for seed, observers in enumerate([{"second": perfect}, {}, {"second": empty}]):
        board.add(random_score(seed, observers=observers))
    human = board.summary()["observers"]["second"]
    assert human["n_images"] == 2
    assert human["pooled"]["dice"] == pytest.approx(2 * 10 / 30)
    assert human["per_image_mean"]["dice"] == pytest.approx(0.5)
    assert human["per_image_n"]["precision"] == 1
    assert board.sums()[1].kind == "observer"


def test_intervals_enclose_the_figure_and_say_that_few_patients_are_weak():
    board = new_board()
    for seed in range(4):
        board.add(random_score(seed, patient=f"child {seed}"))
    summary = board.summary()
    for view in ("pooled", "per_image_mean"):
        low, high = summary["intervals"][view]["dice"]
        assert low <= summary[view]["dice"] <= high
    assert summary["intervals"]["weak"]
    assert summary["intervals"]["n_patients"] == 4


def test_one_map_of_yes_and_no_takes_the_scores_away_and_says_why():
    board = new_board()
    board.add(random_score(0))
    flat = random_score(1)
    board.add(replace(flat, binary=True, system=Judged(flat.system.counts, None, flat.system.shapes)))
    summary = board.summary()
    assert summary["pooled"]["auc"] is None
    assert "only yes and no" in summary["undefined"]["auc"]
    assert summary["pooled"]["dice"] is not None
    assert board.curves() == {}


def test_curves_pass_through_the_exact_figures():
    board = new_board()
    for seed in range(3):
        board.add(random_score(seed))
    curves, pooled = board.curves(), board.summary()["pooled"]
    area = np.trapezoid(curves["roc"]["tpr"], curves["roc"]["fpr"])
    assert area == pytest.approx(pooled["auc"], abs=2e-3)
    assert curves["threshold"] == 0.4
    assert sum(curves["reliability"]["count"]) == 1500


def test_several_classes_are_listed_one_by_one_and_as_their_mean(five):
    board = new_board(five)
    matrix = np.diag([0, 5, 0, 7, 0]).astype(np.int64)
    board.add(CaseScore("a", "1", 0.5, confusion=matrix, drawn={"second": matrix}))
    dice = {(row.system, row.class_name): row.value for row in board.rows if row.metric == "dice"}
    for system in ("net", "second"):
        assert dice[system, MEAN_OF_CLASSES] == dice[system, "sky"] == dice[system, "road"] == 1
        assert np.isnan(dice[system, "tree"])
    assert {row.threshold for row in board.rows} == {None}
