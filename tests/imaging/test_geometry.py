from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retseg.imaging.geometry import Geometry

SIDE = st.integers(1, 90)


@st.composite
def geometries(draw):
    height, width = draw(SIDE), draw(SIDE)
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    box = (top, left, draw(st.integers(1, height - top)), draw(st.integers(1, width - left)))
    return Geometry((height, width), box, (draw(SIDE), draw(SIDE)))


def inside(geometry):
    top, left, height, width = geometry.box
    return np.s_[..., top : top + height, left : left + width]


@given(height=SIDE, width=SIDE, seed=st.integers(0, 99))
def test_identity_changes_nothing(height, width, seed):
    rng = np.random.default_rng(seed)
    geometry = Geometry.identity((height, width))
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    labels = rng.integers(0, 256, (height, width), dtype=np.uint8)
    maps = rng.random((2, height, width), dtype=np.float32)
    np.testing.assert_array_equal(geometry.image_to_working(image), image)
    np.testing.assert_array_equal(geometry.labels_to_working(labels), labels)
    np.testing.assert_array_equal(geometry.mask_to_working(labels > 99), labels > 99)
    np.testing.assert_array_equal(geometry.map_to_native(maps), maps)


def test_what_comes_out_is_never_the_input_itself():
    geometry = Geometry.identity((4, 4))
    labels = np.zeros((4, 4), np.uint8)
    geometry.labels_to_working(labels)[:] = 1
    assert not labels.any()


@given(geometry=geometries(), channels=st.integers(1, 3))
def test_the_native_shape_is_always_restored(geometry, channels):
    height, width = geometry.native
    assert geometry.image_to_working(np.zeros((height, width, 3), np.uint8)).shape == (*geometry.working, 3)
    assert geometry.labels_to_working(np.zeros((height, width), np.uint8)).shape == geometry.working
    assert geometry.mask_to_working(np.zeros((height, width), bool)).dtype == bool
    several = geometry.map_to_native(np.zeros((channels, *geometry.working), np.float32))
    assert several.shape == (channels, height, width)
    assert geometry.map_to_native(np.zeros(geometry.working, np.float32)).shape == (height, width)


@given(geometry=geometries(), value=st.integers(0, 255))
def test_constants_stay_constant(geometry, value):
    image = np.full((*geometry.native, 3), value, np.uint8)
    assert (geometry.image_to_working(image) == value).all()
    assert (geometry.labels_to_working(image[..., 0]) == value).all()
    native = geometry.map_to_native(np.full((1, *geometry.working), value / 255, np.float32), fill=-1.0)
    np.testing.assert_allclose(native[inside(geometry)], value / 255, atol=1e-6)
    outside = np.ones(native.shape, bool)
    outside[inside(geometry)] = False
    assert (native[outside] == -1).all()


@given(geometry=geometries(), seed=st.integers(0, 99))
def test_maps_stay_within_their_range(geometry, seed):
    values = np.random.default_rng(seed).random(geometry.working, dtype=np.float32)
    native = geometry.map_to_native(values)[inside(geometry)]
    assert native.min() >= values.min() - 1e-6
    assert native.max() <= values.max() + 1e-6


@settings(max_examples=40)
@given(
    native=st.tuples(st.integers(40, 160), st.integers(40, 160)),
    working=st.tuples(st.integers(40, 160), st.integers(40, 160)),
    slope=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
)
def test_a_ramp_goes_there_and_back(native, working, slope):
    """Half-pixel alignment: any shift of the grid would show as an offset proportional to the slope."""
    geometry = Geometry(native, (0, 0, *native), working)
    y, x = (np.arange(side) + 0.5 for side in native)
    ramp = 128 + slope[0] * (y[:, None] - native[0] / 2) + slope[1] * (x[None] - native[1] / 2)
    image = np.repeat(np.rint(np.clip(ramp, 0, 255)).astype(np.uint8)[..., None], 3, axis=2)
    back = geometry.map_to_native(geometry.image_to_working(image)[..., 0].astype(np.float32))
    # Near the edges the filters see only one side of the ramp.
    shrink = max(native[0] / working[0], native[1] / working[1], working[0] / native[0], working[1] / native[1])
    edge = int(3 * shrink) + 2
    core = np.s_[edge:-edge, edge:-edge]
    assert np.abs(back[core] - ramp[core]).max(initial=0) < 1.6


