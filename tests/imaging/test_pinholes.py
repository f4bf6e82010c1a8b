from __future__ import annotations

import numpy as np
import pytest

from retseg.core.types import BoolArray
from retseg.imaging.pinholes import without_pinholes


def bar(width: int, hole: tuple[int, int], above: int) -> BoolArray:
    """A bar of a width with a hole (height, length) that has `above` rows of the bar above it."""
    mask = np.zeros((60, 120), bool)
    mask[20 : 20 + width, 10:110] = True
    mask[20 + above : 20 + above + hole[0], 50 : 50 + hole[1]] = False
    return mask


@pytest.mark.parametrize(("width", "hole", "above"), [(5, (1, 1), 2), (9, (2, 2), 3), (15, (4, 5), 5), (15, (2, 9), 6)])
def test_a_hole_that_is_narrow_for_its_vessel_is_filled(width: int, hole: tuple[int, int], above: int) -> None:
    mask = bar(width, hole, above)
    before = mask.copy()
    assert np.array_equal(without_pinholes(mask), bar(width, (0, 0), 0))
    assert np.array_equal(mask, before), "the mask given is left as it was"


@pytest.mark.parametrize(("width", "hole", "above"), [(9, (5, 5), 2), (15, (3, 40), 6), (13, (1, 60), 6)])
def test_a_gap_between_two_vessels_is_not(width: int, hole: tuple[int, int], above: int) -> None:
    mask = bar(width, hole, above)
    assert np.array_equal(without_pinholes(mask), mask)


def test_what_touches_the_outside_is_no_hole() -> None:
    mask = np.zeros((30, 30), bool)
    mask[0:9, :] = True
    mask[0, 15] = False
    assert np.array_equal(without_pinholes(mask), mask)


def test_the_space_in_a_thin_ring_stays() -> None:
    mask = np.zeros((30, 30), bool)
    mask[5:10, 5:10] = True
    mask[6:9, 6:9] = False
    assert np.array_equal(without_pinholes(mask), mask)


def test_nothing_and_everything() -> None:
    for mask in (np.zeros((5, 6), bool), np.ones((5, 6), bool)):
        assert np.array_equal(without_pinholes(mask), mask)
