from __future__ import annotations

import numpy as np
import pytest

from retseg.biomarkers.lacunarity import lacunarity
from retseg.biomarkers.not_measured import NotMeasured
from retseg.core.types import BoolArray

EVERYWHERE = np.ones((200, 200), bool)
SIZES = np.array([8, 16])


def by_hand(mask: BoolArray, size: int, stride: int) -> float:
    steps = range(0, 201 - size, stride)
    mass = np.array([mask[row : row + size, column : column + size].sum() for row in steps for column in steps])
    return float((mass.astype(float) ** 2).mean() / mass.mean() ** 2)


def test_it_is_what_the_definition_says() -> None:
    mask = np.random.default_rng(0).random((200, 200)) < np.linspace(0, 0.4, 200)
    assert lacunarity(mask, EVERYWHERE, SIZES) == pytest.approx(np.mean([by_hand(mask, 8, 1), by_hand(mask, 16, 2)]))


def test_an_even_pattern_has_none_and_a_gap_raises_it() -> None:
    even = np.zeros((200, 200), bool)
    even[::8] = True
    assert lacunarity(even, EVERYWHERE, SIZES) == pytest.approx(1)
    gap = even.copy()
    gap[60:120, 60:120] = False
    assert lacunarity(gap, EVERYWHERE, SIZES) > 1.05


def test_boxes_that_leave_the_field_do_not_count() -> None:
    even = np.zeros((200, 200), bool)
    even[::8] = True
    rows, columns = np.mgrid[:200, :200] - 100
    field = np.hypot(rows, columns) < 90
    assert lacunarity(even & field, field, SIZES) == pytest.approx(1)


@pytest.mark.parametrize("sizes", [[], [300]])
def test_a_field_that_is_too_small(sizes: list[int]) -> None:
    with pytest.raises(NotMeasured, match="too small for the boxes"):
        lacunarity(EVERYWHERE, EVERYWHERE, np.array(sizes, np.int64))
