from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from retseg.core.types import BoolArray, Classes, ClassInfo, Float32Array, UInt8Array, UInt16Array
from retseg.imaging.instances import depth
from retseg.metrics.instances import InstanceSums, instance_sums
from retseg.postprocess.components import numbered
from retseg.postprocess.registry import separate
from tests.postprocess.drawn import Canvas, ovals, people, rough

SCENE = Classes("scene", (ClassInfo("ground", (0, 0, 0)), ClassInfo("figure", (200, 0, 0))), things=(1,))
EIGHT = np.ones((3, 3), bool)

Scene = Callable[[np.random.Generator], UInt16Array]


def apart(mask: BoolArray, deep: Float32Array, way: str = "watershed", **options: float) -> UInt16Array:
    return separate(mask.astype(np.uint8), SCENE, {"distance": deep}, way, options)


def sharp(ids: UInt16Array, **options: float) -> UInt16Array:
    """What the watershed makes of the true mask and the true depth."""
    return apart(ids > 0, depth(ids)[None], **options)


def tally(truth: UInt16Array, found: UInt16Array) -> InstanceSums:
    return instance_sums(truth, found)


def recovered(sums: InstanceSums) -> int:
    """How many true instances were found: IoU above a half."""
    return int((sums.overlaps > 0.5).sum())


def compared(scene: Scene, blur: float, noise: float, scenes: int = 10) -> tuple[InstanceSums, InstanceSums]:
    """What watershed and connected components find in a number of drawn scenes, as an imperfect net sees them."""
    flooded, joined = InstanceSums(), InstanceSums()
    for seed in range(scenes):
        random = np.random.default_rng(seed)
        ids = numbered(scene(random), 100)
        mask, deep = rough(ids, random, blur, noise)
        flooded += instance_sums(ids, apart(mask, deep))
        joined += instance_sums(ids, apart(mask, deep, "components"))
    print(
        f"{scene.__name__}, blur {blur}, noise {noise}: {flooded.truths} true; found {recovered(flooded)} by watershed,"
        f" {recovered(joined)} by connected components, which give {flooded.found} and {joined.found} instances"
    )
    return flooded, joined


@pytest.mark.parametrize(("blur", "noise"), [(0.0, 0.0), (1.5, 0.04), (2.0, 0.08)])
def test_discs_and_ellipses_that_touch_are_all_recovered_and_connected_components_recover_none(
    blur: float, noise: float
) -> None:
    flooded, joined = compared(ovals, blur, noise)
    assert recovered(flooded) == flooded.truths == flooded.found == 45
    assert recovered(joined) == 0
    assert joined.found == 10


@pytest.mark.parametrize(("blur", "noise", "lost"), [(0.0, 0.0, 0), (1.5, 0.04, 1), (2.0, 0.08, 2)])
def test_people_who_overlap_are_recovered_and_connected_components_lose_most(
    blur: float, noise: float, lost: int
) -> None:
    flooded, joined = compared(people, blur, noise)
    assert recovered(flooded) >= flooded.truths - lost
    assert abs(flooded.found - flooded.truths) <= lost
    assert recovered(joined) < 0.4 * joined.truths
    assert joined.found < 0.5 * joined.truths


def person(height: float, broad: float, stride: float) -> UInt16Array:
    canvas = Canvas.empty(int(height) + 20, int(height) + 20)
    canvas.person(height + 10, 10 + height / 2, height, broad=broad, stride=stride)
    return canvas.ids


@pytest.mark.parametrize("height", [40, 80, 160, 320])
@pytest.mark.parametrize("broad", [0.18, 0.24, 0.3])
@pytest.mark.parametrize("stride", [0.0, 0.1, 0.2])
def test_one_person_with_head_and_legs_stays_one(height: float, broad: float, stride: float) -> None:
    ids = person(height, broad, stride)
    assert sharp(ids).max() == 1
    for seed in range(3):
        mask, deep = rough(ids, np.random.default_rng(seed), height / 100, 0.06)
        found = apart(mask, deep)
        sums = instance_sums(ids, found)
        assert (sums.found, recovered(sums)) == (1, 1)


def test_every_person_would_fall_into_parts_without_joining_basins() -> None:
    # What the option is there for: a head, and legs that are as thick all along, have maxima of their own.
    assert sharp(person(160, 0.18, 0.15), contrast=0.01, least_share=0).max() > 2
    assert sharp(person(160, 0.18, 0.15), contrast=0.3, least_share=0).max() == 2


@pytest.mark.parametrize("height", [45, 90, 180])
def test_two_people_side_by_side_are_two(height: float) -> None:
    canvas = Canvas.empty(int(height * 1.2), int(height * 1.5))
    canvas.person(1.1 * height, 0.5 * height, height)
    canvas.person(1.12 * height, 0.74 * height, height)
    assert ndimage.label(canvas.ids > 0, EIGHT)[1] == 1, "they touch"
    for seed in range(3):
        mask, deep = rough(canvas.ids, np.random.default_rng(seed), height / 100, 0.05)
        sums = tally(canvas.ids, apart(mask, deep))
        assert (sums.found, recovered(sums)) == (2, 2)


