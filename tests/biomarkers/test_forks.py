from __future__ import annotations

import math

import pytest

from retseg.biomarkers.branching import exponent
from retseg.biomarkers.forks import angle_between, daughters
from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.units import Value
from retseg.core.types import BoolArray
from tests.biomarkers.drawn import Line, eye_of, ray, straight, vessels


def fork(
    place: tuple[float, float], turn: float, spread: float, widths: tuple[float, float, float], reach: float = 110
) -> list[tuple[Line, float]]:
    """A parent that comes from the direction `turn`, and two daughters `spread` degrees apart."""
    parent, one, other = widths
    return [
        (ray(reach, turn + 180, place), parent),
        (ray(reach, turn + spread / 2, place), one),
        (ray(reach, turn - spread / 2, place), other),
    ]


def murray(x: float, wider: float, narrower: float) -> tuple[float, float, float]:
    return (wider**x + narrower**x) ** (1 / x), wider, narrower


@pytest.mark.parametrize("turn", [0, 13, 45, 77, 160])
@pytest.mark.parametrize("spread", [50, 75, 100])
@pytest.mark.parametrize("widths", [(8, 6.5, 6.3), (11, 10, 6), (16, 13, 12)])
def test_a_fork_has_its_angle_and_widths(turn: float, spread: float, widths: tuple[float, float, float]) -> None:
    eye = eye_of(vessels(300, *fork((150.3, 149.8), turn, spread, widths)))
    assert (eye.meetings.branchings, eye.meetings.crossings) == (1, 0)
    (found,) = eye.meetings.bifurcations
    parent, wider, narrower = daughters(found)
    assert math.degrees(angle_between(wider.direction, narrower.direction)) == pytest.approx(spread, abs=4)
    assert [arm.calibre for arm in (parent, wider, narrower)] == pytest.approx(widths, rel=0.07)


def many(x: float, spread: float) -> BoolArray:
    """Twelve forks of the Murray exponent x, turned in every direction."""
    rows = []
    for number in range(12):
        place = (130.0 + 260 * (number // 4) + number / 7, 130.0 + 260 * (number % 4) + number / 5)
        wider = 12 + number / 3
        rows += fork(place, 31 * number, spread, murray(x, wider, (0.7 + 0.02 * number) * wider))
    return vessels(1050, *rows)


@pytest.mark.parametrize(("x", "spread"), [(2.0, 70), (3.0, 60), (3.0, 85)])
def test_forks_have_their_exponent_angle_and_asymmetry(x: float, spread: float) -> None:
    found = measure(eye_of(many(x, spread)))
    truth = {
        "murray-exponent": (x, 0.04 * x),
        "branching-angle": (spread, 2.0),
        "branching-asymmetry": (0.81, 0.02),
        "bifurcations": (12, 0),
        "crossings": (0, 0),
        "end-points": (36, 0),
    }
    for name, (value, tolerance) in truth.items():
        one = found[name]
        assert isinstance(one, Value), name
        assert one.number == pytest.approx(value, abs=tolerance), name


def test_exponents() -> None:
    assert exponent(*murray(3, 5, 4)) == pytest.approx(3)
    assert exponent(*murray(1.4, 5, 2)) == pytest.approx(1.4)
    assert exponent(math.sqrt(2), 1, 1) == pytest.approx(2)
    assert exponent(5, 5, 3) == math.inf
    assert exponent(5, 6, 3) == math.inf


def test_where_daughters_are_as_wide_as_their_parents_there_is_no_exponent() -> None:
    rows = [part for number in range(6) for part in fork((120, 120 + 230 * number), 90, 70, (9, 10, 9))]
    mask = vessels(1500, *rows)[:240]
    found = measure(eye_of(mask), ["murray-exponent", "branching-angle"])
    assert isinstance(found["murray-exponent"], NotMeasured)
    assert isinstance(found["branching-angle"], Value)


def test_few_forks_say_nothing() -> None:
    found = measure(eye_of(vessels(300, *fork((150, 150), 0, 70, (12, 10, 9)))))
    reason = NotMeasured("only {count} bifurcations are clear enough, {least} are needed", count=1, least=5)
    for name in ("branching-angle", "murray-exponent", "branching-asymmetry"):
        assert found[name] == reason


@pytest.mark.parametrize("angle", [90, 70, 50, 35, 25])
@pytest.mark.parametrize("turn", [0, 20, 44])
@pytest.mark.parametrize("widths", [(7, 7), (10, 5)])
def test_vessels_that_cross_are_a_crossing(angle: float, turn: float, widths: tuple[float, float]) -> None:
    place = (200.2, 199.9)
    mask = vessels(400, (straight(340, turn, place), widths[0]), (straight(340, turn + angle, place), widths[1]))
    meetings = eye_of(mask).meetings
    assert (meetings.branchings, meetings.crossings) == (0, 1)


def test_two_branches_on_two_sides_of_a_vessel_are_no_crossing() -> None:
    lines = [(straight(340, 0, (200, 200)), 10), (ray(140, 60, (200, 170)), 6), (ray(140, -60, (200, 200)), 6)]
    meetings = eye_of(vessels(400, *lines)).meetings
    assert (meetings.branchings, meetings.crossings) == (2, 0)
