"""A user's mistake: one clear line, a non-zero exit, nothing lost, never a traceback."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.conftest import fundus


def one_line(outcome, *parts):
    assert outcome.code not in (0, 1)
    assert "Traceback" not in outcome.err + outcome.out
    line = outcome.err.rstrip("\n").rsplit("\n", 1)[-1]
    for part in parts:
        assert part in line, line
    return line


def bomb(path):
    """A PNG whose header claims 40,000 x 40,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def test_missing_root(retseg):
    one_line(retseg("prepare", "--dataset", "drive", "--root", "nowhere"), "nowhere", "Check --root")


def test_a_named_dataset_that_is_not_here(retseg):
    one_line(retseg("prepare", "--dataset", "drive"), "drive", "--root", "datasets show drive")


def test_empty_folder(retseg, tmp_path):
    (tmp_path / "empty").mkdir()
    one_line(retseg("prepare", "--dataset", "folder", "--root", "empty"), "empty")
    one_line(retseg("prepare", "--root", "empty"), "no known dataset's layout", "--dataset folder")


def test_wrong_layout_names_what_is_missing(retseg, photographs):
    one_line(retseg("prepare", "--dataset", "drive", "--root", photographs), "training")


def test_unknown_dataset_arch_recipe_and_key_suggest_the_nearest(retseg, photographs):
    one_line(retseg("prepare", "--dataset", "drvie"), "unknown dataset 'drvie'", "Did you mean drive")
    assert retseg("prepare", "--dataset", "folder", "--root", photographs, "--out", "p").code == 0
    one_line(retseg("train", "--recipe", "lectrue"), "unknown recipe", "lecture")
    one_line(retseg("train", "--set", "train.epoch=1"), "unknown configuration key 'train.epoch'", "epochs")
    one_line(retseg("train", "--set", "train.epochs=many"), "train.epochs", "many")
    one_line(retseg("models", "show", "sgnet"), "unknown architecture 'sgnet'", "segnet")
    one_line(retseg("run", "chse"), "pipeline not found", "chase")


def test_nothing_prepared_and_nothing_trained(retseg, photographs):
    one_line(retseg("train"), "no prepared set", "retseg prepare")
    one_line(retseg("report"), "no prepared set", "retseg prepare")
    one_line(retseg("predict", photographs), "no trained run", "retseg train")


def test_training_without_labels(retseg, photographs):
    assert retseg("prepare", "--dataset", "folder", "--root", photographs).code == 0
    one_line(retseg("train", "--arch", "unet"), "no labelled photographs")


