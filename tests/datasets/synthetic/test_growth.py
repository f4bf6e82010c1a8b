from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial import cKDTree

from retseg.datasets.synthetic.growth import Domain, Territory, grow


def test_parents_come_before_children_and_lie_near_them(trees):
    for tree in trees:
        child = np.flatnonzero(tree.parent >= 0)
        assert (tree.parent[child] < child).all()
        steps = np.hypot(*(tree.points[child] - tree.points[tree.parent[child]]).T)
        assert np.percentile(steps, 99) < 220


def test_vessels_reach_the_whole_field_except_the_fovea(trees, anatomy, traits, domain):
    rng = np.random.default_rng(0)
    places = rng.uniform(-5600, 5600, (4000, 2)) + domain.centre
    places = places[domain.inside(places, domain.photographed)]
    nodes = np.vstack([tree.points for tree in trees])
    distance, _ = cKDTree(nodes).query(places)
    fovea = np.hypot(*(places - anatomy.fovea).T)
    away = (fovea > 1200) & (np.hypot(*places.T) > 1500)
    assert np.percentile(distance[away], 99) < traits.spacing
    assert np.hypot(*(nodes - anatomy.fovea).T).min() > 0.6 * anatomy.avascular_radius


def test_trees_have_several_generations_and_both_kinds_cross(trees):
    for tree in trees:
        assert tree.generation.max() >= 3
        assert tree.radius.max() / tree.radius.min() > 3
    arteries, veins = (tree.points[np.hypot(*tree.points.T) > 1500] for tree in trees)
    distance, _ = cKDTree(arteries).query(veins)
    crossing = (distance < 60).sum()
    # They cross, and do not run along one another.
    assert 5 < crossing < 0.25 * len(veins)


def test_veins_are_wider_than_arteries(trees):
    assert trees[1].radius.max() > trees[0].radius.max()


def test_more_winding_eyes_have_longer_vessels(anatomy, traits, domain):
    def curliness(tortuosity):
        own = dataclasses.replace(traits, tortuosity=tortuosity)
        tree = grow(np.random.default_rng(8), anatomy, own, domain)[0]
        child = np.flatnonzero((tree.parent >= 0) & (np.hypot(*tree.points.T) > 2500))
        middle = child[tree.parent[tree.parent[child]] >= 0]
        above = tree.parent[middle]
        before, after = tree.points[above] - tree.points[tree.parent[above]], tree.points[middle] - tree.points[above]
        cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        dot = (before * after).sum(1)
        along_a_vessel = tree.heir[above] == middle
        return np.abs(np.arctan2(cross, dot))[along_a_vessel].mean()

    assert curliness(2.5) > 1.3 * curliness(0.1)


def test_a_seed_grows_the_same_trees_again(anatomy, traits, trees, domain):
    again = grow(np.random.default_rng(5), anatomy, traits, domain)
    for tree, other in zip(trees, again, strict=True):
        assert np.array_equal(tree.points, other.points)
        assert np.array_equal(tree.radius, other.radius)


def test_territory_remembers_where_vessels_run():
    territory = Territory(Domain((0.0, 0.0), 2000.0, 1800.0))
    territory.take(np.array([[500.0, -300.0]]))
    assert territory.taken_at(np.array([[500.0, -300.0], [555.0, -300.0], [700.0, -300.0]])).tolist() == [
        True,
        True,
        False,
    ]
