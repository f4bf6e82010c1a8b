"""The three commands of the design card, bare, in this order; and what else a person does with them."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.conftest import fundus

QUICK = ("--set", "train.epochs=1", "--set", "train.max_steps=2", "--set", "sampling.patch_size=64")
SMALL = ("--set", "dataset.count=4", "--set", "dataset.size=small")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def at_home(retseg, home, monkeypatch):
    """The command line in a folder that the tests of this module share."""
    monkeypatch.chdir(home)
    return retseg


def test_prepare_train_report_without_arguments(at_home, home):
    prepared = at_home("prepare", *SMALL)
    assert prepared.code == 0, prepared.err
    assert "generated set is prepared" in prepared.out
    folder = home / prepared.last_line
    for name in ("images", "labels", "fov", "index.csv", "preview.png", "manifest.json"):
        assert (folder / name).exists(), name
    trained = at_home("train", "--arch", "segnet", *QUICK)
    assert trained.code == 0, trained.err
    run = home / trained.last_line
    for name in ("best.safetensors", "last.ckpt", "operating_point.json", "history.csv", "curves.png", "manifest.json"):
        assert (run / "train" / name).exists(), name
    report = at_home("report")
    assert report.code == 0, report.err
    page = home / report.last_line
    assert page.name == "run.html"
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text
    assert 'href="index.html"' in text, "the way to the patients"
    assert list((page.parent / "patients").glob("*.html"))
    assert "run.html" not in (page.parent / "index.html").read_text(encoding="utf-8"), "clinicians see no research page"


def test_every_stage_says_that_nothing_changed(at_home):
    assert "unchanged" in at_home("prepare", *SMALL).out
    assert "unchanged" in at_home("train", "--arch", "segnet", *QUICK).out
    for stage in ("predict", "evaluate", "report"):
        outcome = at_home(stage)
        assert outcome.code == 0
        assert "unchanged" in outcome.out, stage


def test_predictions_have_the_native_size_and_the_stored_threshold(at_home, home):
    folder = home / at_home("predict").last_line
    rows = list(csv.DictReader(next((home / "data/prepared").glob("*/index.csv")).open()))
    test = [row for row in rows if row["split"] == "test"]
    assert test
    threshold = json.loads((folder / "operating_point.json").read_text())["threshold"]
    for row in test:
        size = (int(row["width"]), int(row["height"]))
        probability = Image.open(folder / "prob" / f"{row['id']}.png")
        assert probability.size == size
        assert probability.mode.startswith("I")
        mask = np.asarray(Image.open(folder / "mask" / f"{row['id']}.png")) > 0
        fov = np.asarray(Image.open(folder / "fov" / f"{row['id']}.png")) > 0
        assert np.array_equal(mask, (np.asarray(probability) / 65535 > threshold) & fov)
        assert Image.open(folder / "overlay" / f"{row['id']}.png").size == size
        volume = nibabel.load(folder / "classes" / f"{row['id']}.nii.gz")
        assert volume.shape[:2] == size
        assert volume.get_data_dtype() == np.uint16


def test_evaluation_has_the_human_row_and_the_protocol(at_home, home):
    outcome = at_home("evaluate")
    folder = home / outcome.last_line
    summary = json.loads((folder / "summary.json").read_text())
    for figures in (summary["pooled"], summary["per_image_mean"]):
        assert {"auc", "ap", "dice", "iou", "accuracy", "sensitivity", "specificity", "mcc"} <= set(figures)
    assert summary["observers"]
    assert "observer" in outcome.out
    assert summary["protocol"] in outcome.out
    assert len(list((folder / "fov").glob("*.png"))) == summary["n_images"]


def test_photographs_of_ones_own_with_clashing_names(at_home, home):
    photos = home / "photos"
    (photos / "left").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "a.png", "left/a.png", "b.tif")):
        Image.fromarray(fundus(number)).save(photos / name)
    (photos / "notes.txt").write_text("not an image")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    outcome = at_home("predict", "photos", "--out", "result")
    assert outcome.code == 0, outcome.err
    assert "Model: runs" in outcome.out
    found = {path.relative_to(home / "result/mask").as_posix() for path in (home / "result/mask").rglob("*.png")}
    assert found == {"a.jpg.png", "a.png.png", "left/a.png", "b.png"}
    failures = list(csv.DictReader((home / "result/failures.csv").open()))
    assert [row["id"] for row in failures] == ["broken"]
    assert not (home / "result/classes").exists()


def test_predicting_again_does_nothing_and_new_photographs_are_seen(at_home, home):
    assert "unchanged" in at_home("predict", "photos", "--out", "result").out
    Image.fromarray(fundus(9)).save(home / "photos" / "new.png")
    assert "unchanged" not in at_home("predict", "photos", "--out", "result").out
    assert (home / "result/mask/new.png").exists()


def test_a_test_set_without_labels_is_reported_in_words(at_home, home):
    photos = home / "unlabelled"
    photos.mkdir()
    Image.fromarray(fundus(3)).save(photos / "x.png")
    prepared = at_home("prepare", "--dataset", "folder", "--root", "unlabelled", "--out", "plain").last_line
    outcome = at_home("evaluate", "--dataset", prepared)
    assert outcome.code == 0, outcome.err
    assert "no labels" in outcome.out
    page = home / at_home("report", "--dataset", prepared, "--out", "plain-report").last_line
    assert "label" in page.read_text(encoding="utf-8")


def test_an_interrupted_prediction_goes_on(at_home, home, monkeypatch):
    from retseg.inference.writer import PredictionWriter

    written = PredictionWriter.write
    seen: list[str] = []

    def interrupted(self, prediction):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(prediction.id)
        written(self, prediction)

    monkeypatch.setattr(PredictionWriter, "write", interrupted)
    outcome = at_home("predict", "photos", "--out", "interrupted")
    assert outcome.code == 130
    assert "go on" in outcome.err
    again: list[str] = []

    def counted(self, prediction):
        again.append(prediction.id)
        written(self, prediction)

    monkeypatch.setattr(PredictionWriter, "write", counted)
    assert at_home("predict", "photos", "--out", "interrupted").code == 0
    assert len(again) == 3
    assert not set(again) & set(seen)
    assert len(list((home / "interrupted/mask").rglob("*.png"))) == 5


def test_the_python_api_does_what_the_commands_do(home, monkeypatch):
    import retseg

    monkeypatch.chdir(home)
    run = retseg.train(arch="segnet", set={"train.epochs": 1, "train.max_steps": 2, "sampling.patch_size": 64})
    assert (run / "train" / "best.safetensors").exists()
    summary = retseg.evaluate(run)
    assert 0 <= summary["pooled"]["auc"] <= 1
    assert retseg.report(run).is_file()
    result = retseg.predict("photos", run=run, out="by-api")
    assert (result / "mask" / "b.png").exists()
    image = fundus(1)
    probabilities = retseg.load(run).probabilities(image, image.max(2) > 20)
    assert probabilities.shape == (3, *image.shape[:2])
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-4)


def test_pipeline_runs_and_skips_what_did_not_change(at_home, home):
    command = ("run", "demo", "--set", "dataset.count=4", *QUICK)
    first = at_home(*command)
    assert first.code == 0, first.err
    assert Path(home / first.last_line).is_file()
    again = at_home(*command)
    stages = re.findall(r"^(?:prepare|train|predict|evaluate|report)\b.*: .*", again.out, flags=re.M)
    assert len(stages) == 8
    assert all("unchanged, skipped" in line for line in stages)


def test_lecture_recipe_and_its_tensors(at_home, home):
    shutil.rmtree(home / "lecture", ignore_errors=True)
    prepared = at_home("prepare", *SMALL, "--tensors", "--set", "prepare.tensor_patches=2", "--out", "lecture")
    assert prepared.code == 0, prepared.err
    assert any((home / "lecture" / "tensors").iterdir())
    outcome = at_home(
        "train", "--dataset", "lecture", "--arch", "segnet", "--recipe", "lecture", "--set", "train.epochs=2",
        "--set", "sampling.patches_per_image=2", "--set", "train.batch=2", "--out", "lecture-run",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    history = list(csv.DictReader((home / "lecture-run/train/history.csv").open()))
    assert len(history) == 2
    point = json.loads((home / "lecture-run/train/operating_point.json").read_text())
    assert "train" in point["fitted_on"]["split"]