@settings(max_examples=40)
@given(scale=st.floats(0.25, 3.0), height=st.integers(80, 200), width=st.integers(80, 200))
def test_a_round_mask_goes_there_and_back(scale, height, width):
    y, x = np.mgrid[:height, :width] + 0.5
    mask = np.hypot(y - height / 2, x - width / 2) < 0.45 * min(height, width)
    working = (max(1, round(height * scale)), max(1, round(width * scale)))
    geometry = Geometry((height, width), (0, 0, height, width), working)
    back = geometry.map_to_native(geometry.mask_to_working(mask).astype(np.float32)) > 0.5
    overlap = (back & mask).sum() / (back | mask).sum()
    assert overlap > 1 - 4 / (min(scale, 1) * 0.9 * min(height, width))


@given(geometry=geometries(), seed=st.integers(0, 99))
def test_masks_and_labels_agree(geometry, seed):
    labels = np.random.default_rng(seed).integers(0, 3, geometry.native, dtype=np.uint8)
    working = geometry.labels_to_working(labels)
    np.testing.assert_array_equal(geometry.mask_to_working(labels == 1), working == 1)
    assert set(np.unique(working)) <= set(np.unique(labels))


def test_shrinking_is_anti_aliased():
    stripes = np.zeros((80, 80, 3), np.uint8)
    stripes[:, ::2] = 255
    small = Geometry((80, 80), (0, 0, 80, 80), (20, 20)).image_to_working(stripes)
    assert np.abs(small.astype(int)[:, 2:-2] - 127.5).max() < 16


def test_fit_crops_to_the_field_of_view():
    fov = np.zeros((50, 60), bool)
    fov[10:40, 5:50] = True
    assert Geometry.fit(fov, crop=True, diameter=None) == Geometry((50, 60), (10, 5, 30, 45), (30, 45))
    assert Geometry.fit(fov, crop=False, diameter=None) == Geometry.identity((50, 60))


@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("diameter", [60, 300])
def test_fit_scales_the_field_of_view_to_its_diameter(draw, crop, diameter):
    _, fov = draw(radius=150.0)
    geometry = Geometry.fit(fov, crop=crop, diameter=diameter)
    working = geometry.mask_to_working(fov)
    assert abs(int(working.any(axis=0).sum()) - diameter) <= 2
    assert abs(int(working.any(axis=1).sum()) - diameter) <= 2


def test_arrays_of_another_grid_are_refused():
    geometry = Geometry((20, 30), (0, 0, 20, 30), (10, 15))
    with pytest.raises(ValueError, match="native grid"):
        geometry.image_to_working(np.zeros((30, 20, 3), np.uint8))
    with pytest.raises(ValueError, match="working grid"):
        geometry.map_to_native(np.zeros((20, 30), np.float32))


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 21, 5), (0, 26, 5, 5), (0, 0, 0, 5)])
def test_a_box_beyond_the_image_is_refused(box):
    with pytest.raises(ValueError, match="no geometry"):
        Geometry((20, 30), box, (5, 5))


@given(geometry=geometries(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_ids_go_where_labels_go(geometry, seed):
    """Ids beyond eight bits survive, and lie on the very pixels that labels lie on."""
    labels = np.random.default_rng(seed).integers(0, 200, geometry.native, dtype=np.uint8)
    ids = labels.astype(np.uint16) * 300
    np.testing.assert_array_equal(
        geometry.ids_to_working(ids), geometry.labels_to_working(labels).astype(np.uint16) * 300
    )


def test_a_scaled_geometry_shows_the_same_part_in_more_pixels():
    geometry = Geometry((90, 80), (10, 20, 40, 30), (60, 45)).scaled(1.5)
    assert geometry == Geometry((90, 80), (10, 20, 40, 30), (90, 68))
    assert geometry.scaled(1e-9).working == (1, 1)
