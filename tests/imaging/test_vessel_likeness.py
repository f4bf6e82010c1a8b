import numpy as np
import pytest

from retseg.imaging.vessel_likeness import LEAST_LIKE, vessel_likeness

FOV = np.ones((40, 40), np.bool_)


def picture(*parts, value=0.9):
    found = np.full((40, 40), 0.1, np.float32)
    for rows, columns in parts:
        found[rows, columns] = value
    return found


def test_sure_and_of_one_piece():
    tree = picture((slice(2, 38), slice(10, 12)), (slice(20, 22), slice(10, 38)))
    assert vessel_likeness(tree, FOV, 0.5) == pytest.approx(0.9)


def test_pieces_count_by_the_largest_and_corners_hold_them_together():
    two = picture((slice(0, 10), slice(0, 2)), (slice(20, 30), slice(20, 26)))
    assert vessel_likeness(two, FOV, 0.5) == pytest.approx(0.9 * 60 / 80)
    corner = picture((slice(0, 10), slice(0, 10)), (slice(10, 20), slice(10, 20)))
    assert vessel_likeness(corner, FOV, 0.5) == pytest.approx(0.9)


def test_letters_are_unlike_vessels():
    letters = picture(
        *((slice(r, r + 3), slice(c, c + 2)) for r in range(0, 40, 5) for c in range(0, 40, 4)), value=0.7
    )
    assert vessel_likeness(letters, FOV, 0.5) < LEAST_LIKE


def test_only_what_is_marked_inside_the_field_of_view_counts():
    inside = np.zeros_like(FOV)
    inside[:, :20] = True
    both = picture((slice(0, 40), slice(5, 7)), (slice(0, 40), slice(30, 36)))
    assert vessel_likeness(both, inside, 0.5) == pytest.approx(0.9)
    assert vessel_likeness(picture(), FOV, 0.5) == 0.0
