from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from retseg.core.errors import InputError
from retseg.metrics.confusion import class_counts, confusion_matrix
from retseg.metrics.counts import count

PIXELS = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 255]), st.integers(0, 3)), min_size=1, max_size=60)


def split(pixels: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(pixels, np.uint8)
    return both[:, 0], both[:, 1]


@given(pixels=PIXELS)
def test_is_scikit_learns_matrix_of_the_counted_pixels(pixels: list[tuple[int, int]]) -> None:
    truth, predicted = split(pixels)
    matrix = confusion_matrix(truth, predicted, 4, ignore=255)
    counted = truth != 255
    assert matrix.dtype == np.int64
    if counted.any():
        expected = sklearn_metrics.confusion_matrix(truth[counted], predicted[counted], labels=range(4))
        assert np.array_equal(matrix, expected)
    else:
        assert not matrix.any()


@given(pixels=PIXELS)
def test_counts_of_a_class_are_those_of_its_mask(pixels: list[tuple[int, int]]) -> None:
    truth, predicted = split(pixels)
    counted = truth != 255
    for index, counts in enumerate(class_counts(confusion_matrix(truth, predicted, 4, ignore=255))):
        if (truth == index).any():
            assert counts == count((predicted == index)[counted], (truth == index)[counted])
        else:
            assert counts is None, "a class that the truth does not show is not applicable"


def test_a_class_without_a_pixel_is_not_applicable_rather_than_zero() -> None:
    truth, predicted = np.array([1, 1, 2], np.uint8), np.array([1, 0, 2], np.uint8)
    outside, vessel, retina = class_counts(confusion_matrix(truth, predicted, 3))
    assert outside is None
    assert vessel is not None
    assert vessel.iou() == 0.5
    assert retina is not None
    assert retina.iou() == 1


@given(first=PIXELS, second=PIXELS)
def test_adding_pools_the_pixels(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    total = confusion_matrix(*split(first), 4, 255) + confusion_matrix(*split(second), 4, 255)
    assert np.array_equal(total, confusion_matrix(*split(first + second), 4, 255))


def test_twenty_three_classes_and_pictures() -> None:
    random = np.random.default_rng(0)
    truth, predicted = (random.integers(0, 23, (40, 50)).astype(np.uint8) for _ in range(2))
    matrix = confusion_matrix(truth, predicted, 23)
    assert np.array_equal(matrix, sklearn_metrics.confusion_matrix(truth.ravel(), predicted.ravel(), labels=range(23)))
    assert matrix.sum() == 2000


def test_a_class_beyond_the_table_is_an_error_in_words() -> None:
    good, bad = np.array([0, 1], np.uint8), np.array([0, 9], np.uint8)
    with pytest.raises(InputError, match="the truth holds class 9, but there are only 3 classes"):
        confusion_matrix(bad, good, 3)
    with pytest.raises(InputError, match="the prediction holds class 9"):
        confusion_matrix(good, bad, 3)
    with pytest.raises(InputError, match="255"):
        confusion_matrix(np.array([255], np.uint8), np.array([0], np.uint8), 3)


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        confusion_matrix(np.zeros(3, np.uint8), np.zeros(4, np.uint8), 2)
