from __future__ import annotations

import numpy as np
import pytest

from retseg.postprocess.specks import specks


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
