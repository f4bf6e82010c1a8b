from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.manifest import Manifest
from retseg.imaging.io import write_png


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    mask = np.zeros((60, 80), bool)
    mask[10:50, 38:43] = mask[28:33, 10:70] = True
    write_png(tmp_path / "masks/eye.png", mask)
    return tmp_path / "masks"


def test_a_folder_of_masks(retseg, masks):
    outcome = retseg("segments", "masks", "--out", "result", "--um-per-pixel", "5")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == ["4 segments and 1 junctions in 1 image(s).", "result"]
    names = {path.name for path in Path("result").iterdir()}
    assert names == {"segments", "overlay", "segments.csv", "summary.csv", "failures.csv", "manifest.json"}
    assert "unchanged" in retseg("segments", "masks", "--out", "result", "--um-per-pixel", "5").out


def test_what_a_run_predicts_for_a_set(retseg, photographs):
    for number in range(3):
        vessel = np.asarray(Image.open(photographs / f"eye{number}.png"))[..., 0].astype(int) < 120
        write_png(photographs / f"labels/eye{number}.png", vessel)
    lines = [f"eye{number}.png,labels/eye{number}.png,{'train' if number else 'test'}" for number in range(3)]
    (photographs / "index.csv").write_text("\n".join(["image,label,split", *lines]) + "\n")
    assert retseg("prepare", "--dataset", "folder", "--root", photographs, "--out", "set").code == 0
    trained = retseg(
        "train", "--dataset", "set", "--arch", "unet", "--out", "runs/one", "--set", "train.epochs=1",
        "--set", "train.steps_per_epoch=2", "--set", "sampling.patch_size=32",
        "--set", "model.options={width: 4, depth: 2}",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    outcome = retseg("segments", "--run", "one", "--dataset", "set")
    assert outcome.code == 0, outcome.err
    assert outcome.last_line == "runs/one/segments/folder"
    with Path(outcome.last_line, "summary.csv").open() as file:
        assert [row["image"] for row in csv.DictReader(file)] == ["eye0"], "the test photographs"
    ids = np.asarray(Image.open("runs/one/segments/folder/segments/eye0.png"))
    assert np.array_equal(ids > 0, np.asarray(Image.open("runs/one/predict/folder/mask/eye0.png")) > 0)
    assert Manifest.read(Path("runs/one/segments/folder")).stage == "segments"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "no such file or folder"),
        (("masks", "--dataset", "chase"), "a run or a dataset too"),
        (("masks", "--run", "one"), "a run or a dataset too"),
        ((), "there is no prepared set"),
    ],
)
def test_a_mistake_is_one_line(retseg, masks, words, message):
    outcome = retseg("segments", *words)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_bad_mask_is_counted(retseg, masks):
    (masks / "torn.png").write_bytes(b"no image")
    outcome = retseg("segments", "masks")
    assert outcome.code == 0
    assert "1 image(s) could not be used; each with its reason: masks-segments/failures.csv" in outcome.out
