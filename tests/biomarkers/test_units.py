from __future__ import annotations

import json
import pickle

import pytest

from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.units import KINDS, Kind, Value, in_units
from retseg.core.messages import Message


@pytest.mark.parametrize(
    ("kind", "pixels", "metric"),
    [
        ("fraction", (0.5, "fraction"), (0.5, "fraction")),
        ("number", (0.5, ""), (0.5, "")),
        ("count", (0.5, "count"), (0.5, "count")),
        ("angle", (0.5, "°"), (0.5, "°")),
        ("length", (0.5, "px"), (2.0, "µm")),
        ("per length", (0.5, "1/px"), (125.0, "1/mm")),
        ("per squared length", (0.5, "1/px²"), (31250.0, "1/mm²")),
        ("per area", (500000.0, "1/Mpx"), (31250.0, "1/mm²")),
    ],
)
def test_a_pixel_of_four_micrometres(kind: Kind, pixels: tuple[float, str], metric: tuple[float, str]) -> None:
    without, with_scale = in_units(0.5, kind, None), in_units(0.5, kind, 4.0)
    assert (without.number, without.unit) == (pytest.approx(pixels[0]), pixels[1])
    assert (with_scale.number, with_scale.unit) == (pytest.approx(metric[0]), metric[1])
    assert kind in KINDS


def test_results_go_into_files() -> None:
    assert json.loads(json.dumps(Value(1.5, "µm").to_json())) == {"value": 1.5, "unit": "µm"}
    reason = NotMeasured("only {count} segments are long enough", count=2)
    assert json.loads(json.dumps(reason.to_json())) == {
        "not_measured": {"pattern": "only {count} segments are long enough", "values": {"count": "2"}}
    }


def test_a_reason_is_a_message_that_can_be_compared_and_pickled() -> None:
    reason = NotMeasured("only {count} segments are long enough", count=2)
    assert reason.why == Message("only {count} segments are long enough", {"count": "2"})
    assert str(reason) == "only 2 segments are long enough"
    again = pickle.loads(pickle.dumps(reason))
    assert again == reason
    assert hash(again) == hash(reason)
    assert again != NotMeasured("only {count} segments are long enough", count=3)
