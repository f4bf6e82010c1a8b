from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray
from retseg.imaging.pinholes import without_pinholes
from retseg.imaging.segment_colours import COLOURS, colour_numbers, segment_overlay
from retseg.imaging.segments import EndKind, VesselGraph, vessel_graph

SIZE = 160
EIGHT = np.ones((3, 3), bool)
MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))


def vessels(*lines: tuple[float, float, float, float], width: float = 7) -> BoolArray:
    """Straight vessels (row, column, row, column) with square ends, each `width` wide."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    mask = np.zeros((SIZE, SIZE), bool)
    for top, left, bottom, right in lines:
        length = math.hypot(bottom - top, right - left)
        down, across = (bottom - top) / length, (right - left) / length
        along = (rows - top) * down + (columns - left) * across
        aside = (rows - top) * across - (columns - left) * down
        mask |= (along >= 0) & (along <= length) & (np.abs(aside) <= width / 2)
    return mask


def graph(mask: BoolArray, fov: BoolArray | None = None) -> VesselGraph:
    made = vessel_graph(mask, np.ones_like(mask) if fov is None else fov)
    check(made, mask if fov is None else mask & fov)
    return made


def check(made: VesselGraph, mask: BoolArray) -> None:
    """What holds for every mask."""
    assert made.ids.dtype == np.uint16
    assert np.array_equal(made.ids > 0, mask), "each pixel of the mask belongs to a segment, and no other does"
    assert [one.id for one in made.segments] == list(range(1, len(made.segments) + 1))
    for one in made.segments:
        assert one.pixels == (made.ids == one.id).sum()
        assert len(one.path) == len(one.calibre) == len(one.own)
        assert one.own.any()
        assert one.start.place == tuple(one.path[0])
        assert one.end.place == tuple(one.path[0] if one.is_ring else one.path[-1])
        assert one.start.place <= one.end.place
        assert (np.abs(np.diff(one.path, axis=0)).max(axis=1, initial=1) == 1).all()
        assert one.length >= one.chord
    for junction in made.junctions:
        meeting = [one.id for one in made.segments for end in (one.start, one.end) if end.junction == junction.id]
        assert sorted(junction.segments) == meeting
        assert len(meeting) >= 3, "fewer make no junction"


def kinds(made: VesselGraph) -> list[str]:
    return sorted(str(end.kind) for one in made.segments for end in (one.start, one.end))


@given(mask=MASKS)
def test_any_mask(mask: BoolArray) -> None:
    if without_pinholes(mask).all():
        with pytest.raises(ImageError, match="fills the whole field"):
            vessel_graph(mask, np.ones_like(mask))
        return
    made = vessel_graph(mask, np.ones_like(mask))
    assert np.array_equal(made.ids > 0, mask)
    pieces, count = ndimage.label(mask, EIGHT)
    of_piece = [set(np.unique(made.ids[pieces == piece]).tolist()) for piece in range(1, count + 1)]
    assert sum(map(len, of_piece)) == len(set().union(*of_piece)), "no segment lies in two pieces"
    assert set().union(*of_piece) <= {one.id for one in made.segments}
    assert all(len(junction.segments) >= 3 for junction in made.junctions)


@pytest.mark.parametrize("width", [3, 5, 8, 11])
def test_a_straight_vessel_has_its_length_and_its_width(width: int) -> None:
    mask = np.zeros((40, 140), bool)
    mask[12 : 12 + width, 20:120] = True
    (one,) = graph(mask).segments
    assert 100 - 1.5 * width <= one.chord <= 100
    assert one.chord <= one.length <= one.chord + 3
    assert width <= one.median_calibre <= width + 1
    assert one.mean_calibre == pytest.approx(width + 0.5, abs=0.8)
    assert one.pixels == 100 * width
    assert kinds(graph(mask)) == ["end point", "end point"]


def test_a_diagonal_vessel_counts_its_steps_to_the_corner() -> None:
    (one,) = graph(np.eye(60, dtype=bool)).segments
    assert one.length == pytest.approx(59 * math.sqrt(2))
    assert one.length == pytest.approx(one.chord)


@pytest.mark.parametrize("width", [1, 3, 5, 7, 9])
def test_a_fork_has_three_segments_and_one_junction(width: int) -> None:
    mask = vessels((80, 80, 150, 80), (80, 80, 20, 30), (80, 80, 20, 130), width=width)
    made = graph(mask)
    assert (len(made.segments), len(made.junctions)) == (3, 1)
    assert made.ends(EndKind.END_POINT) == 3
    (junction,) = made.junctions
    assert np.hypot(junction.place[0] - 80, junction.place[1] - 80) <= width + 2
    for one in made.segments:
        assert one.median_calibre == pytest.approx(width + 0.5, abs=1.2)


@pytest.mark.parametrize("width", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("angle", [90, 75, 60])
def test_a_crossing_has_four_segments_and_one_junction(width: int, angle: int) -> None:
    down, across = 65 * math.sin(math.radians(angle)), 65 * math.cos(math.radians(angle))
    made = graph(vessels((80, 15, 80, 145), (80 - down, 80 - across, 80 + down, 80 + across), width=width))
    assert (len(made.segments), len(made.junctions)) == (4, 1)
    assert len(made.junctions[0].segments) == 4


def test_a_thin_vessel_does_not_cut_into_the_thick_one_that_it_leaves() -> None:
    trunk = vessels((80, 10, 80, 150), width=15)
    mask = trunk | vessels((80, 80, 10, 80), width=3)
    made = graph(mask)
    assert len(made.segments) == 3
    thin = min(made.segments, key=lambda one: one.median_calibre)
    assert thin.median_calibre <= 4
    assert ((made.ids == thin.id) & trunk).sum() <= 6
    assert thin.length >= 68, "it reaches the junction in the middle of the thick one"


def test_a_ring_is_one_segment_without_ends() -> None:
    rows, columns = np.mgrid[:SIZE, :SIZE] - 80
    away = np.hypot(rows, columns)
    made = graph((away > 46) & (away < 54))
    (ring,) = made.segments
    assert ring.is_ring
    assert ring.chord == 0
    assert 2 * math.pi * 50 <= ring.length <= 1.09 * 2 * math.pi * 50
    assert (made.ends(EndKind.RING), made.ends(EndKind.END_POINT), len(made.junctions)) == (1, 0, 0)


def test_a_dot_and_an_empty_mask() -> None:
    mask = np.zeros((30, 30), bool)
    empty = graph(mask)
    assert (empty.segments, empty.junctions, empty.length) == ((), (), 0)
    assert math.isnan(empty.median_calibre)
    mask[15, 12] = True
    made = graph(mask)
    (dot,) = made.segments
    assert (dot.length, dot.chord, dot.pixels, dot.start.place) == (0, 0, 1, (15, 12))
    assert made.ends(EndKind.END_POINT) == 1


def test_spurs_shorter_than_the_calibre_go_and_longer_ones_stay() -> None:
    trunk = vessels((80, 10, 80, 150), width=10)
    assert len(graph(trunk | vessels((80, 70, 72, 70), width=2)).segments) == 1
    assert len(graph(trunk | vessels((80, 70, 60, 70), width=2)).segments) == 3


def test_a_pinhole_makes_no_loop() -> None:
    mask = vessels((80, 10, 80, 150), width=9)
    mask[80, 70:73] = False
    assert len(graph(mask).segments) == 1


def test_ends_at_the_rim_are_told_from_those_within() -> None:
    rows, columns = np.mgrid[:SIZE, :SIZE] - 80
    fov = np.hypot(rows, columns) < 60
    made = graph(vessels((80, 0, 80, 100), width=8), fov)
    (one,) = made.segments
    assert [one.start.kind, one.end.kind] == [EndKind.RIM, EndKind.END_POINT] or (
        [one.end.kind, one.start.kind] == [EndKind.RIM, EndKind.END_POINT]
    )
    slanting = graph(vessels((20, 0, 60, 159), width=8), fov)
    assert kinds(slanting) == ["rim", "rim"]
    framed = graph(vessels((80, 0, 80, 159)))
    assert kinds(framed) == ["rim", "rim"], "the frame cuts vessels off too"


def test_vessels_side_by_side_stay_two_where_a_pixel_is_between_and_part_where_they_touch() -> None:
    upper, lower = vessels((60, 10, 60, 150), width=6), vessels((68, 10, 68, 150), width=6)
    apart = graph(upper | lower)
    assert (len(apart.segments), len(apart.junctions)) == (2, 0)
    assert {len(np.unique(apart.ids[one])) for one in (upper, lower)} == {1}
    touching = graph(upper | lower | vessels((60, 80, 68, 80), width=2))
    assert (len(touching.segments), len(touching.junctions)) == (4, 1)
    for one in touching.segments:
        own = touching.ids == one.id
        share = min((own & upper).sum(), (own & lower).sum()) / own.sum()
        assert share < 0.08, "none takes pixels of the other vessel, but for where they touch"


def tree() -> BoolArray:
    """A drawn tree of three generations on both sides of a crossing, all of it at least five pixels wide."""
    size = 600
    rows, columns = np.mgrid[:size, :size]
    mask = np.zeros((size, size), bool)

    def grow(row: float, column: float, angle: float, length: float, width: float) -> None:
        nonlocal mask
        for step in np.linspace(0, length, 60):
            y, x = row + step * math.sin(angle + step / 400), column + step * math.cos(angle + step / 400)
            near = (slice(max(0, int(y) - 12), int(y) + 13), slice(max(0, int(x) - 12), int(x) + 13))
            mask[near] |= np.hypot(rows[near] - y, columns[near] - x) <= width / 2
        if width > 6:
            grow(y, x, angle + 0.75, 0.7 * length, width - 2)
            grow(y, x, angle - 0.65, 0.75 * length, width - 2)

    for turn in (0.2, 1.7, 3.3, 4.8):
        grow(300 + 12 * math.sin(turn), 300 + 12 * math.cos(turn), turn, 100, 11)
    return mask


def test_turning_the_image_changes_little() -> None:
    mask = tree()
    straight = graph(mask)
    assert len(straight.segments) > 40
    for angle in (12, 30, 45, 90):
        turned = Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).rotate(angle, Image.Resampling.BICUBIC)
        made = graph(np.asarray(turned) > 127)
        assert len(made.segments) == pytest.approx(len(straight.segments), rel=0.1)
        assert len(made.junctions) == pytest.approx(len(straight.junctions), rel=0.1)
        assert made.length == pytest.approx(straight.length, rel=0.03)


def test_the_same_mask_gives_the_same_graph() -> None:
    one, two = graph(tree()), graph(tree())
    assert np.array_equal(one.ids, two.ids)
    assert one.junctions == two.junctions


def test_neighbours_have_different_colours() -> None:
    made = graph(tree())
    colour = np.array([0, *(number + 1 for number in colour_numbers(made))])[made.ids]
    for one, other, first, second in (
        (colour[1:], colour[:-1], made.ids[1:], made.ids[:-1]),
        (colour[:, 1:], colour[:, :-1], made.ids[:, 1:], made.ids[:, :-1]),
    ):
        meeting = (first != second) & (first > 0) & (second > 0)
        assert meeting.any()
        assert (one[meeting] != other[meeting]).all()
    for junction in made.junctions:
        chosen = [colour_numbers(made)[number - 1] for number in set(junction.segments)]
        assert len(set(chosen)) == len(chosen)


def test_the_overlay_is_black_or_the_dimmed_photograph_off_the_vessels() -> None:
    mask = vessels((80, 10, 80, 150))
    photograph = np.full((SIZE, SIZE, 3), 100, np.uint8)
    made = graph(mask)
    for background, drawn in ((0, segment_overlay(made)), (45, segment_overlay(made, photograph))):
        assert (drawn[~mask] == background).all()
        assert (drawn[mask] == COLOURS[colour_numbers(made)[0]]).all()


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        vessel_graph(np.zeros((4, 5), bool), np.zeros((5, 4), bool))
