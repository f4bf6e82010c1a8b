from __future__ import annotations

import math
from dataclasses import replace

import pytest

from retseg.biomarkers.density import AREA_DENSITY
from retseg.biomarkers.measure import measure, taken
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import Value
from retseg.core.errors import ConfigError
from retseg.imaging.segments import vessel_graph
from tests.biomarkers.drawn import eye_of, sine, straight, vessels

EYE = eye_of(vessels(300, (straight(240, 20, (150, 150)), 7)), um_per_pixel=5.0)


def test_all_of_them_in_the_order_of_the_registry() -> None:
    assert list(measure(EYE)) == BIOMARKERS.names()


def test_those_that_were_asked_for() -> None:
    names = ["calibre-mean", "area-density"]
    found = measure(EYE, names)
    assert list(found) == names
    assert found == {name: measure(EYE)[name] for name in names}
    with pytest.raises(ConfigError, match="unknown biomarker 'calibre-men'"):
        measure(EYE, ["calibre-men"])


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_no_number_is_not_measured(number: float) -> None:
    broken = replace(AREA_DENSITY, function=lambda eye: number)
    assert taken(broken, EYE) == NotMeasured("the measurement has no finite value here")


def test_shared_work_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr("retseg.biomarkers.eye.vessel_graph", lambda *masks: calls.append(1) or vessel_graph(*masks))
    eye = eye_of(EYE.mask)
    measure(eye)
    measure(eye)
    assert calls == [1]


def test_vessels_along_the_edge_of_the_frame() -> None:
    """A smooth line may leave the frame by a little."""
    mask = vessels(300, (sine(290, 40, 8, 0, (3, 150)), 4), (sine(290, 40, 8, 90, (150, 296)), 4))
    found = measure(eye_of(mask))
    assert isinstance(found["fractal-dimension"], Value)
    assert isinstance(found["length-density"], Value)
    assert all(math.isfinite(value.number) for value in found.values() if isinstance(value, Value))
