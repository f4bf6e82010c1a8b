from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.measure import euler_number
from skimage.morphology import skeletonize

from retseg.core.types import BoolArray
from retseg.metrics.shapes import Shapes
from retseg.metrics.topology import BETTI0, BETTI1, CLDICE, holes, pieces

MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10))
PAIRS = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10).flatmap(
    lambda shape: st.tuples(*[arrays.arrays(np.bool_, shape)] * 2)
)


def picture(*rows: str) -> BoolArray:
    return np.array([[character == "#" for character in row] for row in rows])


def everywhere(predicted: BoolArray, truth: BoolArray) -> Shapes:
    return Shapes(predicted, truth, np.ones(truth.shape, bool))


def flooded(mask: BoolArray, steps: list[tuple[int, int]]) -> int:
    """Number of components of a mask, by pouring paint."""
    left, found = {(int(y), int(x)) for y, x in np.argwhere(mask)}, 0
    while left:
        found += 1
        front = [left.pop()]
        while front:
            y, x = front.pop()
            for v, u in steps:
                if (y + v, x + u) in left:
                    left.remove((y + v, x + u))
                    front.append((y + v, x + u))
    return found


FOUR = [(0, 1), (1, 0), (0, -1), (-1, 0)]
EIGHT = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]


@given(mask=MASKS)
def test_pieces_and_holes_are_those_that_paint_finds(mask: BoolArray) -> None:
    assert pieces(mask) == flooded(mask, EIGHT)
    assert holes(mask) == flooded(np.pad(~mask, 1, constant_values=True), FOUR) - 1


@given(mask=MASKS)
def test_pieces_less_holes_are_scikit_images_euler_number(mask: BoolArray) -> None:
    assert pieces(mask) - holes(mask) == euler_number(np.pad(mask, 1), connectivity=2)


@given(pair=PAIRS)
def test_cldice_follows_the_papers_formula(pair: tuple[BoolArray, BoolArray]) -> None:
    predicted, truth = pair
    value = CLDICE.function(everywhere(predicted, truth))
    if predicted.any() and truth.any():
        # The field of view is full here; its frame of one pixel must change nothing.
        s_p, s_l = skeletonize(np.pad(predicted, 1)), skeletonize(np.pad(truth, 1))
        tprec = np.sum(s_p * np.pad(truth, 1)) / np.sum(s_p)
        tsens = np.sum(s_l * np.pad(predicted, 1)) / np.sum(s_l)
        assert value == pytest.approx(2 * tprec * tsens / (tprec + tsens) if tprec + tsens else 0.0)
    else:
        assert math.isnan(value) if predicted.any() == truth.any() else value == 0


@given(pair=PAIRS)
def test_all_are_alike_with_prediction_and_truth_exchanged(pair: tuple[BoolArray, BoolArray]) -> None:
    for metric in (CLDICE, BETTI0, BETTI1):
        assert metric.function(everywhere(*pair)) == pytest.approx(
            metric.function(everywhere(*pair[::-1])), nan_ok=True
        )


TRUTH = picture(
    ".......",
    ".#####.",
    ".#...#.",
    ".#...#.",
    ".#####.",
    ".......",
    ".#####.",
)


def test_a_broken_loop_loses_its_hole() -> None:
    broken = TRUTH.copy()
    broken[2, 1] = False
    assert BETTI1.function(everywhere(broken, TRUTH)) == 1
    assert BETTI0.function(everywhere(broken, TRUTH)) == 0
    broken[3, 5] = False
    assert BETTI0.function(everywhere(broken, TRUTH)) == 1


def test_diagonal_neighbours_are_one_piece_and_close_a_hole() -> None:
    ring = picture(".#.", "#.#", ".#.")
    assert pieces(ring) == 1
    assert holes(ring) == 1


def test_what_reaches_the_rim_is_no_hole() -> None:
    y, x = np.mgrid[-20:21, -20:21]
    fov = np.hypot(y, x) < 19
    # Two crossing vessels part the retina in four, each of which reaches the rim.
    cross = fov & ((np.abs(y) < 2) | (np.abs(x) < 2))
    assert BETTI1.function(Shapes(cross, np.zeros_like(cross), fov)) == 0
    assert BETTI0.function(Shapes(cross, np.zeros_like(cross), fov)) == 1


def test_nothing_counts_outside_the_field_of_view() -> None:
    fov = np.zeros((20, 20), bool)
    fov[5:15, 5:15] = True
    truth = np.zeros_like(fov)
    truth[8, 4:16] = True
    noisy = truth.copy()
    noisy[:4], noisy[16:19:2, ::2] = True, True
    for metric in (CLDICE, BETTI0, BETTI1):
        clean = metric.function(Shapes(truth, truth, fov))
        assert metric.function(Shapes(noisy, truth, fov)) == clean


def test_a_thin_vessel_weighs_as_much_as_a_thick_one() -> None:
    truth = np.zeros((40, 60), bool)
    truth[5:16, 5:55] = True
    truth[30, 5:55] = True
    without_thin = truth.copy()
    without_thin[30] = False
    overlap = 2 * without_thin.sum() / (without_thin.sum() + truth.sum())
    assert CLDICE.function(everywhere(without_thin, truth)) < 0.72
    assert overlap > 0.95


def test_empty_masks() -> None:
    empty = np.zeros_like(TRUTH)
    assert math.isnan(CLDICE.function(everywhere(empty, empty)))
    assert BETTI0.function(everywhere(empty, empty)) == BETTI1.function(everywhere(empty, empty)) == 0
    for one, other in ((empty, TRUTH), (TRUTH, empty)):
        assert CLDICE.function(everywhere(one, other)) == 0
        assert BETTI0.function(everywhere(one, other)) == 2
        assert BETTI1.function(everywhere(one, other)) == 1
