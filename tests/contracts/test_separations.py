"""What every registered way of telling instances apart must do, whoever wrote it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import ndimage

from retseg.core.config import Section
from retseg.core.errors import ConfigError, InputError
from retseg.core.types import BoolArray, Classes, ClassInfo, Float32Array, UInt16Array
from retseg.imaging.instances import depth
from retseg.models.heads import HEADS
from retseg.postprocess.registry import SEPARATIONS, checked, choose, separate
from retseg.postprocess.separation import Separation

pytestmark = pytest.mark.parametrize("name", SEPARATIONS.names())

SHAPE = (60, 90)


def classes(things: tuple[int, ...] = (1,), count: int = 2) -> Classes:
    return Classes("scene", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(count)), things=things)


def heads_for(ids: UInt16Array) -> dict[str, Float32Array]:
    """What perfect heads say of an id map, by the name of every head."""
    return {name: HEADS.get(name).target(ids) for name in HEADS.names()}


def noise_of_heads(shape: tuple[int, int] = SHAPE, seed: int = 0) -> dict[str, Float32Array]:
    random = np.random.default_rng(seed)
    return {name: random.random((HEADS.get(name).channels, *shape)).astype(np.float32) for name in HEADS.names()}


def figures() -> UInt16Array:
    """Three figures that do not touch."""
    ids = np.zeros(SHAPE, np.uint16)
    ids[5:25, 8:30] = 1
    ids[35:55, 12:20] = 2
    ids[10:50, 50:80] = 3
    return ids


def ids_of(name: str, mask: BoolArray, heads: Mapping[str, Float32Array], **options: object) -> UInt16Array:
    return separate(mask.astype(np.uint8), classes(), heads, name, options)


def test_describes_itself(name: str) -> None:
    way = SEPARATIONS.get(name)
    assert isinstance(way, Separation)
    assert way.name == name
    assert issubclass(way.options, Section)
    assert set(way.needs) <= set(HEADS.names()), "a head that no net can have"
    assert len(way.about) > 20
    assert len(way.citation) > 20
    for option, field in way.options.model_fields.items():
        assert field.description, f"{option} does not say what it is"
    assert pickle.loads(pickle.dumps(way)) == way


@pytest.mark.parametrize("seed", range(4))
def test_ids_are_1_2_3_and_so_on_within_the_mask(name: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(random.normal(size=SHAPE), 1 + seed) > 0
    found = ids_of(name, mask, noise_of_heads(seed=seed), smallest=1)
    assert found.dtype == np.uint16
    assert found.shape == SHAPE
    assert np.array_equal(np.unique(found[found > 0]), np.arange(1, found.max() + 1))
    assert not found[~mask].any()
    assert found[mask].all(), "with instances of any size allowed, none of the mask is left out"
    large = ids_of(name, mask, noise_of_heads(seed=seed), smallest=40)
    assert np.array_equal(np.unique(large[large > 0]), np.arange(1, large.max() + 1))
    assert np.bincount(large.ravel())[1:].min(initial=40) >= 40


def test_figures_that_do_not_touch_are_found_exactly(name: str) -> None:
    ids = figures()
    found = ids_of(name, ids > 0, heads_for(ids))
    expected, count = ndimage.label(ids > 0, np.ones((3, 3)))
    assert found.max() == count == 3
    for number in (1, 2, 3):
        assert len(np.unique(found[expected == number])) == 1


def test_an_empty_mask_has_no_instance(name: str) -> None:
    assert not ids_of(name, np.zeros(SHAPE, bool), noise_of_heads()).any()
    assert not ids_of(name, np.zeros(SHAPE, bool), heads_for(np.zeros(SHAPE, np.uint16))).any()


def test_a_mask_that_is_the_whole_image_is_one_instance(name: str) -> None:
    whole = np.ones(SHAPE, np.uint16)
    assert np.array_equal(ids_of(name, whole > 0, heads_for(whole)), whole)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2)])
def test_images_of_any_size(name: str, shape: tuple[int, int]) -> None:
    whole = np.ones(shape, np.uint16)
    assert np.array_equal(ids_of(name, whole > 0, heads_for(whole), smallest=1), whole)


def test_gives_the_same_again_and_leaves_its_input_as_it_was(name: str) -> None:
    mask, heads = figures() > 0, noise_of_heads()
    before = mask.copy(), {key: value.copy() for key, value in heads.items()}
    first = ids_of(name, mask, heads)
    assert np.array_equal(first, ids_of(name, mask, heads))
    assert np.array_equal(mask, before[0])
    assert all(np.array_equal(heads[key], before[1][key]) for key in heads)


def test_what_touches_at_corners_hangs_together(name: str) -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:10, 2:10] = mask[10:18, 10:18] = True
    flat = {key: np.zeros_like(value) for key, value in noise_of_heads((20, 20)).items()}
    assert ids_of(name, mask, flat).max() == 1


def test_no_id_lies_in_two_classes(name: str) -> None:
    class_map = np.zeros(SHAPE, np.uint8)
    class_map[10:40, 10:40], class_map[10:40, 40:70], class_map[45:55, 10:70] = 1, 2, 3
    instances = figures()
    found = separate(class_map, classes((1, 3), 4), heads_for(instances), name)
    assert np.array_equal(found > 0, (class_map == 1) | (class_map == 3))
    assert not set(np.unique(found[class_map == 1])) & set(np.unique(found[class_map == 3]))
    assert set(np.unique(found)) == set(range(found.max() + 1))
    assert not separate(class_map, classes((), 4), heads_for(instances), name).any(), "a task without things"


def test_options_are_checked(name: str) -> None:
    way = SEPARATIONS.get(name)
    assert checked(way) == way.options()
    assert checked(way, {"smallest": 3}).model_dump()["smallest"] == 3
    for wrong in ({"no_such_option": 1}, {"smallest": 0}, {"smallest": "many"}):
        with pytest.raises(ConfigError) as caught:
            ids_of(name, figures() > 0, noise_of_heads(), **wrong)
        line = caught.value.line
        assert "\n" not in line
        assert next(iter(wrong)) in line
        assert f"predict.separation_options of {name}" in line
        assert all(option in line for option in way.options.model_fields)


def test_is_chosen_only_where_the_net_has_what_it_needs(name: str) -> None:
    way = SEPARATIONS.get(name)
    assert choose(name, way.needs) is way
    assert choose(None, HEADS.names()).name == SEPARATIONS.names()[0]
    assert choose(None, ()).needs == ()
    if way.needs:
        with pytest.raises(ConfigError, match=rf"needs the head '{way.needs[0]}'.*model\.heads"):
            choose(name, ())
    with pytest.raises(ConfigError, match="Did you mean"):
        choose(name + "x", way.needs)


def test_more_instances_than_16_bits_can_number_are_refused(name: str) -> None:
    mask = np.zeros((520, 520), bool)
    mask[::2, ::2] = True
    heads = {key: np.zeros((HEADS.get(key).channels, 520, 520), np.float32) for key in HEADS.names()}
    with pytest.raises(InputError, match=r"67600 instances.*65535.*Raise smallest"):
        ids_of(name, mask, heads, smallest=1)
    assert not ids_of(name, mask, heads).any()
    # Neither class alone has too many, but both together have.
    class_map = mask.astype(np.uint8)
    class_map[:, 300:] *= 2
    with pytest.raises(InputError, match="67600 instances"):
        separate(class_map, classes((1, 2), 3), heads, name, {"smallest": 1})


def test_is_not_confused_by_the_depth_of_what_lies_outside_the_mask(name: str) -> None:
    ids = figures()
    heads = heads_for(ids)
    if "distance" in heads:
        heads["distance"] = np.maximum(heads["distance"], (depth(ids) == 0).astype(np.float32) * 0.3)
    assert ids_of(name, ids > 0, heads).max() == 3
