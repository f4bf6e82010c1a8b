"""Photographs to a clinician's report with the model that ships with retseg, as a clinic would do it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import retseg
from retseg.datasets.synthetic.cameras import find_camera
from retseg.datasets.synthetic.fundus import generate
from tests.conftest import Outcome

WEIGHTS = Path(retseg.__file__).parent / "inference/shipped/default.safetensors"


@pytest.fixture
def clinic(tmp_path: Path, shipped: Path, retseg: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """The command line in a folder with `photos` (two eyes of one patient, another's, a page) and `patients.csv`."""
    shutil.copy(WEIGHTS, shipped)
    photos = tmp_path / "photos"
    photos.mkdir()
    camera = find_camera("demo")
    for number, name in enumerate(("ann_right", "ann_left", "bobbington")):
        eye = generate(number, camera.scaled(480 / camera.width))
        Image.fromarray(eye.image).save(photos / f"{name}.jpg", quality=95)
    (photos / "broken.jpg").write_bytes(b"no photograph")
    lines = ["image;patient;name;um_per_pixel", "bobbington.jpg;7;<script>alert(1)</script>;12,5", "bib.jpg;8;Bib;"]
    (tmp_path / "patients.csv").write_text("\n".join(lines) + "\n")
    return retseg


def test_photographs_become_pages(clinic, tmp_path):
    done = clinic("report", "photos", "--patients", "patients.csv", "--out", "result", "--workers", 1)
    assert done.code == 0, done.err
    assert done.last_line == "result/index.html"
    assert "bib.jpg" in done.out, "a row about no photograph is told"
    assert "1 image(s) could not be used" in done.out
    result = tmp_path / "result"
    assert "broken" in (result / "failures.csv").read_text()
    pages = {page.stem: page.read_text() for page in (result / "patients").glob("*.html")}
    assert set(pages) == {"ann", "7"}
    assert "<script>alert" not in pages["7"]
    assert "&lt;script&gt;alert(1)" in pages["7"]
    cohort = json.loads((result / "cohort.json").read_text())
    assert "ann" in json.dumps(cohort)
    again = clinic("report", "photos", "--patients", "patients.csv", "--out", "result", "--workers", 1)
    assert "unchanged" in again.out


def test_nobody_is_named_where_all_are_called_by_codes(clinic, tmp_path):
    words = ("--patients", "patients.csv", "--lang", "de", "--anonymise", "--workers", 1)
    done = clinic("report", "photos", *words, "--out", "result")
    assert done.code == 0, done.err
    texts = [
        path.read_text() for path in (tmp_path / "result").rglob("*.*") if path.suffix in (".html", ".csv", ".json")
    ]
    pages = [text for text in texts if "<html" in text]
    assert len(pages) == 3
    assert all('lang="de"' in page for page in pages)
    assert "could not be used" in done.out
    assert not any(name in text for text in texts for name in ("ann_", "bobbington", "alert(1)"))


def test_patients_without_photographs_are_a_mistake(retseg):
    done = retseg("report", "--patients", "patients.csv")
    assert done.code != 0
    assert "--patients" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("words", [("--dataset", "chase"), ("--root", "somewhere"), ("--split", "all")])
def test_photographs_and_a_dataset_at_once_are_a_mistake(retseg, words):
    done = retseg("report", "photos", *words)
    assert done.code != 0
    assert "photographs were named, and a dataset too" in done.err
    assert "Traceback" not in done.err
