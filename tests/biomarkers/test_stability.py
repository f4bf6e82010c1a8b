"""Turned by any angle and enlarged or reduced, an eye has the same numbers. Drawn anew each time, not resampled."""

from __future__ import annotations

import pytest

from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import Value
from tests.biomarkers.drawn import grown_eye, without_scale

Results = dict[str, Value | NotMeasured]

VIEWS = [(17.0, 1.0), (45.0, 0.8), (31.0, 1.3)]
LOOSE = {"count": 0.1, "angle": 0.1, "per area": 0.1}
# Whether an S of two small bends is two turns or none is a decision, so it is as loose as a count.
OTHERS = {"tortuosity-density": 0.1}


def view(angle: float = 0.0, scale: float = 1.0) -> Results:
    # In pixels, so that the test sees how lengths follow the scale; drawn in micrometres.
    return measure(grown_eye(1, angle, scale, size=1800))


@pytest.fixture(scope="module")
def upright() -> Results:
    return view()


@pytest.mark.parametrize(("angle", "scale"), VIEWS)
def test_an_eye_turned_and_scaled(angle: float, scale: float, upright: Results) -> None:
    found, off = view(angle, scale), {}
    for name, before in upright.items():
        after, kind = found[name], BIOMARKERS.get(name).kind
        if isinstance(before, NotMeasured):
            assert after == before or "field of view" in str(before), name
            continue
        assert isinstance(after, Value), name
        assert after.unit == before.unit
        tolerance = OTHERS.get(name, LOOSE.get(kind, 0.03))
        # Sectors in which there is next to nothing hang on single pixels.
        if abs(after.number - before.number) > max(tolerance * before.number, 0.0005 if kind == "fraction" else 0):
            off[name] = (before.number, after.number)
    assert not off


def test_without_the_scale_lengths_are_in_pixels() -> None:
    eye = grown_eye(1, size=700)
    known, unknown = measure(eye), measure(without_scale(eye))
    powers = {"length": 1, "per length": -1, "per squared length": -2}
    assert eye.um_per_pixel is not None
    for name, one in unknown.items():
        kind, other = BIOMARKERS.get(name).kind, known[name]
        if isinstance(one, Value) and isinstance(other, Value) and kind in powers and "etdrs" not in name:
            thousand = 1 if kind == "length" else 1000
            assert other.number == pytest.approx(one.number * (eye.um_per_pixel / thousand) ** powers[kind]), name
            assert "px" in one.unit
