from __future__ import annotations

import numpy as np
import pytest

from retseg.postprocess.specks import bridges, specks


@pytest.fixture
def mask() -> np.ndarray:
    """A vessel of 60 pixels, a piece of 9, and one of 4 and 2 pixels that touch at a corner."""
    drawn = np.zeros((100, 100), bool)
    drawn[10:70, 5] = drawn[50:53, 50:53] = drawn[80:82, 80:82] = drawn[82, 82:84] = True
    return drawn


@pytest.mark.parametrize(("least", "pixels"), [(0, 0), (6, 0), (6.5, 6), (7, 6), (9, 6), (10, 15), (60, 15), (61, 75)])
def test_pieces_below_the_size_are_specks(mask: np.ndarray, least: float, pixels: int) -> None:
    found = specks(mask, least)
    assert found.sum() == pixels
    assert not (found & ~mask).any()


def test_an_empty_mask_has_none() -> None:
    assert not specks(np.zeros((5, 5), bool), 100).any()


def test_a_gap_is_bridged_where_it_is_short_and_probable() -> None:
    small, large, probable = (np.zeros((30, 30), bool) for _ in range(3))
    large[10, :10], small[10, 14:18], probable[10, 8:20] = True, True, True
    probable[20, 20] = True
    found = bridges(probable, small, large, 4)
    assert found[10, 10:14].all()
    assert found.sum() == found[10, 10:14].sum()
    assert not bridges(probable, small, large, 1).any(), "four pixels are too far for that"
    probable[10, 11] = False
    assert not bridges(probable, small, large, 4)[10, 11]
