from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retseg.core.errors import ImageError, InputError
from retseg.core.manifest import Manifest
from retseg.core.types import CLASS_MAP, INSTANCES, Case, Sample
from retseg.datasets.base import VESSELS
from retseg.datasets.prepared import IndexRow, PreparedSet, read_index, save_case, write_index

AWKWARD = ["plain", "left/a", 'comma, "quote"', "Müller/猫 눈", "semi;colon", "line\nbreak", "raw\udcff", " spaces "]


def case_of(name: str, seed: int = 0, **sample) -> Case:
    random = np.random.default_rng(seed)
    shape = (20, 30)
    labels = {"first": Path("1"), "second": Path("2")} if sample.pop("labelled", True) else {}
    class_map = random.integers(0, 3, shape).astype(np.uint8)
    class_map[0, 0] = VESSELS.ignore
    return Case(
        Sample(name, f"patient of {name}", Path("original.jpg"), labels=labels, **sample),
        random.integers(0, 256, (*shape, 3)).astype(np.uint8),
        random.random(shape) < 0.7,
        {CLASS_MAP: class_map} if labels else {},
        {"second": random.integers(0, 3, shape).astype(np.uint8)} if labels else {},
        fov_estimated=bool(seed % 2),
    )


def write_set(folder: Path, cases: list[Case]) -> PreparedSet:
    write_index(folder, [save_case(folder, case) for case in cases])
    facts = {"dataset": "chase", "classes": VESSELS.to_json(), "splits": {}, "failures": 0}
    Manifest("prepare", 1, "k", {}, {}, {}, {}, facts).write(folder)
    return PreparedSet.open(folder)


def test_a_case_comes_back_exactly_as_it_was_saved(tmp_path):
    cases = [
        case_of(name, seed, split=["train", "test"][seed % 2], eye=[None, "L"][seed % 2], um_per_pixel=seed or None)
        for seed, name in enumerate(AWKWARD)
    ]
    prepared = write_set(tmp_path / "set", cases)
    assert [sample.id for sample in prepared.samples] == AWKWARD
    for before, sample in zip(cases, prepared.samples, strict=True):
        after = prepared.case(sample)
        assert np.array_equal(after.image, before.image)
        assert np.array_equal(after.fov, before.fov)
        assert after.fov.dtype == bool
        assert np.array_equal(after.targets[CLASS_MAP], before.targets[CLASS_MAP])
        assert list(after.observers) == ["second"]
        assert np.array_equal(after.observers["second"], before.observers["second"])
        assert after.fov_estimated == before.fov_estimated
        for field in ("id", "patient", "split", "eye", "um_per_pixel"):
            assert getattr(after.sample, field) == getattr(before.sample, field)
        assert after.sample.reference == "first"


def test_the_set_knows_its_name_classes_observers_and_splits(tmp_path):
    cases = [case_of("a", split="train"), case_of("b"), case_of("c", labelled=False)]
    prepared = write_set(tmp_path, cases)
    assert prepared.name == "chase"
    assert prepared.classes == VESSELS
    assert (prepared.reference, prepared.observers) == ("first", ("second",))
    assert [sample.id for sample in prepared.split("train")] == ["a"]
    assert [sample.id for sample in prepared.split("test")] == ["b", "c"]
    assert prepared.split("validation") == []


def test_photographs_without_labels_stay_without(tmp_path):
    prepared = write_set(tmp_path, [case_of("a", labelled=False)])
    case = prepared.case(prepared.samples[0])
    assert (case.targets, case.observers, case.sample.reference) == ({}, {}, None)
    assert (prepared.reference, prepared.observers) == (None, ())
    assert not (tmp_path / "labels").exists()


def test_the_files_lie_where_the_design_says(tmp_path):
    write_set(tmp_path, [case_of("left/a")])
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        "images/left/a.png", "labels/left/a.png", "observers/second/left/a.png", "fov/left/a.png",
        "index.csv", "manifest.json",
    }  # fmt: skip


