from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import h_maxima, local_maxima

from retseg.postprocess.basins import basins, merged, passes


def ridge(*levels: float) -> np.ndarray:
    """A landscape three pixels tall, of these levels from left to right."""
    return np.repeat(np.array(levels, float)[None], 3, axis=0)


def pieces(mask: np.ndarray) -> int:
    return int(ndimage.label(mask, np.ones((3, 3)))[1])


def test_passes_are_where_it_is_deepest_to_go_over() -> None:
    parts = np.array([[1, 1, 2], [1, 1, 2], [3, 0, 2]])
    depth = np.array([[0.9, 0.2, 0.8], [0.5, 0.6, 0.4], [0.3, 1.0, 0.7]])
    lower, upper, deep = passes(depth, parts)
    # 1 to 2: best over the corner from 0.6 to 0.8; 1 to 3: over the corner from 0.6 to 0.3; 2 and 3 do not touch.
    assert (lower.tolist(), upper.tolist(), deep.tolist()) == ([1, 1], [2, 3], [0.6, 0.3])


def test_parts_are_joined_where_the_depth_hardly_falls() -> None:
    depth = ridge(0.2, 1.0, 0.7, 0.9, 0.1, 0.8, 0.2)
    parts = basins(depth, np.ones(depth.shape, bool))
    assert parts.max() == 3
    for contrast, expected in ((0.1, 3), (0.19, 3), (0.3, 2), (0.69, 2), (0.75, 1)):
        assert len(np.unique(merged(depth, parts, contrast, 1))) == expected, contrast


def test_a_low_peak_joins_over_its_deepest_pass() -> None:
    depth = ridge(1.0, 0.1, 0.5, 0.4, 0.9)
    result = merged(depth, basins(depth, np.ones(depth.shape, bool)), 0.3, 1)
    assert len(np.unique(result)) == 2
    assert result[0, 2] == result[0, 4] != result[0, 0]


def test_small_parts_join_their_neighbour_however_deep_the_valley() -> None:
    depth = ridge(1.0, 1.0, 1.0, 1.0, 0.0, 1.0)
    parts = basins(depth, np.ones(depth.shape, bool))
    sizes = np.sort(np.bincount(parts.ravel())[1:])
    assert sizes.sum() == 18
    assert len(np.unique(merged(depth, parts, 0.5, int(sizes[0])))) == 2
    assert len(np.unique(merged(depth, parts, 0.5, int(sizes[0]) + 1))) == 1
    share = sizes[0] / sizes[1]
    assert len(np.unique(merged(depth, parts, 0.5, 1, share))) == 2
    assert len(np.unique(merged(depth, parts, 0.5, 1, share + 0.01))) == 1


@pytest.mark.parametrize("seed", range(20))
def test_as_many_are_left_as_there_are_maxima_of_that_height(seed: int) -> None:
    # Peaks from which one must go down at least so far to reach a higher one: scikit-image counts them another way.
    depth = np.random.default_rng(seed).permutation(168).reshape(12, 14).astype(float)
    everywhere = np.ones(depth.shape, bool)
    parts = basins(depth, everywhere)
    assert parts.max() == pieces(local_maxima(depth, connectivity=2))
    for height in (5, 15, 30, 60):
        left = len(np.unique(merged(depth, parts, height, 1)))
        assert left == pieces(h_maxima(depth, height, footprint=np.ones((3, 3))))
