from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from retseg.datasets.synthetic.observers import NARROWEST_SEEN, artery_vein, marked, second_observer
from retseg.datasets.synthetic.strokes import Strokes, draw, tree_strokes


def level(radius, row=20.0):
    ticks = np.linspace(-10, 70, 41)
    points = np.column_stack([ticks, np.full(41, row)])
    return draw(Strokes(points[:-1], points[1:], np.full((40, 2), radius), np.zeros(40, np.int64)), (41, 60))


@pytest.mark.parametrize(("radius", "rows"), [(0.4, 1), (0.5, 1), (1.5, 3), (2.5, 5), (6.5, 13)])
def test_a_pixel_is_marked_where_a_vessel_covers_half_of_it(radius, rows):
    assert marked(level(radius))[:, 30].sum() == rows


def test_what_nobody_can_see_is_not_marked():
    assert not marked(level(0.49 * NARROWEST_SEEN)).any()
    assert marked(level(0.51 * NARROWEST_SEEN)).any()


def test_arteries_veins_and_crossings_have_their_numbers():
    arteries, veins = np.array([[0, 1, 0, 1]], bool), np.array([[0, 0, 1, 1]], bool)
    assert artery_vein(arteries, veins).tolist() == [[0, 1, 2, 3]]


@pytest.fixture(scope="module")
def drawn(trees, view):
    pairs = [(tree, tree_strokes(tree, view, tree.radius)) for tree in trees]
    exact = np.any([marked(draw(strokes, view.camera.shape)) for _, strokes in pairs], axis=0)
    others = [
        second_observer(np.random.default_rng(seed), pairs, view.um_per_pixel, view.camera.shape) for seed in range(6)
    ]
    return exact, others


def test_the_second_observer_agrees_about_as_well_as_people_do(drawn):
    exact, others = drawn
    dice = [2 * (exact & other).sum() / (exact.sum() + other.sum()) for other in others]
    assert all(0.6 < value < 0.93 for value in dice)
    assert max(dice) > min(dice)


def test_the_second_observer_overlooks_vessels_and_invents_none(drawn, trees, view):
    exact, others = drawn
    # Also what is too thin for the exact label counts as a vessel here.
    anything = np.any([draw(tree_strokes(t, view, t.radius), view.camera.shape).node >= 0 for t in trees], axis=0)
    near = binary_dilation(anything, iterations=3)
    for other in others:
        assert other.sum() < 1.3 * exact.sum()
        assert not (other & ~near).any()
        reached = binary_dilation(other, iterations=3)
        assert (exact & ~reached).sum() > 0.01 * exact.sum()


def test_overlooked_vessels_are_thin(trees, view, drawn):
    _, others = drawn
    tree = trees[1]
    drawing = draw(tree_strokes(tree, view, tree.radius), view.camera.shape)
    wide, thin = (
        (drawing.edge < -0.3) & low_high
        for low_high in (drawing.radius > 1.2, (drawing.radius < 0.6) & (drawing.node >= 0))
    )
    for other in others:
        reached = binary_dilation(other, iterations=2)
        assert reached[wide].mean() > 0.97
        assert reached[thin].mean() < reached[wide].mean()


def test_nothing_to_see_gives_an_empty_mark(view):
    assert not second_observer(np.random.default_rng(0), [], view.um_per_pixel, view.camera.shape).any()