def test_the_index_is_plain_csv_with_the_agreed_columns(tmp_path):
    write_set(tmp_path, [case_of("left/a", 1, eye="L", um_per_pixel=7.25), case_of("b", labelled=False)])
    with (tmp_path / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == (
        "id,patient,eye,split,width,height,image,fov,fov_source,label,reference,observers,um_per_pixel,instances,remarks"
    )
    assert rows[0] == {
        "id": "left/a", "patient": "patient of left/a", "eye": "L", "split": "test", "width": "30", "height": "20",
        "image": "images/left/a.png", "fov": "fov/left/a.png", "fov_source": "estimated", "label": "labels/left/a.png",
        "reference": "first", "observers": "second", "um_per_pixel": "7.25",
        "instances": "", "remarks": "",
    }  # fmt: skip
    assert rows[1]["label"] == rows[1]["reference"] == rows[1]["observers"] == rows[1]["um_per_pixel"] == ""
    assert rows[1]["fov_source"] == "owner"


def test_rows_survive_the_round_trip(tmp_path):
    rows = [
        IndexRow(
            name, name, None, "test", 3, 2, f"images/{name}.png", "fov/x.png", "owner", None, None, ("b", "c"), 0.1
        )
        for name in AWKWARD
    ]
    write_index(tmp_path, rows)
    assert read_index(tmp_path) == rows


def test_folders_that_are_no_prepared_set_are_named(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json is missing"):
        PreparedSet.open(tmp_path)
    Manifest("train", 1, "k", {}, {}, {}, {}, {"run": "x"}).write(tmp_path)
    with pytest.raises(InputError, match="another stage"):
        PreparedSet.open(tmp_path)
    Manifest("prepare", 1, "k", {}, {}, {}, {}, {"dataset": "x", "classes": VESSELS.to_json()}).write(tmp_path)
    with pytest.raises(InputError, match=r"index\.csv"):
        PreparedSet.open(tmp_path)


@pytest.mark.parametrize("damage", ["", "id,patient\na,b\n", "{header}\nwrong,line\n", "{header}", "\x00"])
def test_a_broken_index_is_one_clear_error(tmp_path, damage):
    write_set(tmp_path, [case_of("a")])
    header, row = (tmp_path / "index.csv").read_text().splitlines()
    text = damage.format(header=header) if damage != "{header}" else f"{header}\n{row.replace('owner', 'guess')}\n"
    (tmp_path / "index.csv").write_text(text)
    with pytest.raises(InputError, match=r"index\.csv cannot be read.*retseg prepare"):
        PreparedSet.open(tmp_path)


def test_a_prepared_file_that_went_missing_is_named(tmp_path):
    prepared = write_set(tmp_path, [case_of("a")])
    (tmp_path / "labels/a.png").unlink()
    with pytest.raises(ImageError, match=r"labels/a\.png"):
        prepared.case(prepared.samples[0])


def test_ids_and_remarks_survive_the_round_trip(tmp_path):
    """Ids beyond eight bits, and remarks with commas in them."""
    ids = np.zeros((20, 30), np.uint16)
    ids[3:9, 4:9], ids[12:18, 20:28] = 1, 40000
    case = case_of("a")
    remarks = ("1,234 pixels (2.1%) of 57 colours that no class has", "all void")
    case = replace(case, targets={**case.targets, INSTANCES: ids}, remarks=remarks)
    prepared = write_set(tmp_path, [case, case_of("b")])
    first, second = (prepared.case(sample) for sample in prepared.samples)
    assert np.array_equal(first.targets[INSTANCES], ids)
    assert first.targets[INSTANCES].dtype == np.uint16
    assert first.remarks == remarks
    assert INSTANCES not in second.targets
    assert second.remarks == ()


def test_a_photograph_of_a_joined_set_keeps_its_origin_and_others_have_no_such_column(tmp_path):
    prepared = write_set(tmp_path / "joined", [case_of("a", origin=("drive", "p/1, left")), case_of("b")])
    assert [sample.origin for sample in prepared.samples] == [("drive", "p/1, left"), None]
    assert read_index(tmp_path / "joined")[0].origin == "drive"
    write_set(tmp_path / "plain", [case_of("b")])
    header = (tmp_path / "plain/index.csv").read_text().splitlines()[0]
    assert "origin" not in header
    assert "origin,origin_patient" in (tmp_path / "joined/index.csv").read_text().splitlines()[0]
