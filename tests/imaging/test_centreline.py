from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from retseg.core.types import BoolArray
from retseg.imaging.centreline import NO_JUNCTION, PixelGraph, path_length, thinned
from retseg.imaging.vessels import skeleton

EIGHT = np.ones((3, 3), bool)
MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))
SKELETONS = st.one_of(MASKS.map(skeleton), MASKS)


def drawn(text: str) -> BoolArray:
    return np.array([[letter == "#" for letter in line] for line in text.split()])


def graph(text: str) -> PixelGraph:
    return PixelGraph(np.argwhere(drawn(text)))


def image(places: np.ndarray, shape: tuple[int, ...]) -> BoolArray:
    line = np.zeros(shape, bool)
    line[tuple(places.T)] = True
    return line


@given(line=SKELETONS)
def test_thinning_keeps_pieces_and_holes_and_leaves_nothing_to_spare(line: BoolArray) -> None:
    left = image(thinned(np.argwhere(line)), line.shape)
    assert not (left & ~line).any()
    assert ndimage.label(left, EIGHT)[1] == ndimage.label(line, EIGHT)[1]
    assert (
        ndimage.label(np.pad(~left, 1, constant_values=True))[1]
        == (ndimage.label(np.pad(~line, 1, constant_values=True))[1])
    )
    places = np.argwhere(left)
    assert np.array_equal(thinned(places), places)


@given(line=SKELETONS)
def test_every_pixel_is_in_one_stretch_or_one_junction_and_stretches_run_from_pixel_to_pixel(line: BoolArray) -> None:
    made = PixelGraph(np.argwhere(line))
    inner = [pixel for stretch in made.stretches for pixel in stretch.inner.tolist()]
    assert sorted(inner) == np.flatnonzero(made.junction == NO_JUNCTION).tolist()
    for stretch in made.stretches:
        assert len(stretch.inner)
        steps = np.abs(np.diff(made.places[stretch.pixels], axis=0)).max(axis=1, initial=1)
        assert (steps == 1).all()
        for end, pixel in ((stretch.first, stretch.pixels[0]), (stretch.last, stretch.pixels[-1])):
            assert made.junction[pixel] == end


def test_a_staircase_is_no_junction() -> None:
    made = graph("##... .##.. ..##. ...##")
    assert made.junctions == 0
    assert len(made.stretches) == 1


@pytest.mark.parametrize(
    "text",
    [
        "..#.. ..#.. ##### ..#.. ..#..",
        "#...# .#.#. ..#.. .#.#. #...#",
        "#....# .#..#. ..##.. ..##.. .#..#. #....#",
    ],
)
def test_a_cross_is_one_junction_with_four_stretches(text: str) -> None:
    made = graph(text)
    assert made.junctions == 1
    assert len(made.stretches) == 4
    assert all({one.first, one.last} == {0, NO_JUNCTION} for one in made.stretches)


def test_a_fork_is_one_junction_with_three_stretches() -> None:
    made = graph("#...# .#.#. ..#.. ..#.. ..#..")
    assert (made.junctions, len(made.stretches)) == (1, 3)


def test_a_ring_returns() -> None:
    (ring,) = graph(".##. #..# #..# .##.").stretches
    assert ring.closed
    assert graph(".##. #..# #..# .##.").length(ring) == pytest.approx(4 + 4 * math.sqrt(2))


def test_a_loop_on_a_stalk_meets_its_junction_twice() -> None:
    made = graph(".###... #...#.. #....## #...#.. .###...")
    assert made.junctions == 1
    assert sorted((one.first, one.last) for one in made.stretches) in ([(-1, 0), (0, 0)], [(0, -1), (0, 0)])


def test_single_pixels_and_nothing() -> None:
    (dot,) = graph("... .#. ...").stretches
    assert graph("... .#. ...").length(dot) == 0
    assert not dot.closed
    assert graph("... ... ...").stretches == []


def test_steps_to_the_corner_are_longer() -> None:
    assert path_length(np.array([[0, 0], [0, 1], [1, 2]])) == pytest.approx(1 + math.sqrt(2))
    assert path_length(np.array([[0, 0], [0, 1], [1, 1], [1, 0]]), closed=True) == 4
