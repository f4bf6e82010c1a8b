from __future__ import annotations

import math

import numpy as np
import pytest

from retseg.evaluation.class_board import MEAN_OF_CLASSES, NOT_IN_TRUTH, UNSEEN, ClassBoard
from retseg.evaluation.class_ranking import rank_classes
from retseg.metrics.confusion import confusion_matrix
from retseg.metrics.ranking import quantise
from retseg.metrics.registry import METRICS

METRICS_HERE = [METRICS.get(name) for name in ("auc", "ap", "dice", "accuracy", "cldice", "ece")]


def confusion_of(eye):
    counted = eye.label != 255
    return confusion_matrix(eye.label[counted], eye.mask[counted], 4)


def ranking_of(eye, classes):
    return rank_classes(quantise(eye.classes), eye.label, eye.label != 255, classes, METRICS_HERE)


@pytest.fixture
def eyes(make_photograph):
    return [make_photograph(name, seed) for seed, name in enumerate("abc")]


def board_of(eyes, classes, **options):
    board = ClassBoard(classes, METRICS_HERE, "net", **options)
    for eye in eyes:
        board.add(confusion_of(eye), ranking_of(eye, classes))
    return board


def test_what_is_pooled_is_the_mean_over_the_classes_there_are(eyes, photographed):
    board = board_of(eyes, photographed)
    pooled, per_class = board.pooled(), board.per_class()
    assert per_class["cow"] is None
    there = ("sky", "tree", "person")
    for metric in ("auc", "ap", "dice"):
        assert pooled[metric] == pytest.approx(np.mean([per_class[name][metric] for name in there]))
    total = sum(confusion_of(eye) for eye in eyes)
    assert pooled["accuracy"] == np.trace(total) / total.sum()
    assert math.isnan(pooled["cldice"])
    assert math.isnan(pooled["ece"])


def test_without_probabilities_there_is_no_ranking(eyes, photographed):
    board = ClassBoard(photographed, METRICS_HERE, "net")
    board.add(confusion_of(eyes[0]))
    assert not board.has_ranking
    assert math.isnan(board.pooled()["ap"])
    assert board.per_class()["sky"]["ap"] is None


def test_a_class_never_seen_in_training_has_no_figures(eyes, photographed):
    seen, board = board_of(eyes, photographed), board_of(eyes, photographed, unseen={"tree"})
    assert board.per_class()["tree"] is None
    kept = [seen.per_class()[name]["ap"] for name in ("sky", "person")]
    assert board.pooled()["ap"] == pytest.approx(np.mean(kept))
    assert board.pooled()["accuracy"] == seen.pooled()["accuracy"]
    assert board.absent() == {"tree": UNSEEN, "cow": NOT_IN_TRUTH}


def test_lines_of_an_unseen_class_are_empty(eyes, photographed):
    board = ClassBoard(photographed, METRICS_HERE, "net", unseen={"tree"})
    confusion, ranking = confusion_of(eyes[0]), ranking_of(eyes[0], photographed)
    rows = list(board.rows(("a", "a"), board.add(confusion, ranking), confusion, ranking))
    found = {(row.class_name, row.metric): row for row in rows}
    assert len(found) == len(rows) == 5 * 4
    for metric in ("auc", "ap", "dice", "accuracy"):
        assert math.isnan(found["tree", metric].value)
        assert not math.isnan(found["sky", metric].value)
    assert found[MEAN_OF_CLASSES, "ap"].decision == found["sky", "ap"].decision == "score"
    assert found[MEAN_OF_CLASSES, "dice"].decision == "argmax"


def test_an_observer_ranks_nothing(eyes, photographed):
    board = ClassBoard(photographed, METRICS_HERE, "second", "mask")
    confusion = confusion_of(eyes[0])
    metrics = {row.metric for row in board.rows(("a", "a"), board.add(confusion), confusion)}
    assert metrics == {"dice", "accuracy"}


def test_what_was_given_stays_as_it_is(eyes, photographed):
    confusion = confusion_of(eyes[0])
    kept = confusion.copy()
    board = ClassBoard(photographed, METRICS_HERE, "net")
    board.add(confusion)
    board.add(confusion)
    np.testing.assert_array_equal(confusion, kept)
    np.testing.assert_array_equal(board.confusion, 2 * kept)


def test_before_the_first_photograph_nothing_is_absent(photographed):
    board = ClassBoard(photographed, METRICS_HERE, "net", unseen={"cow"})
    assert board.absent() == {}
    assert all(map(math.isnan, board.pooled().values()))
