"""The same stages on everyday photographs: many classes and void, single things, and a set of another package."""

from __future__ import annotations

import csv
import importlib
import json
import re
import shutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.datasets.registry import DATASETS
from tests.conftest import call_retseg

QUICK = (
    "--set", "train.epochs=1", "--set", "train.steps_per_epoch=2", "--set", "train.batch=2", "--set",
    "evaluate.resamples=200",
)  # fmt: skip
SMALL_NET = ("--set", "model.options.width=4", "--set", "model.options.depth=2", "--set", "sampling.patch_size=64")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of a user's own."""
    return tmp_path_factory.mktemp("scenes")


@pytest.fixture
def at_place(place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.delenv("RETSEG_DATA", raising=False)
    return lambda *words: call_retseg(capsys, monkeypatch, *words)


def ok(outcome):
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.fixture
def scenes(place, at_place):
    """24 drawn scenes of 23 classes, prepared."""
    if not (place / "scenes").exists():
        size = ("--set", "dataset.count=24", "--set", "dataset.size=demo")
        ok(at_place("prepare", "--dataset", "synthetic-msrc", *size, "--out", "scenes"))
    return "scenes"


@pytest.fixture
def run_on_scenes(place, at_place, scenes):
    if not (place / "runs/scenes").exists():
        ok(at_place("train", "--dataset", scenes, "--arch", "unet", *QUICK, *SMALL_NET, "--out", "runs/scenes"))
    return "runs/scenes"


def summary(place, folder):
    return json.loads((place / folder / "summary.json").read_text())


def test_from_23_classes_to_a_page(place, at_place, scenes, run_on_scenes):
    scored = ok(at_place("evaluate", "--run", run_on_scenes, "--dataset", scenes, *QUICK))
    found = summary(place, scored.last_line)
    assert len(found["confusion"]["classes"]) == 23
    assert found["pooled"]["iou"] is not None
    assert found["pooled"]["ap"] is not None
    assert found["subject"] == "photograph"
    assert "patient" not in scored.out.replace("runs/scenes", "")
    with (place / scored.last_line / "confusion.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0][1:] == [row[0] for row in rows[1:]] == found["confusion"]["classes"]
    page = Path(ok(at_place("report", "--run", run_on_scenes, "--dataset", scenes, *QUICK)).last_line)
    text = (place / page).read_text()
    for word in ("Class by class", "Mean IoU", "void"):
        assert word in text
    assert not re.search(
        r"\bvessels?\b|\bpatients?\b|\bretina\b", re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S)
    )


def test_classes_never_seen_are_not_applicable(place, at_place, scenes, run_on_scenes):
    """With a dozen training scenes some classes are in no training label; they have no score instead of 0."""
    told = ok(at_place("train", "--dataset", scenes, "--arch", "unet", *QUICK, *SMALL_NET, "--out", "runs/scenes"))
    found = summary(place, ok(at_place("evaluate", "--run", run_on_scenes, "--dataset", scenes, *QUICK)).last_line)
    labels = [np.asarray(Image.open(path)) for path in train_labels(place / scenes)]
    seen = set(np.unique(np.concatenate([label.ravel() for label in labels]))) - {255}
    names = found["confusion"]["classes"]
    unseen = [name for index, name in enumerate(names) if index not in seen]
    assert found["unseen"] == unseen
    assert unseen, "the sample is too large for this test"
    assert f"no training label contains {unseen[0]}" in told.out
    assert all(found["per_class"][name] is None for name in unseen)


def train_labels(folder):
    with (folder / "index.csv").open() as file:
        return [folder / row["label"] for row in csv.DictReader(file) if row["split"] == "train"]


def test_frequencies_are_a_baseline_of_the_same_kind(place, at_place, scenes, run_on_scenes):
    scored = ok(at_place("evaluate", "--method", "frequency", "--dataset", scenes, *QUICK))
    assert summary(place, scored.last_line)["pooled"]["accuracy"] > 0
    compared = ok(at_place("compare", run_on_scenes, scored.last_line, *QUICK))
    assert "iou" in compared.out


def test_photographs_from_elsewhere_need_no_field_of_view(place, at_place, run_on_scenes):
    (place / "holiday").mkdir()
    picture = np.random.default_rng(0).integers(60, 200, (70, 90, 3), dtype=np.uint8)
    Image.fromarray(picture).save(place / "holiday/beach.png")
    result = place / ok(at_place("predict", "holiday", "--run", run_on_scenes, "--out", "holiday-maps")).last_line
    mask = np.asarray(Image.open(result / "mask/beach.png"))
    assert mask.shape == (70, 90)
    assert mask.max() < 23, "every pixel has a class, none lies outside anything"
    assert not (result / "prob").exists()
    assert not (result / "instances").exists()


def test_another_class_table_takes_the_weights_over(at_place, run_on_scenes):
    size = ("--set", "dataset.count=8", "--set", "dataset.size=demo")
    ok(at_place("prepare", "--dataset", "synthetic-stanford", *size, "--out", "eight"))
    trained = ok(
        at_place("train", "--from", run_on_scenes, "--dataset", "eight", "--arch", "unet", *QUICK, *SMALL_NET,
                 "--out", "runs/eight")
    )  # fmt: skip
    assert "8 classes instead of 23" in trained.out


def test_crops_and_flips_are_swept(place, at_place, scenes):
    (place / "p.yaml").write_text(
        "name: crops\ndataset: {name: synthetic-msrc, count: 24, size: demo}\n"
        "sampling: {patch_share: 0.25}\ntrain: {epochs: 1, steps_per_epoch: 1, batch: 2}\n"
        "runs:\n  basic: {model: {arch: basic}}\n  frequency: {method: {name: frequency}}\n"
    )
    swept = ok(
        at_place("sweep", "p.yaml", "--set", "sampling.patch_share=0.25,0.0625",
                 "--set", "augment.flips.horizontal=0,0.5")
    )  # fmt: skip
    with next((place / "reports").glob("sweep-crops-*/sweep.csv")).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4, swept.out
    assert {row["run"] for row in rows} == {"basic"}


def test_horse_and_mountain_can_be_void(place, at_place):
    size = ("--set", "dataset.count=24", "--set", "dataset.size=demo")
    ok(at_place("prepare", "--dataset", "synthetic-msrc", *size, "--set", "dataset.void=[horse,mountain]",
                "--out", "fewer"))  # fmt: skip
    classes = json.loads((place / "fewer/manifest.json").read_text())["facts"]["classes"]
    assert len(classes["items"]) == 21
    assert not {"horse", "mountain"} & {item["name"] for item in classes["items"]}


def test_a_setting_that_comes_too_late_is_said_to(at_place, scenes, run_on_scenes):
    """A set that is prepared already stays as it is, whatever is asked of it now."""
    late = ok(at_place("evaluate", "--run", run_on_scenes, "--dataset", scenes, *QUICK, "--set", "dataset.void=[cow]"))
    assert "dataset.void has no part in this" in late.out
    assert "no part" not in ok(at_place("evaluate", "--run", run_on_scenes, "--dataset", scenes, *QUICK)).out


def test_labels_that_jpeg_damaged(place, at_place, scenes):
    """Refused one by one with what to do, read with it, refused by --strict."""
    (raw,) = (place / "data/raw").glob("synthetic-msrc-24-demo-0")
    damaged = place / "damaged"
    shutil.copytree(raw, damaged)
    for path in (damaged / "GroundTruth").iterdir():
        Image.open(path).save(path.with_suffix(".jpg"), quality=85)
        path.unlink()
    refused = at_place("prepare", "--dataset", "msrc", "--root", "damaged", "--out", "none")
    assert refused.code == 2
    assert "dataset.snap" in refused.err
    assert "Traceback" not in refused.err
    read = ok(
        at_place("prepare", "--dataset", "msrc", "--root", "damaged", "--set", "dataset.snap=24", "--out", "mended")
    )
    assert "taken as void" in read.out
    strict = at_place(
        "prepare", "--dataset", "msrc", "--root", "damaged", "--set", "dataset.snap=24", "--strict", "--out", "none"
    )
    assert strict.code == 2


def test_people_are_told_apart_by_the_same_stages(place, at_place):
    size = ("--set", "dataset.count=8", "--set", "dataset.size=demo")
    ok(at_place("prepare", "--dataset", "synthetic-pedestrians", *size, "--out", "street"))
    ok(at_place("train", "--dataset", "street", "--arch", "unet", *QUICK, *SMALL_NET,
                "--set", "model.heads=[distance]", "--out", "runs/street"))  # fmt: skip
    scored = ok(at_place("evaluate", "--run", "runs/street", "--dataset", "street", *QUICK))
    found = summary(place, scored.last_line)["instances"]
    assert set(found["systems"]) == {"watershed", "connected components"}
    assert "connected components" in scored.out
    predicted = place / "runs/street/predict/synthetic-pedestrians"
    ids = [np.asarray(Image.open(path)) for path in predicted.glob("instances/*.png")]
    assert len(ids) == len(list(predicted.glob("mask/*.png")))
    page = ok(at_place("report", "--run", "runs/street", "--dataset", "street", *QUICK)).last_line
    assert "Instances" in (place / page).read_text()


def test_a_head_needs_labels_that_tell_things_apart(at_place, scenes):
    outcome = at_place(
        "train", "--dataset", scenes, "--arch", "unet", *QUICK, *SMALL_NET, "--set", "model.heads=[distance]"
    )
    assert outcome.code == 2
    assert "model.heads=[]" in outcome.err


def test_a_separation_without_its_head_is_refused_before_anything_is_predicted(at_place):
    ok(at_place("train", "--dataset", "street", "--arch", "unet", *QUICK, *SMALL_NET, "--out", "runs/headless"))
    outcome = at_place(
        "predict", "--dataset", "street", "--run", "runs/headless", "--set", "predict.separation=watershed"
    )
    assert outcome.code == 2
    assert "distance" in outcome.err


def test_a_task_without_things_has_nothing_to_separate(at_place, scenes, run_on_scenes):
    outcome = at_place("predict", "--dataset", scenes, "--run", run_on_scenes, "--set", "predict.separation=components")
    assert outcome.code == 2
    assert "told apart" in outcome.err


README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def harbour(tmp_path, monkeypatch):
    """The dataset of the README as a package, found through the entry point that stands there."""
    ((name, code),) = re.findall(r"```python\n# my_harbour/(\w+\.py)[^\n]*\n(.*?)```", README, flags=re.S)
    ((group, key, value),) = re.findall(
        r'\[project\.entry-points\."(retseg\.\w+)"\]\n(\w+) = "(my_harbour[\w.:]+)"', README
    )
    folder = tmp_path / "site/my_harbour"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / name).write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()
    point = EntryPoint(key, value, group)
    monkeypatch.setattr("retseg.core.registry.entry_points", lambda group: [point] if group == point.group else [])
    monkeypatch.setattr(DATASETS, "_merged", None)
    yield
    DATASETS._merged = None
    for module in [module for module in sys.modules if module.startswith("my_harbour")]:
        del sys.modules[module]


