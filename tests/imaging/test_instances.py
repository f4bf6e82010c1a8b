from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

from retseg.core.types import UInt16Array
from retseg.imaging.instances import depth

EIGHT = np.ones((3, 3), bool)


def disc(radius: float, side: int, number: int = 1) -> UInt16Array:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.where(np.hypot(y, x) <= radius, number, 0).astype(np.uint16)


def slow_depth(ids: UInt16Array) -> np.ndarray:
    """The same from its definition: every pixel against every other."""
    places = np.argwhere(np.ones(ids.shape, bool))
    result = np.zeros(ids.shape)
    for number in np.unique(ids[ids > 0]):
        own, others = np.argwhere(ids == number), places[ids.ravel() != number]
        if not len(others):
            result[ids == number] = 1
            continue
        nearest = np.hypot(*(own[:, None] - others[None]).transpose(2, 0, 1)).min(1)
        result[tuple(own.T)] = nearest / nearest.max()
    return result


@pytest.mark.parametrize("seed", range(6))
def test_is_what_its_definition_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    ids = ndimage.zoom(random.integers(0, 4, (4, 5)), 4, order=0).astype(np.uint16)
    ids[random.random(ids.shape) < 0.03] = 0
    np.testing.assert_allclose(depth(ids), slow_depth(ids), atol=1e-6)


def test_of_a_square() -> None:
    ids = np.zeros((9, 9), np.uint16)
    ids[2:7, 2:7] = 1
    expected = np.zeros((9, 9))
    expected[2:7, 2:7], expected[3:6, 3:6], expected[4, 4] = 1 / 3, 2 / 3, 1
    np.testing.assert_allclose(depth(ids), expected, atol=1e-6)
    assert depth(ids).dtype == np.float32


def test_of_a_disc_falls_evenly_from_its_middle_to_its_rim() -> None:
    ids = disc(30, 75)
    y, x = np.mgrid[:75, :75] - 37
    inside = ids > 0
    expected = (1 - np.hypot(y, x) / 31)[inside]
    assert np.abs(depth(ids)[inside] - expected).max() < 1.5 / 31
    assert depth(ids)[37, 37] == 1


def test_is_1_at_the_deepest_pixel_above_0_inside_and_0_outside() -> None:
    ids = np.zeros((40, 60), np.uint16)
    ids[3:9, 3:9], ids[12:38, 5:40], ids[2:30, 50:52], ids[35, 55] = 4, 9, 2, 7
    deep = depth(ids)
    assert np.array_equal(deep > 0, ids > 0)
    for number in (2, 4, 7, 9):
        assert deep[ids == number].max() == 1


@pytest.mark.parametrize("times", [2, 3, 5])
def test_a_larger_figure_has_the_same_depth(times: int) -> None:
    ids = disc(20, 47)
    ids[20:26, 35:47] = 1
    large = np.kron(ids, np.ones((times, times), np.uint16))
    # The pixel that is compared lies in the middle of those that one pixel became.
    sampled = depth(large)[times // 2 :: times, times // 2 :: times]
    assert np.abs(sampled - depth(ids))[ids > 0].max() < 1.5 / 20


@pytest.mark.parametrize("touching", ["side", "corner"])
def test_instances_that_touch_have_a_valley_between_them(touching: str) -> None:
    ids = np.zeros((40, 60), np.uint16)
    ids[10:30, 10:30] = 1
    ids[slice(10, 30) if touching == "side" else slice(20, 40), 30:50] = 2
    deep = depth(ids)
    assert ndimage.label(ids > 0, EIGHT)[1] == 1
    assert ndimage.label(deep > 0.3, EIGHT)[1] == 2
    assert deep[25, 29] == deep[25, 30] == pytest.approx(0.1)
    alone = depth(np.where(ids == 1, 1, 0).astype(np.uint16))
    assert np.array_equal(alone[ids == 1], deep[ids == 1]), "what is beside it does not matter"


def test_the_border_of_the_image_is_none_of_an_instance() -> None:
    ids = np.zeros((20, 30), np.uint16)
    ids[:, :10] = 1
    deep = depth(ids)
    np.testing.assert_allclose(deep[:, :10], np.tile(np.arange(10, 0, -1) / 10, (20, 1)), atol=1e-6)
    half = depth(disc(20, 51))[:, :26]
    assert np.array_equal(depth(disc(20, 51)[:, :26].copy()), half), "cut through its middle, half a disc stays as deep"


def test_an_instance_that_is_the_whole_image_is_deep_everywhere() -> None:
    assert (depth(np.full((5, 7), 3, np.uint16)) == 1).all()
    assert depth(np.ones((1, 1), np.uint16)).tolist() == [[1.0]]


def test_ids_may_have_gaps_and_be_as_high_as_16_bits_allow() -> None:
    ids = np.zeros((30, 50), np.uint16)
    ids[5:25, 5:25], ids[5:25, 25:45] = 1, 2
    table = np.array([0, 65535, 700], np.uint16)
    assert np.array_equal(depth(table[ids]), depth(ids))


def test_without_an_instance_it_is_0() -> None:
    assert not depth(np.zeros((6, 8), np.uint16)).any()
    assert depth(np.zeros((0, 8), np.uint16)).shape == (0, 8)


def test_leaves_the_ids_as_they_were() -> None:
    ids = disc(5, 15, 7)
    before = ids.copy()
    depth(ids)
    assert np.array_equal(ids, before)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_and_mirroring_turn_and_mirror_it(turns: int) -> None:
    ids = ndimage.zoom(np.random.default_rng(turns).integers(0, 3, (5, 7)), 6, order=0).astype(np.uint16)
    assert np.array_equal(depth(np.rot90(ids, turns).copy()), np.rot90(depth(ids), turns))
    assert np.array_equal(depth(ids[::-1].copy()), depth(ids)[::-1])
    assert np.array_equal(depth(ids[:, ::-1].copy()), depth(ids)[:, ::-1])


def test_many_instances_take_a_moment() -> None:
    ids = np.kron(np.arange(2500).reshape(50, 50), np.ones((10, 10))).astype(np.uint16)
    start = time.perf_counter()
    depth(ids)
    assert time.perf_counter() - start < 3, "usually a tenth of a second"
