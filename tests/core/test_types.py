from __future__ import annotations

import json
from pathlib import Path

import pytest

from retseg.core.errors import ConfigError
from retseg.core.types import Classes, ClassInfo, OperatingPoint, Sample


def test_class_table_round_trip_and_what_follows_from_it():
    classes = Classes("t", (ClassInfo("out", (0, 0, 0)), ClassInfo("a", (1, 2, 3)), ClassInfo("b", (4, 5, 6))), 1, 0)
    assert Classes.from_json(json.loads(json.dumps(classes.to_json()))) == classes
    assert classes.count == 3
    assert classes.scored == (1, 2)
    assert classes.palette[2].tolist() == [4, 5, 6]
    assert classes.palette[255].tolist() == [0, 0, 0]


def test_operating_point_round_trip():
    point = OperatingPoint(0.4, "maximal Dice", "set", "validation", ("1", "2"), 0.8)
    assert OperatingPoint.from_json(json.loads(json.dumps(point.to_json()))) == point


def test_the_first_observer_is_the_reference():
    assert Sample("a", "p", Path("a.png"), labels={"one": Path("1"), "two": Path("2")}).reference == "one"
    assert Sample("a", "p", Path("a.png")).reference is None


@pytest.mark.parametrize("role", [{"positive": 2}, {"outside": -1}, {"things": (1, 9)}])
def test_a_role_without_its_class_is_refused(role):
    two = (ClassInfo("ground", (0, 0, 0)), ClassInfo("figure", (9, 9, 9)))
    with pytest.raises(ConfigError, match="has 2 classes and no class"):
        Classes("two", two, **role)
