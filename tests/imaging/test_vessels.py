from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from retseg.core.types import BoolArray
from retseg.imaging.vessels import boundary, local_calibre, mean_width, nearest_distance, skeleton

MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))
PAIRS = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9).flatmap(
    lambda shape: st.tuples(arrays.arrays(np.bool_, shape), arrays.arrays(np.bool_, shape))
)
EIGHT = np.ones((3, 3), bool)


def bar(width: int, length: int = 60) -> BoolArray:
    """A straight horizontal vessel of `width` pixels that ends inside the image."""
    mask = np.zeros((40, length + 20), bool)
    mask[15 : 15 + width, 10 : 10 + length] = True
    return mask


@given(mask=MASKS)
def test_the_skeleton_is_thin_lies_inside_and_keeps_every_piece(mask: BoolArray) -> None:
    line = skeleton(mask)
    assert not (line & ~mask).any()
    assert line.any() == mask.any()
    labels, pieces = ndimage.label(mask, EIGHT)
    assert set(np.unique(labels[line])) == set(range(1, pieces + 1)), "no piece is lost"
    assert ndimage.label(line, EIGHT)[1] == pieces, "none falls apart"


def test_the_skeleton_of_a_bar_is_one_pixel_wide() -> None:
    line = skeleton(bar(7))[:, 20:60]
    assert (line.sum(axis=0) == 1).all()
    assert line[18].all()


@given(pair=PAIRS)
def test_a_boundary_pixel_has_a_neighbour_inside_the_field_and_outside_the_mask(
    pair: tuple[BoolArray, BoolArray],
) -> None:
    mask, inside = pair[0] & pair[1], pair[1]
    height, width = mask.shape
    expected = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if mask[y, x] and 0 <= v < height and 0 <= u < width and inside[v, u] and not mask[v, u]:
                    expected[y, x] = True
    assert np.array_equal(boundary(mask, inside), expected)


def test_the_rim_is_no_boundary() -> None:
    inside = np.zeros((9, 9), bool)
    inside[2:7, 2:7] = True
    assert not boundary(inside, inside).any(), "a mask that fills the field has no wall"
    mask = inside.copy()
    mask[:, 4:] = False
    assert np.argwhere(boundary(mask, inside)).tolist() == [[y, 3] for y in range(2, 7)]


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 11])
def test_a_straight_vessel_has_its_width(width: int) -> None:
    mask = bar(width)
    calibre = local_calibre(mask, skeleton(mask), np.ones_like(mask))
    middle = calibre[:, 30:50][mask[:, 30:50]]
    assert ((middle >= width) & (middle <= width + 1)).all()
    assert not calibre[~mask].any()


@pytest.mark.parametrize("angle", [17, 30, 45, 73])
def test_a_slanting_vessel_has_its_width_too(angle: int) -> None:
    y, x = np.mgrid[-60:61, -60:61]
    across = y * math.cos(math.radians(angle)) + x * math.sin(math.radians(angle))
    mask = np.abs(across) <= 4.5
    calibre = local_calibre(mask, skeleton(mask), np.ones_like(mask))[30:-30, 30:-30]
    assert 8.5 < calibre[calibre > 0].mean() <= 10


def test_a_vessel_that_leaves_the_field_of_view_does_not_get_narrow_at_its_rim() -> None:
    mask = bar(8)
    inside = np.ones_like(mask)
    inside[:, 40:] = False
    calibre = local_calibre(mask & inside, skeleton(mask & inside), inside)
    assert (calibre[15:23, 30:40] == 8).all()


def test_a_twig_on_a_thick_vessel_is_thin_and_the_vessel_is_not() -> None:
    mask = bar(10)
    mask[25:38, 40:42] = True
    calibre = local_calibre(mask, skeleton(mask), np.ones_like(mask))
    assert (calibre[30:37, 40:42] <= 3).all()
    assert (calibre[15:25, 20:30] >= 10).all()


@given(pair=PAIRS)
def test_is_what_brute_force_finds(pair: tuple[BoolArray, BoolArray]) -> None:
    mask, inside = pair[0] & pair[1], pair[1]
    line = skeleton(mask)
    calibre = local_calibre(mask, line, inside)
    rest, on_line = np.argwhere(inside & ~mask), np.argwhere(line)
    for pixel in np.argwhere(mask):
        away = [math.dist(pixel, point) for point in on_line]
        # Several points of the centreline can be equally near; any of them may speak for the pixel.
        nearest = [p for p, d in zip(on_line, away, strict=True) if d == min(away)]
        allowed = [2 * min((math.dist(point, other) for other in rest), default=math.inf) for point in nearest]
        assert any(calibre[tuple(pixel)] == pytest.approx(value) for value in allowed)


def test_along_the_centreline_it_is_twice_scipys_distance_transform() -> None:
    random = np.random.default_rng(0)
    mask = ndimage.gaussian_filter(random.normal(size=(120, 130)), 3) > 0.05
    line = skeleton(mask)
    calibre = local_calibre(mask, line, np.ones_like(mask))
    assert np.allclose(calibre[line], 2 * ndimage.distance_transform_edt(mask)[line], atol=1e-5)


@given(pair=PAIRS)
def test_only_what_is_wanted_is_measured(pair: tuple[BoolArray, BoolArray]) -> None:
    mask, wanted = pair
    everything = np.ones_like(mask)
    whole = local_calibre(mask, skeleton(mask), everything)
    assert np.array_equal(local_calibre(mask, skeleton(mask), everything, wanted), np.where(wanted, whole, 0))


def test_degenerate_masks() -> None:
    nothing, everything = np.zeros((6, 7), bool), np.ones((6, 7), bool)
    assert not local_calibre(nothing, skeleton(nothing), everything).any()
    assert np.isinf(local_calibre(everything, skeleton(everything), everything)).all()
    assert local_calibre(nothing, nothing, everything).dtype == np.float32


POINTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12)


@given(points=POINTS, targets=POINTS)
def test_nearest_distances(points: list[tuple[int, int]], targets: list[tuple[int, int]]) -> None:
    found = nearest_distance(np.array(points, int).reshape(-1, 2), np.array(targets, int).reshape(-1, 2))
    assert found.tolist() == pytest.approx(
        [min((math.dist(p, target) for target in targets), default=math.inf) for p in points]
    )


@pytest.mark.parametrize("width", [3, 6, 12])
def test_the_mean_width_of_a_ring_is_its_own(width):
    rows, columns = np.ogrid[-150:151, -150:151]
    distance = np.hypot(rows, columns)
    ring = (distance < 100 + width / 2) & (distance >= 100 - width / 2)
    assert mean_width(ring) == pytest.approx(width, rel=0.04)


def test_an_empty_mask_has_no_width():
    assert mean_width(np.zeros((9, 9), bool)) is None
