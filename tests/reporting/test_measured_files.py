from __future__ import annotations

import json
from pathlib import Path

import pytest

from retseg.core.errors import InputError
from retseg.core.messages import Message
from retseg.reporting.measured_files import read_measured
from tests.reporting.measured_folder import BLURRED, NEEDS_MAP, Drawn, make_measured


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_measured(tmp_path / "predict", (Drawn("one", 1, "right"), Drawn("deep/two", 2, grade="reject")))


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_everything_is_read(folder: Path) -> None:
    data = read_measured(folder)
    assert [one.id for one in data.photographs] == ["deep/two", "one"]
    assert data.definitions[0].name == "vessel_area_density"
    assert data.ranges["bifurcations"].n == 15
    assert data.model["threshold"] == "0.4375"
    rejected, good = data.photographs
    assert rejected.quality.grade == "reject"
    assert rejected.quality.reasons == (Message.from_json(BLURRED),)
    assert not rejected.measurements
    assert good.disc is not None
    assert good.disc.radius is not None
    assert good.fovea is not None
    assert good.size == (320, 320)


def test_what_was_not_trusted_is_none_with_its_reason(folder: Path) -> None:
    one = read_measured(folder).photographs[1].measurements["crae"]
    assert one.value is None
    assert one.reason == Message.from_json(NEEDS_MAP)


def test_the_id_is_where_the_file_lies_and_not_what_it_says(folder: Path) -> None:
    edit(folder / "measure" / "photographs" / "one.json", id="../../etc/passwd")
    assert read_measured(folder).photographs[1].id == "one"


def test_strange_values_are_blank_and_not_zero(folder: Path) -> None:
    path = folder / "measure" / "photographs" / "one.json"
    odd = {
        "a": {"value": "12"},
        "b": {"value": True},
        "c": {"value": 1e999},
        "d": {"value": 3, "low": 5, "high": 4},
        "e": None,
    }
    edit(path, measurements=odd, disc={"row": 1}, size=["x"], quality=None, scale=7)
    one = read_measured(folder).photographs[1]
    assert [one.measurements[name].value for name in "abcde"] == [None, None, None, 3, None]
    assert one.measurements["d"].low is None
    assert (one.disc, one.size, one.quality.grade, one.scale) == (None, None, "", None)


def test_reference_and_model_are_optional(folder: Path) -> None:
    for name in ("reference.json", "model.json"):
        (folder / "measure" / name).unlink()
    data = read_measured(folder)
    assert not data.ranges
    assert not data.model
    assert data.about_ranges is None


def test_a_folder_without_measurements_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no measurements here.*retseg report PHOTOS"):
        read_measured(tmp_path)


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / "measure" / "photographs" / "one.json").write_text("{")
    with pytest.raises(InputError, match=r"damaged.*one\.json"):
        read_measured(folder)


def test_missing_definitions_are_named(folder: Path) -> None:
    (folder / "measure" / "definitions.json").unlink()
    with pytest.raises(InputError, match=r"missing.*definitions\.json"):
        read_measured(folder)


def test_ranges_hold_only_for_fields_of_view_like_theirs(tmp_path: Path) -> None:
    folder = make_measured(tmp_path / "maps")
    file = folder / "measure/reference.json"
    reference = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**reference, "field_mm": {"low": 12.0, "high": 20.0}}), encoding="utf-8")
    widths = {"p1_right": 13.0, "p1_left": 8.3}
    for name, width in widths.items():
        path = folder / f"measure/photographs/{name}.json"
        path.write_text(
            json.dumps({**json.loads(path.read_text(encoding="utf-8")), "field_mm": width}), encoding="utf-8"
        )
    data = read_measured(folder)
    assert data.field_mm == (12.0, 20.0)
    found = {one.id: {value.comparable for value in one.measurements.values()} for one in data.photographs}
    assert found["p1_right"] == {True}
    assert found["p1_left"] == {False}
    assert found["p2_right"] == {False}, "nobody knows how wide it is"
