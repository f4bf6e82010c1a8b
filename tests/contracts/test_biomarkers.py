"""What every registered biomarker must do, whoever wrote it."""

from __future__ import annotations

import json
import math
import pickle
from functools import cache

import numpy as np
import pytest

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measure import measure, taken
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import KINDS, Value
from retseg.core.messages import Message
from tests.biomarkers.drawn import grown_eye

ALL = BIOMARKERS.names()
every = pytest.mark.parametrize("name", ALL)


@cache
def tree() -> Eye:
    """A grown eye of which everything is known, seen from far enough for the grid around its fovea."""
    return grown_eye(1, size=1300, field=50.0)


@cache
def results() -> dict[str, Value | NotMeasured]:
    return measure(tree())


def emptied(eye: Eye) -> Eye:
    nothing = np.zeros_like(eye.fov)
    return Eye(nothing, eye.fov, eye.um_per_pixel, eye.disc, eye.fovea, nothing, nothing)


@every
def test_describes_itself(name: str) -> None:
    measurement = BIOMARKERS.get(name)
    assert isinstance(measurement, Measurement)
    assert measurement.name == name
    assert name == name.lower()
    assert measurement.kind in KINDS
    for text in (measurement.title, measurement.group, measurement.definition, measurement.citation, measurement.valid):
        assert text.strip() == text
        assert len(text) > 3
    lines = measurement.explanation.split("\n")
    assert len(lines) == 2, "two lines for a clinician"
    assert all(line.endswith(".") and 10 < len(line) < 125 for line in lines)
    assert measurement.definition.endswith(".")
    assert measurement.valid.endswith(".")


@every
def test_measures_a_drawn_tree(name: str) -> None:
    found = results()[name]
    assert isinstance(found, Value), found
    assert math.isfinite(found.number)
    assert found.number >= 0
    if BIOMARKERS.get(name).kind == "fraction":
        assert found.number <= 1
    if BIOMARKERS.get(name).kind == "count":
        assert found.number == int(found.number)
    assert json.loads(json.dumps(found.to_json())) == {"value": found.number, "unit": found.unit}


@every
def test_an_empty_mask_is_not_measured(name: str) -> None:
    found = measure(emptied(tree()), [name])[name]
    assert isinstance(found, NotMeasured)
    assert isinstance(found.why, Message)
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.__traceback__ is None


@cache
def odd_eyes() -> tuple[Eye, ...]:
    """Masks that are no vessel trees, with landmarks and without. Cached: measurements share their work."""
    rng, eye = np.random.default_rng(0), tree()
    fov = np.hypot(*(np.mgrid[:90, :100] - 45)) < 44
    dot, dash = np.zeros_like(fov), np.zeros_like(fov)
    dot[40, 40] = True
    dash[40, 20:70] = True
    masks = (dot, dash, rng.random(fov.shape) < 0.02, rng.random(fov.shape) < 0.5, fov, ~fov)
    bare = [Eye(mask, fov) for mask in masks]
    return (*bare, *(Eye(mask, fov, 5.0, eye.disc, eye.fovea, mask, mask) for mask in masks))


@every
def test_odd_masks_are_measured_or_not_but_never_wrongly(name: str) -> None:
    for eye in odd_eyes():
        found = measure(eye, [name])[name]
        assert isinstance(found, NotMeasured) or (math.isfinite(found.number) and found.number >= 0)


@every
def test_leaves_the_eye_as_it_is(name: str) -> None:
    eye = tree().cropped
    before = [array.copy() for array in (eye.mask, eye.fov)]
    first = taken(BIOMARKERS.get(name), eye)
    assert all((one == other).all() for one, other in zip(before, (eye.mask, eye.fov), strict=True))
    assert taken(BIOMARKERS.get(name), eye) == first == results()[name]