def two_discs() -> UInt16Array:
    canvas = Canvas.empty(60, 100)
    canvas.disc(30, 30, 18)
    canvas.disc(30, 62, 18)
    return canvas.ids


def test_the_border_between_two_is_where_the_truth_has_it() -> None:
    ids = two_discs()
    sums = tally(ids, sharp(ids, smoothing=0))
    assert sums.overlaps.min() > 0.97


@pytest.mark.parametrize("strength", [0.3, 0.6, 1.0])
def test_a_net_that_is_modest_about_the_depth_still_separates(strength: float) -> None:
    ids = two_discs()
    expected = 2 if strength > 0.4 else 1
    assert apart(ids > 0, strength * depth(ids)[None]).max() == expected


def test_noise_where_the_depth_is_nearly_nothing_does_not_shatter_a_figure() -> None:
    ids = person(120, 0.26, 0.1)
    noise = np.random.default_rng(0).uniform(0, 0.25, (1, *ids.shape)).astype(np.float32)
    found = apart(ids > 0, noise)
    assert np.array_equal(found, ids)


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_a_plateau_is_one_instance(level: float) -> None:
    ids = two_discs()
    assert apart(ids > 0, np.full((1, *ids.shape), level, np.float32)).max() == 1
    whole = np.ones(ids.shape, bool)
    assert np.array_equal(apart(whole, np.full((1, *ids.shape), level, np.float32)), whole)


def test_two_plateaus_with_a_valley_between_are_two() -> None:
    deep = np.ones((1, 20, 41), np.float32)
    deep[..., 18:23] = 0.1
    found = apart(np.ones((20, 41), bool), deep)
    assert found.max() == 2
    assert len(np.unique(found[:, :18])) == len(np.unique(found[:, 23:])) == 1


def test_every_pixel_of_a_piece_gets_an_instance_also_those_at_corners() -> None:
    ids = two_discs()
    mask = ids > 0
    corner = np.argwhere(mask)[0]
    mask[corner[0] - 1, corner[1] - 1] = True
    rows, columns = np.nonzero(mask)
    found = apart(mask, depth(ids)[None])
    assert (found[rows, columns] > 0).all()
    mask[2:4, 2:4] = True
    assert not apart(mask, depth(ids)[None])[2:4, 2:4].any(), "a speck of four pixels is dropped"
    assert apart(mask, depth(ids)[None], smallest=4).max() == 3


def test_a_part_that_is_too_small_joins_its_neighbour_and_leaves_no_hole() -> None:
    deep = np.full((1, 30, 30), 0.8, np.float32)
    deep[0, 14:17, 14:17] = 0.0
    deep[0, 15, 15] = 1.0
    whole = np.ones((30, 30), bool)
    assert apart(whole, deep, smoothing=0, smallest=1, least_share=0).max() == 2
    assert np.array_equal(apart(whole, deep, smoothing=0, smallest=16, least_share=0), whole)
    assert np.array_equal(apart(whole, deep, smoothing=0, smallest=1, least_share=0.1), whole)


def test_the_lower_the_contrast_the_more_instances() -> None:
    random = np.random.default_rng(3)
    mask, deep = rough(people(random), random, 1.5, 0.1)
    counts = [apart(mask, deep, contrast=contrast).max() for contrast in (0.02, 0.1, 0.3, 0.6, 0.99)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[2] > counts[-1]


def test_a_turned_photograph_gives_turned_instances() -> None:
    ids = ovals(np.random.default_rng(2))
    expected = sharp(ids)
    for turns in (1, 2, 3):
        turned = np.rot90(sharp(np.rot90(ids, turns).copy()), -turns)
        assert tally(expected, turned.copy()).overlaps.min() > 0.97


def test_a_photograph_of_pure_noise_ends_in_a_moment() -> None:
    random = np.random.default_rng(0)
    mask = random.random((500, 500)) < 0.3
    start = time.perf_counter()
    found = apart(mask, random.random((1, 500, 500)).astype(np.float32), smoothing=0, smallest=1)
    assert time.perf_counter() - start < 5, "usually a quarter of a second"
    assert found.max() > 10000
    assert np.array_equal(found > 0, mask)


def test_classes_are_separated_each_by_itself() -> None:
    classes = Classes("scene", tuple(ClassInfo(str(i), (i, i, i)) for i in range(3)), things=(1, 2))
    ids = two_discs()
    class_map: UInt8Array = ids.astype(np.uint8)
    everything = np.ones((1, *ids.shape), np.float32)
    for way in ("watershed", "components"):
        found = separate(class_map, classes, {"distance": everything}, way)
        assert np.array_equal(found, ids), "a plateau over both, but two classes"
