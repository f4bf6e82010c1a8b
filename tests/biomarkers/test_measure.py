from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retseg.biomarkers.density import AREA_DENSITY
from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measure import measure, taken
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import Value
from retseg.core.errors import ConfigError
from retseg.imaging.anatomy import Disc, Fovea
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


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), coarse=st.integers(1, 5), share=st.floats(0.05, 0.9))
def test_any_mask_is_measured_or_not(seed: int, coarse: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.random((60 // coarse, 70 // coarse)) < share, np.ones((coarse, coarse))) > 0
    fov = np.kron(rng.random((60 // coarse, 70 // coarse)) < 0.97, np.ones((coarse, coarse))) > 0
    row, column, radius = rng.uniform((0, 0, 2), (60, 70, 15))
    eye = Eye(mask, fov, None, Disc(row, column, radius, 1.0), Fovea(column, row, 1.0), mask, mask)
    for value in measure(eye).values():
        assert isinstance(value, NotMeasured) or math.isfinite(value.number)
