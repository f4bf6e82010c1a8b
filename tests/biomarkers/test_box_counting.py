from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from retseg.biomarkers.box_counting import BoxSums, box_sizes, box_sums
from retseg.core.types import BoolArray


def carpet(level: int) -> BoolArray:
    """Sierpinski's carpet of 3^level pixels."""
    whole = np.ones((1, 1), bool)
    for _ in range(level):
        whole = np.kron(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]), whole) > 0
    return whole


def koch(level: int, size: float) -> NDArray[np.float64]:
    """Koch's curve from left to right, (N, 2) row and column, its points less than a pixel apart."""
    curve = np.array([0, 1], complex)
    for _ in range(level):
        start, step = curve[:-1], np.diff(curve) / 3
        tip = start + step + step * np.exp(1j * math.pi / 3)
        curve = np.append(np.column_stack([start, start + step, tip, start + 2 * step]).ravel(), curve[-1])
    finer = max(1, math.ceil(2 * size / 3**level))
    curve = np.interp(np.arange(finer * (len(curve) - 1) + 1) / finer, np.arange(len(curve)), curve)
    return np.column_stack([0.4 * size - curve.imag * size, curve.real * size])


def of_points(points: NDArray[np.float64], field: BoolArray) -> BoxSums:
    return box_sums(points, field, box_sizes(math.sqrt(4 / math.pi * field.sum())))


def of_mask(mask: BoolArray, field: BoolArray) -> BoxSums:
    return of_points(np.argwhere(mask).astype(float), field)


def turned(points: NDArray[np.float64], angle: float) -> tuple[NDArray[np.float64], BoolArray]:
    """The points turned by an angle in degrees, and the frame around them."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    moved = points @ np.array([[cosine, -sine], [sine, cosine]])
    moved -= moved.min(axis=0) - 150
    return moved, np.ones(np.ceil(moved.max(axis=0)).astype(int) + 150, bool)


def test_a_filled_field_has_dimension_two() -> None:
    rows, columns = np.mgrid[:500, :500] - 250
    disc = np.hypot(rows, columns) < 240
    sums = of_mask(disc, disc)
    assert sums.box_dimension == pytest.approx(2, abs=0.005)
    assert sums.information_dimension == pytest.approx(2, abs=0.01)
    assert sums.correlation_dimension == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("angle", [0, 20, 45, 90])
def test_a_straight_line_has_dimension_one(angle: float) -> None:
    sums = of_points(*turned(np.column_stack([np.zeros(900), np.arange(900.0)]), angle))
    assert sums.box_dimension == pytest.approx(1, abs=0.05)
    assert sums.information_dimension == pytest.approx(1, abs=0.02)
    assert sums.correlation_dimension == pytest.approx(1, abs=0.02)


def test_sierpinski_carpet() -> None:
    whole = carpet(6)
    sums = of_mask(whole, np.ones_like(whole))
    truth = math.log(8) / math.log(3)
    assert sums.box_dimension == pytest.approx(truth, abs=0.02)
    # All of its boxes hold the same share, so its dimensions are one.
    assert sums.information_dimension == pytest.approx(truth, abs=0.02)
    assert sums.correlation_dimension == pytest.approx(truth, abs=0.02)


@pytest.mark.parametrize("angle", [0, 10, 33, 45])
def test_koch_curve(angle: float) -> None:
    sums = of_points(*turned(koch(7, 2000), angle))
    truth = math.log(4) / math.log(3)
    assert sums.box_dimension == pytest.approx(truth, abs=0.02)
    assert sums.information_dimension == pytest.approx(truth, abs=0.02)
    assert sums.correlation_dimension == pytest.approx(truth, abs=0.02)


def test_dimensions_do_not_depend_on_where_the_points_lie() -> None:
    points, field = koch(6, 700), np.ones((900, 900), bool)
    found = [of_points(points + shift, field).box_dimension for shift in ((50, 50), (57, 61), (101, 83.5), (150, 120))]
    assert np.ptp(found) < 0.01


def test_sizes_grow_with_the_field_and_are_none_in_a_small_one() -> None:
    small, large = box_sizes(1280), box_sizes(2560)
    assert small[0] == 10
    assert small[-1] == 80
    assert large[[0, -1]].tolist() == [20, 160]
    assert not len(box_sizes(190))
