"""A model that ships with retseg, made, packed and used as people would, wherever a run's name is taken."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.imaging.io import write_png
from tests.conftest import call_retseg, fundus

QUICK = ("--set", "train.epochs=1", "--set", "train.steps_per_epoch=2", "--set", "sampling.patch_size=32")
NET = ("--set", "model.options={width: 4, depth: 2}")


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A folder with labelled `photos`, their prepared `set`, and the packed model `default.safetensors`."""
    home = tmp_path_factory.mktemp("home")
    (home / "photos/labels").mkdir(parents=True)
    lines = ["image,label,split"]
    for number in range(3):
        image = fundus(number)
        Image.fromarray(image).save(home / f"photos/eye{number}.png")
        write_png(home / f"photos/labels/eye{number}.png", image[..., 0].astype(int) < 120)
        lines.append(f"eye{number}.png,labels/eye{number}.png,{'train' if number else 'test'}")
    (home / "photos/index.csv").write_text("\n".join(lines) + "\n")
    return home


@pytest.fixture
def ready(packed, shipped, tmp_path, monkeypatch, capsys):
    """The command line in an empty folder with the packed model in the package; `Path()` has `set` and `photos`."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.delenv("RETSEG_DATA", raising=False)

    def run(*words):
        done = call_retseg(capsys, monkeypatch, *words)
        assert done.code == 0, done.err
        return done

    if not (packed / "default.safetensors").is_file():
        monkeypatch.chdir(packed)
        run("prepare", "--dataset", "folder", "--root", "photos", "--out", "set")
        run("train", "--dataset", "set", "--out", "runs/mine", *NET, *QUICK)
        scores = run("evaluate", "--dataset", "set", "--set", "evaluate.resamples=100").last_line
        assert run("models", "pack", "mine", "--out", "default.safetensors", "--evaluation", scores).code == 0
    shutil.copy(packed / "default.safetensors", shipped)
    shutil.copytree(packed / "photos", here / "photos")
    shutil.copytree(packed / "set", here / "set")
    monkeypatch.chdir(here)
    return run


def test_photographs_without_a_run_take_the_shipped_model(ready):
    done = ready("predict", "photos", "--out", "result")
    assert "Model: default, which ships with retseg (unet trained on folder)." in done.out
    assert "`--run NAME` takes one." in done.out
    for name in ("prob/eye0.png", "mask/eye0.png", "overlay/eye0.png", "operating_point.json"):
        assert (Path("result") / name).is_file()
    assert not Path("runs").exists()
    assert ready("predict", "photos", "--run", "default").last_line == "runs/default/predict/photos"
    first, second = (np.asarray(Image.open(f"{f}/prob/eye0.png")) for f in ("result", "runs/default/predict/photos"))
    assert np.array_equal(first, second)


def test_every_stage_takes_it_by_name(ready):
    quick = ("--set", "evaluate.resamples=100")
    assert ready("predict", "--run", "default", "--dataset", "set").last_line == "runs/default/predict/folder"
    assert ready("evaluate", "--run", "default", "--dataset", "set", *quick).last_line == "runs/default/evaluate/folder"
    page = Path(ready("report", "--run", "default", "--dataset", "set", *quick).last_line).read_text(encoding="utf-8")
    assert "learning rate" in page, "the configuration that it was trained with stands in its card"
    assert ready("segments", "--run", "default", "--dataset", "set").last_line == "runs/default/segments/folder"
    assert "epoch 1" in ready("models", "show", "default", "--size", "32").out
    assert not Path("runs/default/train").exists()


def test_weights_begin_as_it_and_a_run_of_ones_own_goes_before_it(ready):
    tuned = ready("train", "--from", "default", "--dataset", "set", "--out", "runs/tuned", *NET, *QUICK)
    assert "Began as unet trained on folder" in tuned.out
    assert "takes the one that ships with retseg" in ready("predict", "photos").out
    adapted = ready("adapt", "photos", "--run", "default", *QUICK).last_line
    assert Path(adapted, "train/best.safetensors").is_file()
    compared = ready("compare", "default", "runs/tuned", "--dataset", "set", "--set", "evaluate.resamples=100")
    assert "default: auc" in compared.out
    Path("runs/tuned").rename("runs/default-own")
    shutil.copytree("runs/default-own/train", "runs/default/train")
    assert "goes before the model default that ships" in ready("predict", "photos", "--run", "default").out


def test_what_is_shipped_is_listed_and_told(ready, shipped):
    assert "default: 0.0" in ready("models", "list").out
    assert "default (0.0 MB), shipped with retseg" in ready("doctor").out
    text = ready("models", "card", "default").out
    assert "# Model card: default" in text
    assert "--dataset folder --set evaluate.resamples=100`" in text
    assert ready("models", "card", "--out", "card.md").last_line == "card.md"
    assert Path("card.md").read_text(encoding="utf-8") == text
    (shipped / "default.safetensors").unlink()
    assert "No model ships with this copy" in ready("models", "list").out
    assert "none ships with this copy" in ready("doctor").out


def test_without_a_model_it_is_said_how_to_get_one(retseg, photographs):
    for words in (("predict", photographs), ("predict", photographs, "--run", "default"), ("models", "card")):
        done = retseg(*words)
        assert done.code == 2
        (line,) = done.err.splitlines()
        assert "ships no model" in line
        assert "`retseg train`" in line