def test_bad_images_are_listed_and_the_others_prepared(retseg, photographs):
    whole = (photographs / "eye0.png").read_bytes()
    Image.fromarray(fundus(1)).save(photographs / "cut.jpg")
    (photographs / "cut.jpg").write_bytes((photographs / "cut.jpg").read_bytes()[:600])
    (photographs / "half.png").write_bytes(whole[: len(whole) // 2])
    (photographs / "text.jpg").write_text("not an image")
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(photographs / "black.png")
    Image.fromarray(np.full((1, 1, 3), 90, np.uint8)).save(photographs / "dot.png")
    bomb(photographs / "bomb.png")
    outcome = retseg("prepare", "--dataset", "folder", "--root", photographs, "--out", "p")
    assert outcome.code == 0
    assert "6 image(s) could not be used" in outcome.out
    listed = (photographs.parent / "p" / "failures.csv").read_text()
    for name in ("cut", "half", "text", "black", "dot", "bomb"):
        assert f"\n{name}" in listed
    assert len(list((photographs.parent / "p" / "images").glob("*.png"))) == 3
    assert len(list((photographs.parent / "p" / "fov").glob("*.png"))) == 3


def test_only_bad_images_is_an_error(retseg, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("x")
    one_line(retseg("prepare", "--dataset", "folder", "--root", "photos", "--out", "p"), "none of the 1 images")
    assert not (tmp_path / "p").exists()


def test_label_of_another_size_and_label_with_grey_values(retseg, photographs):
    labels = photographs / "labels"
    labels.mkdir()
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(labels / "eye0.png")
    Image.fromarray(np.zeros((40, 96), np.uint8)).save(labels / "eye1.png")
    Image.fromarray((np.arange(96 * 96).reshape(96, 96) % 7 * 30).astype(np.uint8)).save(labels / "eye2.png")
    retseg("prepare", "--dataset", "folder", "--root", photographs, "--out", "p")
    listed = (photographs.parent / "p" / "failures.csv").read_text()
    assert "eye1" in listed
    assert "96x40" in listed
    assert "eye2" in listed
    assert "180" in listed


def test_out_in_a_file_and_out_with_foreign_files(retseg, photographs, tmp_path):
    (tmp_path / "taken").write_text("")
    command = ("prepare", "--dataset", "folder", "--root", photographs, "--out")
    one_line(retseg(*command, "taken"), "taken")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    one_line(retseg(*command, "mine"), "files that retseg did not write", "--out")


@pytest.fixture
def trained(retseg, photographs):
    """A run of one step on three photographs with labels."""
    labels = photographs / "labels"
    labels.mkdir()
    for number in range(3):
        vessel = fundus(number)[..., 0].astype(int) < 120
        Image.fromarray((vessel * 255).astype(np.uint8)).save(labels / f"eye{number}.png")
    assert retseg("prepare", "--dataset", "folder", "--root", photographs, "--out", "prepared").code == 0
    outcome = retseg(
        "train", "--dataset", "prepared", "--arch", "unet", "--set", "train.max_steps=1",
        "--set", "sampling.patch_size=32",
        "--set", "model.options.width=4", "--set", "model.options.depth=2", "--out", "run",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return photographs.parent / "run"


def test_corrupted_foreign_and_pickled_weights(retseg, trained, photographs):
    weights = trained / "train" / "best.safetensors"
    for content in (weights.read_bytes()[:100], b"PK\x03\x04 a zip", b"\x80\x02}q\x00."):
        weights.write_bytes(content)
        one_line(retseg("predict", photographs / "eye0.png", "--run", trained, "--out", "r"), "best.safetensors")
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, weights)
    one_line(retseg("predict", photographs / "eye0.png", "--run", trained, "--out", "r"), "no card")


def test_weights_with_other_classes_are_refused(retseg, trained, photographs):
    manifest = photographs.parent / "prepared" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["facts"]["classes"]["items"].append({"name": "cow", "colour": [0, 0, 128]})
    manifest.write_text(json.dumps(content))
    one_line(retseg("predict", "--dataset", "prepared", "--run", trained), "trained for the classes", "and 1 more")


def test_a_run_is_not_replaced_by_another_one(retseg, trained):
    before = (trained / "train" / "best.safetensors").read_bytes()
    outcome = retseg("train", "--dataset", "prepared", "--set", "train.max_steps=2", "--out", trained)
    one_line(outcome, "made with other settings", "sampling.patch_size: 32 there, 128 now", "--force")
    assert (trained / "train" / "best.safetensors").read_bytes() == before


def test_predicting_nothing_and_nonsense(retseg, trained, tmp_path):
    one_line(retseg("predict", "nowhere.jpg", "--run", trained), "nowhere.jpg")
    (tmp_path / "text.jpg").write_text("x")
    one_line(retseg("predict", "text.jpg", "--run", trained, "--out", "r"), "text.jpg")
    one_line(retseg("predict", "text.jpg", "--run", "nowhere"), "no trained run is here", "nowhere")
    one_line(retseg("predict", "text.jpg", "--run", trained, "--device", "abacus"), "abacus")
    one_line(retseg("evaluate", "--dataset", "prepared", "--run", trained, "--split", "tset"), "tset")


def test_scoring_training_patients_is_refused_unless_asked_in_words(retseg, trained):
    command = ("evaluate", "--dataset", "prepared", "--run", trained, "--split", "train")
    one_line(retseg(*command), "--allow-fit-overlap")
    assert retseg(*command, "--allow-fit-overlap").code == 0
