"""Every published set's exact layout, written with generated photographs, through the command line."""

from __future__ import annotations

import csv
import json

import pytest

from retseg.datasets.synthetic.layouts import write_layout

SETS = {"drive": 1, "chase": 2, "stare": 2, "hrf": 1}
"""Observers of the training photographs of each set."""


@pytest.mark.parametrize("name", SETS)
def test_prepare_finds_the_set_by_itself_and_keeps_its_observers(retseg, tmp_path, name):
    write_layout(name, tmp_path / "data" / "raw" / "DOWNLOAD", count=4, seed=1, scale=0.15)
    outcome = retseg("prepare", "--workers", 1)
    assert outcome.code == 0, outcome.err
    assert f"Found the dataset {name}" in outcome.out
    folder = tmp_path / outcome.last_line
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["facts"]["dataset"] == name
    assert manifest["facts"]["failures"] == 0
    rows = list(csv.DictReader((folder / "index.csv").open()))
    assert {row["split"] for row in rows} == {"train", "test"}
    assert all(row["label"] for row in rows)
    further = {len([o for o in row["observers"].split(";") if o]) for row in rows if row["split"] == "train"}
    assert further == {SETS[name] - 1}
    assert {row["fov_source"] for row in rows} == ({"owner"} if name in ("drive", "hrf") else {"estimated"})


def test_a_newer_drive_without_test_labels_is_predicted_and_reported_without_scores(retseg, tmp_path):
    write_layout("drive", tmp_path / "DRIVE", count=4, seed=1, scale=0.15, test_labels=False)
    prepared = retseg("prepare", "--dataset", "drive", "--root", "DRIVE", "--workers", 1)
    assert prepared.code == 0, prepared.err
    trained = retseg("train", "--set", "train.max_steps=1", "--set", "sampling.patch_size=64")
    assert trained.code == 0, trained.err
    scored = retseg("evaluate")
    assert scored.code == 0, scored.err
    assert "no labels" in scored.out
    page = tmp_path / retseg("report").last_line
    assert "no labels" in page.read_text(encoding="utf-8").lower() or "without" in page.read_text(encoding="utf-8")


def test_a_damaged_set_is_described_in_one_go(retseg, tmp_path):
    write_layout("chase", tmp_path / "SET", count=4, seed=1, scale=0.15)
    labels = sorted((tmp_path / "SET").glob("*_1stHO.png"))
    labels[0].write_bytes(labels[0].read_bytes()[:50])
    photographs = sorted((tmp_path / "SET").glob("*.jpg"))
    photographs[1].write_text("not an image")
    (tmp_path / "SET" / "notes.txt").write_text("")
    outcome = retseg("datasets", "check", "chase", "--root", "SET")
    assert outcome.code == 1
    for name in (labels[0].name, photographs[1].name, "notes.txt"):
        assert name in outcome.out
