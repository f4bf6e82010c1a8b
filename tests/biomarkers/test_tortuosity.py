from __future__ import annotations

import math

import numpy as np
import pytest

from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.tortuosity import arc_chord_tortuosity, arc_over_chord, squared_curvature, turn_density
from retseg.biomarkers.turns import turns
from retseg.biomarkers.units import Value
from tests.biomarkers.drawn import Line, eye_of, ray, sine, straight, vessels

ANGLES = pytest.mark.parametrize("angle", [0, 17, 44, 68])


def length(line: Line) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def whole(size: int, *lines: tuple[Line, float]):
    return eye_of(vessels(size, *lines)).whole


@ANGLES
@pytest.mark.parametrize("width", [4, 8])
def test_arc_over_chord_of_a_sine(angle: float, width: float) -> None:
    line = sine(300, 150, 20, angle, (200, 200))
    truth = length(line) / math.dist(line[0], line[-1])
    assert arc_chord_tortuosity(whole(400, (line, width))) == pytest.approx(truth, rel=0.015)


@ANGLES
def test_squared_curvature_of_a_sine(angle: float) -> None:
    line = sine(600, 200, 20, angle, (350, 350))
    along = np.linspace(0, 200, 4000)
    slope = 20 * 2 * np.pi / 200 * np.cos(2 * np.pi * along / 200)
    bend = -20 * (2 * np.pi / 200) ** 2 * np.sin(2 * np.pi * along / 200)
    speed = np.sqrt(1 + slope**2)
    truth = np.trapezoid(bend**2 / speed**5, along) / np.trapezoid(speed, along)
    assert squared_curvature(whole(700, (line, 6))) == pytest.approx(truth, rel=0.05)


@ANGLES
@pytest.mark.parametrize("width", [3, 5, 9])
def test_a_straight_vessel_does_not_wind(angle: float, width: float) -> None:
    part = whole(420, (straight(360, angle, (210.2, 209.7)), width))
    assert arc_chord_tortuosity(part) == pytest.approx(1, abs=0.001)
    assert turn_density(part) == 0
    assert squared_curvature(part) < 0.006**2


@ANGLES
def test_turns_of_a_sine(angle: float) -> None:
    line = sine(560, 140, 18, angle, (350, 350))
    part = whole(700, (line, 6))
    (course,) = part.lone
    found = turns(course)
    # Four wavelengths are eight half waves; the first and last end where bends are no longer known.
    assert len(found) == 8
    inner = found[1:-1]
    lengths = [course.step * (stop - start) for start, stop in inner]
    half = length(line) / 8
    assert lengths == pytest.approx([half] * len(inner), rel=0.12)


@ANGLES
def test_the_density_of_turns_of_a_sine(angle: float) -> None:
    line = sine(840, 140, 18, angle, (500, 500))
    half = length(line) / 12
    excess = half / 70 - 1
    truth = 11 / 12 * 12 * excess / length(line)
    assert turn_density(whole(1000, (line, 6))) == pytest.approx(truth, rel=0.1)


def test_a_vessel_that_bends_one_way_has_no_turns_but_is_tortuous() -> None:
    angle = np.linspace(0, 2.2, 4000)
    arc = 100 + 140 * np.column_stack([np.sin(angle), np.cos(angle)]) + (0, 100)
    part = whole(400, (arc, 7))
    assert turn_density(part) == 0
    assert arc_chord_tortuosity(part) == pytest.approx(1.1 / math.sin(1.1), rel=0.02)
    assert squared_curvature(part) == pytest.approx(1 / 140**2, rel=0.05)


def test_long_segments_weigh_more() -> None:
    winding, short = sine(300, 100, 14, 0, (60, 200)), straight(100, 0, (140, 200))
    part = whole(400, (winding, 6), (short, 6))
    ratio, lengths = arc_over_chord(part)
    assert sorted(lengths) == pytest.approx([94, length(winding) - 6], rel=0.03)
    eye = eye_of(vessels(400, (winding, 6), (short, 6)))
    found = measure(eye, ["tortuosity", "segment-tortuosity"])
    by_length, by_segment = found["tortuosity"], found["segment-tortuosity"]
    assert isinstance(by_length, Value)
    assert isinstance(by_segment, Value)
    assert by_segment.number == pytest.approx(ratio.mean())
    assert by_segment.number < by_length.number


def test_short_stumps_and_rings_have_no_tortuosity() -> None:
    angle = np.linspace(0, 2 * np.pi, 3000)
    ring = 100 + 60 * np.column_stack([np.sin(angle), np.cos(angle)])
    for part in (whole(200, (ring, 6)), whole(200, (ray(20, 0, (100, 100)), 6))):
        with pytest.raises(NotMeasured, match="no vessel segment is long enough"):
            arc_chord_tortuosity(part)
