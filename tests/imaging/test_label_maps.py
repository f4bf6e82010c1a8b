from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retseg.core.errors import ImageError
from retseg.imaging.label_maps import binary_mask, colour_to_index, index_to_colour, vessel_label_map

MASK = np.array([[0, 1, 1], [1, 0, 0]], bool)


@pytest.mark.parametrize(
    "raw",
    [
        MASK,
        MASK.astype(np.uint8),
        MASK.astype(np.uint8) * 255,
        MASK.astype(np.uint16) * 65535,
        MASK.astype(np.uint16) * 255,
    ],
    ids=["bool", "0/1", "0/255", "0/65535", "0/255 in 16 bits"],
)
def test_two_valued_labels(raw):
    mask = binary_mask(raw, "label.png")
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, MASK)


@pytest.mark.parametrize(("value", "expected"), [(0, False), (1, True), (255, True)])
def test_labels_of_one_value(value, expected):
    assert (binary_mask(np.full((4, 4), value, np.uint8), "x") == expected).all()


def test_a_bool_label_is_copied():
    raw = MASK.copy()
    binary_mask(raw, "x")[:] = False
    assert raw.any()


def test_grey_values_are_named():
    raw = np.array([[0, 30, 60, 90, 120, 150, 255]], np.uint8)
    with pytest.raises(ImageError, match=r"a label with 7 grey values: 0, 30, 60, 90, 120, 150, 255.*label\.png"):
        binary_mask(raw, "label.png")


def test_many_grey_values_are_shortened():
    with pytest.raises(ImageError, match=r"256 grey values: 0, 1, 2, 3, 4, 5, 6, 7, \.\.\."):
        binary_mask(np.arange(256, dtype=np.uint8).reshape(16, 16), "x")


def test_grey_values_where_allowed():
    raw = np.array([[0, 127, 128, 255]], np.uint8)
    np.testing.assert_array_equal(binary_mask(raw, "x", None), [[False, False, True, True]])
    np.testing.assert_array_equal(binary_mask(raw, "x", None, threshold=100), [[False, True, True, True]])
    np.testing.assert_array_equal(binary_mask(raw, "x", frozenset({0, 127, 128, 255})), [[False, False, True, True]])
    with pytest.raises(ImageError):
        binary_mask(raw, "x", frozenset({0, 128, 255}))


def test_grey_values_of_16_bits_are_cut_on_their_own_scale():
    raw = np.array([[0, 32000, 40000, 65535]], np.uint16)
    np.testing.assert_array_equal(binary_mask(raw, "x", None), [[False, False, True, True]])


def test_a_coloured_label_is_no_mask():
    with pytest.raises(ImageError, match="colours"):
        binary_mask(np.zeros((4, 4, 3), np.uint8), "x")


def test_vessel_label_map_leaves_nothing_outside():
    vessel = np.array([[True, True], [False, False]])
    fov = np.array([[True, False], [True, False]])
    np.testing.assert_array_equal(vessel_label_map(vessel, fov), [[1, 0], [2, 0]])
    swapped = vessel_label_map(vessel, fov, outside=9, vessel_index=5, retina=7)
    assert swapped.dtype == np.uint8
    np.testing.assert_array_equal(swapped, [[5, 9], [7, 9]])


def test_vessel_label_map_needs_equal_sizes():
    with pytest.raises(ValueError, match="differ in size"):
        vessel_label_map(np.zeros((2, 2), bool), np.zeros((2, 3), bool))


PALETTE = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.just(3))).map(lambda rows: np.unique(rows, axis=0))


@given(data=st.data(), palette=PALETTE)
def test_indices_come_back_from_colours(data, palette):
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)
    index = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, len(palette) - 1)))
    colours = index_to_colour(index, palette)
    assert colours.shape == (*index.shape, 3)
    np.testing.assert_array_equal(colour_to_index(colours, palette, ignore=255), index)


@given(data=st.data(), palette=PALETTE)
def test_colours_come_back_from_indices_or_are_ignored(data, palette):
    rgb = data.draw(hnp.arrays(np.uint8, (3, 4, 3), elements=st.sampled_from([0, 1, 127, 255])))
    index = colour_to_index(rgb, palette, ignore=255)
    known = index != 255
    np.testing.assert_array_equal(index_to_colour(index, palette)[known], rgb[known])
    unknown = ~(rgb[:, :, None] == palette).all(axis=-1).any(axis=-1)
    np.testing.assert_array_equal(~known, unknown)


def test_of_equal_colours_the_first_class_counts():
    palette = np.array([[0, 0, 0], [9, 9, 9], [9, 9, 9]], np.uint8)
    assert colour_to_index(np.full((1, 1, 3), 9, np.uint8), palette, 255)[0, 0] == 1


def test_an_index_without_a_colour_is_black():
    palette = np.array([[10, 20, 30]], np.uint8)
    np.testing.assert_array_equal(index_to_colour(np.array([[0, 255]], np.uint8), palette), [[[10, 20, 30], [0, 0, 0]]])
