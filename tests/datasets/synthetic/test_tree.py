from __future__ import annotations

import numpy as np
import pytest

from retseg.datasets.synthetic.tree import TRUNK_DISTANCE, grown_tree, relaxed

# A stem 0-1-2 that parts at 2 into 3-4 (two tips of flow 1 each at 4 and 5) and a single tip 6.
PARENT = np.array([-1, 0, 1, 2, 3, 3, 2])
POINTS = np.array([[0, 0], [1000, 0], [2000, 0], [3000, 500], [4000, 900], [4000, 100], [3000, -600]], float)
FLOW = np.array([9.0, 9.0, 9.0, 9.0, 1.0, 1.0, 1.0])


@pytest.fixture
def small():
    return grown_tree(POINTS, PARENT, FLOW, calibre=60.0)


def test_radii_follow_murrays_law_from_the_tips_down(small):
    assert small.radius[2] ** 3 == pytest.approx(3 * small.radius[6] ** 3)
    assert small.radius[3] ** 3 == pytest.approx(2 * small.radius[4] ** 3)
    assert small.radius[[0, 1]] == pytest.approx(small.radius[2])


def test_the_widest_trunk_beyond_the_disc_has_the_wanted_calibre(small):
    beyond = np.hypot(*POINTS.T) > TRUNK_DISTANCE
    assert small.radius[beyond].max() == pytest.approx(60.0)


def test_a_vessel_runs_on_through_its_widest_branch(small):
    assert small.heir.tolist()[:4] == [1, 2, 3, small.heir[3]]
    vessel = small.vessel
    assert vessel[0] == vessel[1] == vessel[2] == vessel[3]
    assert vessel[6] != vessel[2]
    assert small.generation[6] == 1
    assert small.generation[small.heir[3]] == 0


@pytest.mark.parametrize("kind", [0, 1])
def test_murrays_law_holds_at_every_branching_of_a_grown_eye(trees, kind):
    tree = trees[kind]
    child = tree.parent >= 0
    cubes = np.bincount(tree.parent[child], tree.radius[child] ** 3, len(tree.parent))
    inner = cubes > 0
    assert np.allclose(np.cbrt(cubes[inner]), tree.radius[inner])
    branchings = np.bincount(tree.parent[child]) > 1
    assert branchings.sum() > 60


def test_strings_pull_straight_and_keep_their_ends():
    bent = POINTS.copy()
    bent[1, 1] = 400.0
    moved = relaxed(bent, PARENT, np.ones(len(PARENT)), rounds=200)
    assert abs(moved[1, 1]) < 100
    ends = [0, 4, 5, 6]
    assert np.array_equal(moved[ends], bent[ends])


def test_a_wide_vessel_bends_less_than_a_thin_one_where_a_branch_pulls():
    parent, weight = np.array([-1, 0, 1, 1]), np.array([1.0, 1.0, 1.0, 1.0])
    points = np.array([[0, 0], [1000, 0], [2000, 0], [1000, 1000]], float)
    thin = relaxed(points, parent, weight, 50)[1, 1]
    wide = relaxed(points, parent, weight * [1, 25, 25, 1], 50)[1, 1]
    assert thin > 5 * wide > 0
