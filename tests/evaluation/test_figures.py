from __future__ import annotations

import math

import numpy as np
import pytest

from retseg.evaluation.figures import (
    class_figures,
    defined,
    json_ready,
    mean,
    mean_figures,
    overall_figures,
    pixel_figures,
    ranked,
)
from retseg.metrics.counts import Counts
from retseg.metrics.registry import METRICS

DICE, ACCURACY, AUC = (METRICS.get(name) for name in ("dice", "accuracy", "auc"))
# Rows: truth; columns: decision. Class 0 lies outside, class 4 is nowhere in the truth but decided three times.
MATRIX = np.array(
    [[0, 0, 0, 0, 0], [1, 8, 1, 0, 0], [0, 2, 6, 0, 2], [0, 0, 0, 4, 1], [0, 0, 0, 0, 0]],
    np.int64,
)


def test_a_class_without_a_pixel_is_not_applicable(five):
    figures = class_figures([DICE], MATRIX, five)
    assert figures == {
        "sky": {"dice": pytest.approx(16 / 20)},
        "tree": {"dice": pytest.approx(12 / 17)},
        "road": {"dice": pytest.approx(8 / 9)},
        "cow": None,
    }


def test_overall_figures_are_means_over_the_classes_there_are(five):
    figures = overall_figures([DICE, ACCURACY, AUC], MATRIX, five)
    assert figures["dice"] == pytest.approx((16 / 20 + 12 / 17 + 8 / 9) / 3)
    assert figures["accuracy"] == pytest.approx(18 / 25), "pixel accuracy, not a mean of one-against-rest accuracies"
    assert math.isnan(figures["auc"])


def test_an_empty_matrix_has_no_figures(five):
    assert all(map(math.isnan, overall_figures([DICE, ACCURACY], np.zeros((5, 5), np.int64), five).values()))


def test_a_mask_has_no_ranking():
    figures = pixel_figures([AUC, DICE, METRICS.get("cldice")], Counts(1, 1, 0, 2))
    assert list(figures) == ["auc", "dice", "cldice"]
    assert math.isnan(figures["cldice"]), "a figure of shape is no sum over pixels"
    assert math.isnan(figures["auc"])
    assert figures["dice"] == pytest.approx(2 / 3)


def test_means_leave_out_what_is_undefined():
    rows = [{"dice": 0.5}, {"dice": math.nan}, {"dice": 0.7}]
    assert mean_figures(rows, ["dice"]) == {"dice": pytest.approx(0.6)}
    assert defined(rows, ["dice"]) == {"dice": 2}
    assert math.isnan(mean([]))


def test_json_has_null_for_what_is_undefined():
    assert json_ready({"a": math.nan, "b": 0.5}) == {"a": None, "b": 0.5}


def test_a_class_has_the_figures_of_its_ranking_or_none(five):
    without = class_figures([DICE, AUC], MATRIX, five)
    assert math.isnan(without["sky"]["auc"])
    ranking = {"sky": {"auc": 0.9}, "tree": {"auc": 0.7}, "road": {"auc": 0.8}, "cow": None}
    assert class_figures([DICE, AUC], MATRIX, five, ranking)["tree"]["auc"] == 0.7
    assert overall_figures([DICE, AUC], MATRIX, five, ranking)["auc"] == pytest.approx(0.8)


def test_a_class_never_seen_in_training_enters_no_mean_but_its_pixels_count_as_wrong(five):
    assert class_figures([DICE], MATRIX, five, unseen={"road"})["road"] is None
    figures = overall_figures([DICE, ACCURACY], MATRIX, five, unseen={"road"})
    assert figures["dice"] == pytest.approx((16 / 20 + 12 / 17) / 2)
    assert figures["accuracy"] == pytest.approx(18 / 25)


def test_only_rankings_make_sense_as_means_over_classes():
    every = [METRICS.get(name) for name in METRICS.names()]
    assert [metric.name for metric in ranked(every)] == ["auc", "ap"]
