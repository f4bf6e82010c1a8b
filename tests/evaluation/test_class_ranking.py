from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from retseg.core.errors import InputError
from retseg.evaluation.class_ranking import RankingBoard, rank_classes, read_class_scores
from retseg.imaging.maps import write_class_probabilities
from retseg.metrics.ranking import quantise
from retseg.metrics.registry import METRICS

RANKING = [METRICS.get(name) for name in ("auc", "ap")]
ALL = [METRICS.get(name) for name in METRICS.names()]


def ranking_of(eye, classes, metrics=RANKING):
    return rank_classes(quantise(eye.classes), eye.label, eye.label != 255, classes, metrics)


def flat(eyes):
    """True classes and 16-bit probabilities (pixels, classes) of every counted pixel."""
    truth = np.concatenate([eye.label[eye.label != 255] for eye in eyes])
    scores = np.concatenate([(quantise(eye.classes) / 65535)[:, eye.label != 255].T for eye in eyes])
    return truth, scores


def expected(eyes, index):
    truth, scores = flat(eyes)
    return {
        "auc": sk.roc_auc_score(truth == index, scores[:, index]),
        "ap": sk.average_precision_score(truth == index, scores[:, index]),
    }


def test_one_photograph_agrees_with_scikit_learn(make_photograph, photographed):
    eye = make_photograph("a", 1)
    figures = ranking_of(eye, photographed, ALL).figures
    assert figures["cow"] is None, "nowhere in the truth"
    for index, name in enumerate(("sky", "tree", "person")):
        assert figures[name] == pytest.approx(expected([eye], index), abs=1e-12)


def test_photographs_together_agree_with_scikit_learn(make_photograph, photographed):
    eyes = [make_photograph("a", 1), make_photograph("b", 2, shape=(40, 20)), make_photograph("c", 3)]
    eyes[2].label[eyes[2].label == 1] = 3  # a cow, in the last one only, in place of the trees
    board = RankingBoard(photographed, RANKING)
    for eye in eyes:
        board.add(ranking_of(eye, photographed))
    pooled = board.figures()
    for index, name in enumerate(photographed.names):
        assert pooled[name] == pytest.approx(expected(eyes, index), abs=1e-12)


def test_only_occupied_scores_are_kept_and_they_hold_every_pixel_once_a_class(make_photograph, photographed):
    eye = make_photograph("a")
    ranking = ranking_of(eye, photographed)
    counted = int((eye.label != 255).sum())
    assert len(ranking.cells) <= 4 * counted
    assert len(np.unique(ranking.cells)) == len(ranking.cells)
    assert ranking.pos.sum() == counted
    assert ranking.neg.sum() == 3 * counted


def test_a_photograph_of_one_class_or_of_none_has_no_ranking(make_photograph, photographed):
    sky = make_photograph("a")
    sky.label[:] = 0
    assert all(np.isnan(value) for value in ranking_of(sky, photographed).figures["sky"].values())
    sky.label[:] = 255
    assert set(ranking_of(sky, photographed).figures.values()) == {None}


def test_the_class_outside_the_field_of_view_is_not_ranked(make_photograph, five):
    eye = make_photograph("a")
    scores = np.zeros((5, *eye.label.shape), np.uint16)
    assert "outside" not in rank_classes(scores, eye.label, eye.label != 255, five, RANKING).figures


def test_probabilities_of_other_classes_are_refused(tmp_path, photographed):
    path = tmp_path / "a.nii.gz"
    write_class_probabilities(path, np.full((3, 20, 20), 1 / 3, np.float32))
    with pytest.raises(InputError, match=r"of 3 classes, the task has 4.*a\.nii\.gz"):
        read_class_scores(path, photographed)


def test_scores_are_read_as_they_were_stored(tmp_path, photographed, make_photograph):
    eye = make_photograph("a")
    write_class_probabilities(tmp_path / "a.nii.gz", eye.classes)
    np.testing.assert_array_equal(read_class_scores(tmp_path / "a.nii.gz", photographed), quantise(eye.classes))
