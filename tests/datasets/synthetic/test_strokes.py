from __future__ import annotations

import numpy as np
import pytest

from retseg.datasets.synthetic.observers import marked
from retseg.datasets.synthetic.strokes import REACH, Strokes, draw, tree_strokes

SHAPE = (60, 80)


def line(start, end, radius, node=0, pieces=20):
    ticks = np.linspace(0, 1, pieces + 1)[:, None]
    points = np.array(start) + ticks * (np.array(end) - np.array(start))
    return Strokes(points[:-1], points[1:], np.full((pieces, 2), float(radius)), np.full(pieces, node))


def joined(*strokes):
    parts = ("start", "end", "radius", "node")
    return Strokes(*(np.concatenate([getattr(s, part) for s in strokes]) for part in parts))


@pytest.mark.parametrize("radius", [0.2, 0.4, 0.5, 1.0, 2.3, 6.0])
@pytest.mark.parametrize("end", [(90, 30.0), (90, 30.37), (90, 47.0)])
def test_coverage_is_the_vessels_area(radius, end):
    """A vessel that crosses the picture covers its width times its length, however thin and wherever it lies."""
    covered = draw(line((-10, 30), end, radius, pieces=80), SHAPE).coverage()
    middle = covered[:, 10:70].sum()
    length = 60 * np.hypot(end[0] + 10, end[1] - 30) / (end[0] + 10)
    assert middle == pytest.approx(2 * radius * length, rel=0.06)


def test_distances_are_to_the_nearest_edge():
    drawing = draw(line((-5, 30), (85, 30), 3.0), SHAPE)
    assert drawing.edge[30, 40] == pytest.approx(-3.0)
    assert drawing.edge[34, 40] == pytest.approx(1.0)
    assert drawing.axis[32, 40] == pytest.approx(2.0)
    assert drawing.edge[40, 40] > REACH
    assert drawing.node[40, 40] == -1


def test_of_two_overlapping_vessels_the_wider_counts():
    both = joined(line((0, 30), (80, 30), 1.0, node=7), line((40, 0), (40, 60), 4.0, node=9))
    for strokes in (both, joined(line((40, 0), (40, 60), 4.0, node=9), line((0, 30), (80, 30), 1.0, node=7))):
        drawing = draw(strokes, SHAPE)
        assert drawing.node[30, 40] == 9
        assert drawing.radius[30, 40] == 4.0
        assert drawing.node[30, 10] == 7


def test_vessels_that_leave_the_picture_are_drawn_up_to_its_edge():
    drawing = draw(line((-30, -20), (120, 70), 5.0, pieces=40), SHAPE)
    assert drawing.node[0, 5] == 0
    wide = draw(line((-6, -50), (-6, 110), 8.0, pieces=20), SHAPE)
    assert (wide.edge[:, 0] < -1.9).all()


def test_nothing_draws_nothing():
    empty = Strokes(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2)), np.empty(0, np.int64))
    drawing = draw(empty, SHAPE)
    assert (drawing.node == -1).all()
    assert not drawing.coverage().any()


def test_a_trees_strokes_are_joined_up_curves_through_its_nodes(trees, view):
    tree = trees[0]
    strokes = tree_strokes(tree, view, tree.radius)
    places = view.to_pixels(tree.points)
    last_of_node = np.flatnonzero(np.append(np.diff(strokes.node) != 0, True))
    assert np.allclose(strokes.end[last_of_node], places[strokes.node[last_of_node]])
    same = strokes.node[1:] == strokes.node[:-1]
    assert np.allclose(strokes.end[:-1][same], strokes.start[1:][same])


def test_a_thin_vessel_is_marked_as_one_connected_line():
    from scipy.ndimage import label

    mark = marked(draw(line((5, 20.4), (75, 41.3), 0.35), SHAPE))
    _, pieces = label(mark, np.ones((3, 3)))
    assert pieces == 1
    assert 1.0 <= mark[:, 10:70].sum() / 60 <= 1.6
