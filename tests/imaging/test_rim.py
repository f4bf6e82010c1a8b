from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retseg.imaging.rim import Rim, fit_rim, outline

SHAPE = (400, 500)


def on(rim, start=0.0, stop=2 * np.pi, count=300):
    angle = np.linspace(start, stop, count, endpoint=False)
    return np.stack([rim.y + rim.radius_y * np.sin(angle), rim.x + rim.radius_x * np.cos(angle)], axis=1)


def assert_near(found, expected, tolerance):
    assert found is not None
    for name in ("y", "x", "radius_y", "radius_x"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=tolerance), (found, expected)


@settings(max_examples=30, deadline=None)
@given(y=st.floats(100, 300), x=st.floats(100, 400), radius=st.floats(80, 300))
def test_a_circle_is_found_exactly(y, x, radius):
    circle = Rim(y, x, radius, radius)
    assert_near(fit_rim(on(circle), SHAPE, 1.5), circle, 1e-3)


def test_a_circle_is_found_among_noise_and_strangers():
    rng = np.random.default_rng(1)
    circle = Rim(190.0, 260.0, 170.0, 170.0)
    points = on(circle) + rng.normal(0, 0.4, (300, 2))
    strangers = rng.uniform(0, 400, (250, 2))
    assert_near(fit_rim(np.concatenate([points, strangers]), SHAPE, 1.5), circle, 0.5)


def test_straight_cuts_do_not_bend_the_circle():
    circle = Rim(200.0, 250.0, 180.0, 180.0)
    points = on(circle, count=720)
    points[:, 0] = np.clip(points[:, 0], 200 - 130, 200 + 130)
    assert_near(fit_rim(points, SHAPE, 1.5), circle, 0.2)


def test_an_arc_is_enough():
    circle = Rim(200.0, 250.0, 180.0, 180.0)
    assert_near(fit_rim(on(circle, -0.6, 0.6), SHAPE, 1.5), circle, 0.1)


def test_an_ellipse_is_found_where_the_picture_was_squashed():
    ellipse = Rim(200.0, 250.0, 150.0, 210.0)
    assert_near(fit_rim(on(ellipse), SHAPE, 1.5), ellipse, 0.01)


def test_a_nearly_round_outline_stays_a_circle():
    found = fit_rim(on(Rim(200.0, 250.0, 180.3, 179.7)), SHAPE, 1.5)
    assert found is not None
    assert found.radius_y == found.radius_x


def test_few_or_straight_points_have_no_rim():
    assert fit_rim(np.zeros((0, 2)), SHAPE, 1.0) is None
    assert fit_rim(on(Rim(200.0, 250.0, 180.0, 180.0), count=11), SHAPE, 1.0) is None
    line = np.stack([np.arange(100.0), np.arange(100.0)], axis=1)
    found = fit_rim(line, SHAPE, 0.01)
    assert found is None or found.agreement(line, 0.01)[0] < 0.3
    assert fit_rim(np.ones((50, 2)), SHAPE, 1.0) is None


def test_the_same_points_give_the_same_rim():
    points = np.random.default_rng(0).uniform(0, 400, (2000, 2))
    assert fit_rim(points, SHAPE, 2.0) == fit_rim(points, SHAPE, 2.0)


def test_depth_counts_inwards():
    circle = Rim(50.0, 60.0, 40.0, 40.0)
    np.testing.assert_allclose(circle.depth(np.array([[50.0, 60], [50, 100], [50, 110], [20, 60]])), [40, 0, -10, 10])
    depth = circle.depth_map((100, 120))
    assert depth[49, 59] == pytest.approx(40 - np.hypot(0.5, 0.5), abs=1e-4)
    assert (depth > 0).sum() == pytest.approx(np.pi * 40**2, rel=0.01)


def test_agreement_counts_points_and_directions():
    circle = Rim(50.0, 60.0, 40.0, 40.0)
    half = on(circle, 0.0001, np.pi, 180)
    share, directions = circle.agreement(np.concatenate([half, np.zeros((60, 2))]), 1.0)
    assert share == pytest.approx(0.75)
    assert directions == 18


def test_outline_is_exact_to_a_part_of_a_pixel():
    circle = Rim(61.3, 70.8, 50.2, 50.2)
    points = outline(circle.depth_map((120, 140)))
    assert np.abs(circle.depth(points)).max() < 0.05
    found = fit_rim(points, (120, 140), 1.0)
    assert_near(found, circle, 0.02)


def test_outline_leaves_out_where_the_frame_cuts():
    circle = Rim(30.0, 40.0, 50.0, 50.0)
    points = outline(circle.depth_map((60, 120)))
    assert len(points) > 60
    # Where the round rim meets the frame a crossing may be off by a pixel's part, no more.
    assert np.abs(circle.depth(points)).max() < 0.5
    assert_near(fit_rim(points, (60, 120), 1.0), circle, 0.1)
    assert len(outline(np.ones((20, 20)))) == 0
    assert len(outline(-np.ones((20, 20)))) == 0
