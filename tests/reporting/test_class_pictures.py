from __future__ import annotations

import numpy as np

from retseg.core.types import Classes, ClassInfo
from retseg.reporting.class_pictures import class_colours, error_colours, occurring

CLASSES = Classes("three", tuple(ClassInfo(str(i), (200 * (i == 0), 200 * (i == 1), 200 * (i == 2))) for i in range(3)))
TRUTH = np.zeros((40, 60), np.uint8)
TRUTH[:, 30:] = 1
TRUTH[:, 58:] = 255
IMAGE = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
EVERYWHERE = np.ones(TRUTH.shape, bool)


def is_grey(picture: np.ndarray) -> np.ndarray:
    return (picture == picture[..., :1]).all(axis=-1)


def test_a_class_map_has_the_colours_of_its_classes_and_stripes_for_void() -> None:
    picture = class_colours(TRUTH, CLASSES, 100)
    assert (picture[:, :30] == (200, 0, 0)).all()
    assert (picture[:, 30:58] == (0, 200, 0)).all()
    assert is_grey(picture[:, 58:]).all()
    assert len(np.unique(picture[:, 58:])) == 2


def test_wrong_pixels_have_the_colour_of_what_was_predicted_and_right_ones_the_photograph() -> None:
    predicted = TRUTH.copy()
    predicted[10:30, 5:25] = 2
    predicted[:, 58:] = 2
    picture = error_colours(IMAGE, predicted, TRUTH, EVERYWHERE, CLASSES, 100)
    assert (picture[14:26, 9:21] == (0, 0, 200)).all()
    wrong = (predicted != TRUTH) & (TRUTH != 255)
    assert is_grey(picture[~wrong]).all()
    assert picture[~wrong].min() >= 100
    # Void is striped, whatever was predicted there.
    assert len(np.unique(picture[:, 58:])) == 2
    assert np.unique(picture[:, :30][~wrong[:, :30]]).size > 20


def test_a_thick_error_has_a_dark_rim_inside_it_and_a_thin_one_keeps_its_colour() -> None:
    predicted = TRUTH.copy()
    predicted[10:30, 5:25] = 2
    predicted[35, 2:28] = 2
    picture = error_colours(IMAGE, predicted, TRUTH, EVERYWHERE, CLASSES, 100)
    assert (picture[10, 5:25] < 30).all()
    assert (picture[20, [5, 24]] < 30).all()
    assert (picture[35, 2:28] == (0, 0, 200)).all()
    assert picture[9, 5:25].min() > 100


def test_pixels_that_are_not_scored_are_not_wrong() -> None:
    counted = EVERYWHERE.copy()
    counted[:, :30] = False
    picture = error_colours(IMAGE, np.full_like(TRUTH, 2), TRUTH, counted, CLASSES, 100)
    assert is_grey(picture[:, :30]).all()
    assert not is_grey(picture[5:-5, 33:50]).any()


def test_classes_that_occur_come_by_their_size_in_the_first_map() -> None:
    other = np.full_like(TRUTH, 2)
    assert occurring([TRUTH], CLASSES) == [0, 1]
    assert occurring([TRUTH, other], CLASSES) == [0, 1, 2]
    assert occurring([TRUTH], CLASSES, share=0.48) == [0]
    assert occurring([], CLASSES) == []


def test_pictures_are_shrunk_to_the_limit() -> None:
    assert class_colours(TRUTH, CLASSES, 30).shape == (20, 30, 3)
    assert error_colours(IMAGE, TRUTH, TRUTH, EVERYWHERE, CLASSES, 30).shape == (20, 30, 3)
