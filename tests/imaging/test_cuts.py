from __future__ import annotations

import numpy as np
import pytest

from retseg.imaging.cuts import Cut, find_cuts

CENTRE = (100.0, 120.0)


def line(start, stop, count=40):
    return np.linspace(start, stop, count)


def test_two_cuts_are_found_and_keep_the_centre():
    points = np.concatenate([line((30, 60), (30, 180)), line((170, 60), (170, 180))])
    cuts = find_cuts(points, CENTRE, 24.0, 1.0)
    assert len(cuts) == 2
    keeps = np.logical_and.reduce([cut.keeps((200, 240)) for cut in cuts])
    assert keeps[100, 120]
    assert keeps.any(axis=1).sum() == 140
    assert keeps[30:170].all()


def test_a_slanted_cut():
    (cut,) = find_cuts(line((40, 60), (60, 180)), CENTRE, 24.0, 1.0)
    assert np.abs(cut.beyond(line((40, 60), (60, 180)))).max() < 0.1
    assert cut.beyond(np.array([CENTRE]))[0] < -40


def test_scattered_or_short_points_are_no_cut():
    rng = np.random.default_rng(0)
    assert not find_cuts(rng.uniform(0, 200, (30, 2)), CENTRE, 24.0, 0.5)
    assert not find_cuts(line((30, 60), (30, 75)), CENTRE, 24.0, 1.0)
    assert not find_cuts(np.full((50, 2), 30.0), CENTRE, 24.0, 1.0)
    assert not find_cuts(np.zeros((0, 2)), CENTRE, 24.0, 1.0)


@pytest.mark.parametrize(("normal", "kept"), [((1.0, 0.0), 20), ((0.0, 1.0), 10)])
def test_keeps_counts_pixels(normal, kept):
    assert Cut(*normal, 2.0).keeps((5, 10)).sum() == kept