def test_the_dataset_of_the_readme_works_as_it_stands_there(harbour, retseg, tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("images", "labels", "boats"):
        (tmp_path / "port" / kind).mkdir(parents=True)
    (tmp_path / "port/harbour.txt").write_text("")
    colours = np.array([(20, 60, 120), (130, 130, 130), (200, 80, 20)])
    for number in range(8):
        label = np.zeros((64, 80), np.uint8)
        label[40:], label[20:30, 10 + number : 40] = 1, 2
        image = (colours[label] + rng.integers(0, 20, (64, 80, 3))).astype(np.uint8)
        label[:3] = 255
        Image.fromarray((label == 2).astype(np.uint8)).save(tmp_path / f"port/boats/{number}.png")
        Image.fromarray(image).save(tmp_path / f"port/images/{number}.png")
        Image.fromarray(label).save(tmp_path / f"port/labels/{number}.png")
    shown = ok(retseg("datasets", "show", "harbour")).out
    assert "My harbour" in shown
    assert "Told apart one by one: boat" in shown
    ok(retseg("datasets", "check", "harbour", "--root", "port"))
    # Worker processes would not know the path that the fixture sets; an installed package needs no such care.
    ok(retseg("prepare", "--dataset", "harbour", "--root", "port", "--workers", "1"))
    ok(retseg("train", "--dataset", "harbour", "--arch", "basic", "--set", "train.max_steps=60",
              "--set", "sampling.patch_size=32", "--set", "train.lr=1e-2"))  # fmt: skip
    scored = ok(retseg("evaluate", "--set", "evaluate.resamples=200"))
    found = json.loads((tmp_path / scored.last_line / "summary.json").read_text())
    assert list(found["per_class"]) == ["water", "quay", "boat"]
    assert found["pooled"]["accuracy"] > 0.8
    assert found["n_images"] == 2
    assert "void" in found["protocol"]
    assert set(found["instances"]["systems"]) == {"connected components"}, (
        "the net has no head, so there is no other way"
    )


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda port: _grey(port / "labels/3.png", 7), "the label holds 7"),
        (lambda port: _grey(port / "boats/3.png", 1, (64, 70)), "differ in size"),
        (lambda port: _grey(port / "labels/3.png", 1, (60, 80)), "differ in size"),
    ],
)
def test_a_bad_file_of_a_set_of_others_is_listed_and_stops_nothing(harbour, retseg, tmp_path, spoil, what):
    for kind in ("images", "labels", "boats"):
        (tmp_path / "port" / kind).mkdir(parents=True)
        for number in range(5):
            _grey(tmp_path / f"port/{kind}/{number}.png", 1 if kind == "labels" else 0)
            Image.fromarray(np.full((64, 80, 3), 90, np.uint8)).save(tmp_path / f"port/images/{number}.png")
    (tmp_path / "port/harbour.txt").write_text("")
    spoil(tmp_path / "port")
    checked = retseg("datasets", "check", "harbour", "--root", "port")
    assert checked.code == 1
    assert what in checked.out
    prepared = ok(retseg("prepare", "--dataset", "harbour", "--root", "port", "--workers", "1", "--out", "p"))
    assert "1 image(s) could not be used" in prepared.out
    assert what in (tmp_path / "p/failures.csv").read_text()


def _grey(path, value, shape=(64, 80)):
    Image.fromarray(np.full(shape, value, np.uint8)).save(path)


def test_a_changed_plugin_is_prepared_anew(harbour, retseg, tmp_path):
    for kind in ("images", "labels", "boats"):
        (tmp_path / "port" / kind).mkdir(parents=True)
        for number in range(5):
            _grey(tmp_path / f"port/{kind}/{number}.png", 1 if kind != "boats" else 0)
    (tmp_path / "port/harbour.txt").write_text("")
    call = ("prepare", "--dataset", "harbour", "--root", "port", "--workers", "1", "--out", "p")
    ok(retseg(*call))
    assert "unchanged" in ok(retseg(*call)).out
    with (tmp_path / "site/my_harbour/harbour.py").open("a") as file:
        file.write("\n# another rule\n")
    assert "unchanged" not in ok(retseg(*call)).out
