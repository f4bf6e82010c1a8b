from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from retseg.core.types import Classes, ClassInfo
from retseg.postprocess.components import numbered
from retseg.postprocess.registry import separate

SCENE = Classes("scene", (ClassInfo("ground", (0, 0, 0)), ClassInfo("figure", (200, 0, 0))), things=(1,))


@pytest.mark.parametrize("seed", range(5))
def test_components_are_those_of_scipy(seed: int) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(60, 90)), 2) > 0.05
    expected, count = ndimage.label(mask, np.ones((3, 3)))
    assert count > 3
    assert np.array_equal(separate(mask.astype(np.uint8), SCENE, {}, "components", {"smallest": 1}), expected)


def test_pieces_that_are_too_small_are_dropped_and_the_others_counted_on() -> None:
    mask = np.zeros((12, 20), np.uint8)
    mask[1:4, 1:4] = mask[1:5, 6:10] = mask[7:11, 6:10] = 1
    assert separate(mask, SCENE, {}, "components", {"smallest": 9}).max() == 3
    found = separate(mask, SCENE, {}, "components")
    assert found.max() == 2, "nine pixels are too few, sixteen are not"
    assert not found[1:4, 1:4].any()
    assert set(np.unique(found)) == {0, 1, 2}


def test_ids_are_numbered_anew_without_gaps() -> None:
    ids = np.array([[0, 7, 7, 65535], [3, 3, 3, 65535]], np.uint16)
    assert numbered(ids, 1).tolist() == [[0, 2, 2, 3], [1, 1, 1, 3]]
    assert numbered(ids, 3).tolist() == [[0, 0, 0, 0], [1, 1, 1, 0]]
    assert numbered(ids, 4).tolist() == [[0] * 4] * 2
    assert numbered(np.zeros((0, 3), np.int64), 1).shape == (0, 3)


def test_a_task_without_things_has_no_instances() -> None:
    plain = Classes("scene", SCENE.items)
    assert not separate(np.ones((5, 5), np.uint8), plain, {}).any()
