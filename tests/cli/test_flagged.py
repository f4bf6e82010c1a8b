from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.io import read_label


@pytest.fixture(scope="module")
def eye():
    return Image.fromarray(generate(3, next(iter(CAMERAS.values()))).image).reduce(2)


@pytest.fixture
def mixed(tmp_path, eye):
    """A folder with one photograph of the retina, one of a person, and one black frame."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    eye.save(folder / "eye.png")
    Image.fromarray(astronaut()).reduce(2).save(folder / "person.png")
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(folder / "black.png")
    return folder


def listed(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_no_fundus_photograph_is_listed_and_its_map_is_empty(retseg, mixed, tmp_path):
    outcome = retseg("predict", mixed, "--method", "frangi", "--out", "result")
    assert outcome.code == 0, outcome.err
    result = tmp_path / "result"
    (row,) = listed(result / "flagged.csv")
    assert (row["id"], row["verdict"]) == ("person", "no fundus photograph")
    assert row["file"].endswith("person.png")
    assert "no round field of view on a dark ground; edges harder" in row["reason"]
    assert not read_label(result / "prob/person.png").any()
    assert not read_label(result / "mask/person.png").any()
    assert read_label(result / "prob/eye.png").any()
    assert [row["id"] for row in listed(result / "failures.csv")] == ["black"]
    assert json.loads((result / "manifest.json").read_text())["facts"]["flagged"] == {"no fundus photograph": 1}
    assert "person.png: no fundus photograph, so its map is empty (" in outcome.out
    assert "flagged.csv" in outcome.out


def test_the_check_can_be_switched_off(retseg, mixed, tmp_path):
    outcome = retseg("predict", mixed, "--method", "frangi", "--out", "result", "--set", "predict.check=false")
    assert outcome.code == 0, outcome.err
    assert listed(tmp_path / "result/flagged.csv") == []
    assert read_label(tmp_path / "result/prob/person.png").any()
    assert "flagged" not in outcome.out


def test_an_interrupted_prediction_remembers_what_it_flagged(retseg, mixed, eye, tmp_path, monkeypatch):
    from retseg.inference.writer import PredictionWriter

    write = PredictionWriter.write
    eye.save(mixed / "then.png")

    def interrupted(self, prediction):
        if prediction.id == "then":
            raise KeyboardInterrupt
        write(self, prediction)

    monkeypatch.setattr(PredictionWriter, "write", interrupted)
    command = ("predict", mixed, "--method", "frangi", "--out", "result")
    assert retseg(*command).code == 130
    monkeypatch.setattr(PredictionWriter, "write", write)
    assert retseg(*command).code == 0
    assert [row["id"] for row in listed(tmp_path / "result/flagged.csv")] == ["person"]
