from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from retseg.evaluation.curves import curves_of
from retseg.metrics.ranking import ScoreHistogram, score_histogram


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    truth = rng.random(20_000) < 0.1
    scores = np.clip(rng.normal(np.where(truth, 0.6, 0.3), 0.15), 0, 1)
    return truth, np.rint(scores * 65535).astype(np.uint16)


def test_the_areas_are_those_of_the_exact_figures(pixels):
    truth, scores = pixels
    curves = curves_of(score_histogram(scores, truth), 0.4)
    roc, pr = curves["roc"], curves["pr"]
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-3)
    order = np.argsort(pr["recall"])
    area = np.trapezoid(np.array(pr["precision"])[order], np.array(pr["recall"])[order])
    assert area == pytest.approx(sk.average_precision_score(truth, scores), abs=1e-2)


def test_curves_run_from_corner_to_corner_and_never_back(pixels):
    truth, scores = pixels
    roc = curves_of(score_histogram(scores, truth), 0.4)["roc"]
    assert (roc["fpr"][0], roc["tpr"][0], roc["fpr"][-1], roc["tpr"][-1]) == (0, 0, 1, 1)
    assert min(np.diff(roc["fpr"])) >= 0
    assert min(np.diff(roc["tpr"])) >= 0
    assert len(roc["fpr"]) <= 402


def test_the_sweep_decides_as_the_counts_do(pixels):
    truth, scores = pixels
    histogram = score_histogram(scores, truth)
    sweep = curves_of(histogram, 0.4)["sweep"]
    for index in (20, 100, 150):
        # The sweep's threshold is a stored score, marked itself: just below it lies the cut.
        counts = histogram.counts_at(sweep["threshold"][index] - 0.5 / 65535)
        assert sweep["dice"][index] == pytest.approx(counts.dice(), abs=1e-5)
        assert sweep["sensitivity"][index] == pytest.approx(counts.sensitivity(), abs=1e-5)
        assert sweep["precision"][index] == pytest.approx(counts.precision(), abs=1e-5)


def test_there_are_no_curves_without_both_kinds_of_pixels():
    empty = score_histogram(np.array([1, 2], np.uint16), np.array([False, False]))
    assert curves_of(empty, 0.5) == curves_of(None, 0.5) == curves_of(ScoreHistogram.empty(), 0.5) == {}


def test_the_file_holds_no_nan(pixels):
    truth, scores = pixels
    scores[:] = np.where(scores > 40_000, scores, 0)  # several bins of the reliability diagram stay empty
    text = json.dumps(curves_of(score_histogram(scores, truth), None), allow_nan=False)
    assert None in json.loads(text)["reliability"]["confidence"]
