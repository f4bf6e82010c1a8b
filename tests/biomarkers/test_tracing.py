from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from retseg.biomarkers.course import Course, runs
from tests.biomarkers.drawn import eye_of, ray, sine, straight, vessels


def only(eye) -> Course:
    (course,) = eye.whole.courses
    return course


@pytest.mark.parametrize("width", [3, 6, 11])
@pytest.mark.parametrize("angle", [0, 9, 22.5, 31, 60, 90])
def test_a_straight_vessel_is_as_long_as_it_was_drawn(width: float, angle: float) -> None:
    course = only(eye_of(vessels(320, (straight(280, angle, (160.2, 159.7)), width))))
    assert course.length == pytest.approx(280, rel=0.02)
    assert course.length == pytest.approx(course.chord, rel=0.005)
    lone = course.lone
    assert lone is not None
    assert lone.length == pytest.approx(lone.chord, rel=0.001)
    # A bend that it does not have: less than that of a circle of a hundred times its width.
    assert np.sqrt(np.mean(course.curvature[course.steady] ** 2)) < 0.01 / min(width, 3)


@pytest.mark.parametrize("radius", [40, 90])
@pytest.mark.parametrize("width", [4, 9])
def test_a_ring_is_traced_all_round(radius: float, width: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 3000)
    ring = 120 + radius * np.column_stack([np.sin(angle), np.cos(angle)])
    course = only(eye_of(vessels(240, (ring, width))))
    assert course.length == pytest.approx(2 * math.pi * radius, rel=0.015)
    assert np.median(np.abs(course.curvature)) == pytest.approx(1 / radius, rel=0.05)
    assert course.widths.mean() == pytest.approx(width, rel=0.03)


@pytest.mark.parametrize("width", [4, 8, 12])
@pytest.mark.parametrize("angle", [0, 24, 44, 71])
def test_a_winding_vessel_is_followed(width: float, angle: float) -> None:
    line = sine(280, 140, 16, angle, (180, 180))
    truth = np.hypot(*np.diff(line, axis=0).T).sum()
    course = only(eye_of(vessels(360, (line, width))))
    assert course.length == pytest.approx(truth, rel=0.03)
    assert course.widths.mean() == pytest.approx(width, rel=0.03)
    away, _ = cKDTree(line).query(course.points[course.own])
    assert np.mean(away) < 0.3, "it runs in the middle"


def test_where_a_branch_leaves_neither_is_on_its_own() -> None:
    eye = eye_of(vessels(300, (straight(240, 0, (150, 150)), 14), (ray(120, 60, (150, 150)), 6)))
    (junction,) = eye.graph.junctions
    assert len(eye.whole.courses) == 3
    for course in eye.whole.courses:
        near = np.hypot(*(course.points - junction.place).T) < junction.calibre / 2 - 1
        assert not course.own[near].any()
        assert course.steady.sum() < course.own.sum()
        assert (course.own | ~course.steady).all()


def test_near_the_rim_bends_are_not_known() -> None:
    eye = eye_of(vessels(200, (straight(400, 33, (100, 100)), 8)))
    course = only(eye)
    rim = np.minimum(course.points, 199 - course.points).min(axis=1)
    assert not course.own[rim < 3].any()
    assert not course.steady[rim < 2 * eye.typical_width].any()
    assert course.steady.any()


def test_pieces() -> None:
    keep = np.array([True, True, False, True, False, True, True, True])
    assert runs(keep) == [(0, 2), (3, 4), (5, 8)]
    assert runs(~keep) == [(2, 3), (4, 5)]
    course = only(eye_of(vessels(120, (straight(90, 0, (60, 60)), 5))))
    parts = course.where(course.points[:, 1] % 40 < 20)
    assert len(parts) in (2, 3)
    assert sum(part.length for part in parts) == pytest.approx(45, abs=6)
    assert {part.segment for part in parts} == {course.segment}
