"""Ways to train, through the command line: fine-tuning, encoders, the clock, learning by heart, the rate finder."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from retseg.inference.checkpoint import read_card
from retseg.models import encoder_weights
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.registry import MODELS

QUICK = ("train.epochs=1", "train.steps_per_epoch=2", "train.batch=2", "sampling.patch_size=32")
SETS = [word for one in QUICK for word in ("--set", one)]
SMALL = ["--set", "model.options={width: 4, depth: 2}"]


@pytest.fixture
def at_home(retseg, home, monkeypatch):
    """The command line in that folder, with the set prepared and one net trained."""
    monkeypatch.chdir(home)
    if not (home / "runs/first").exists():
        assert retseg("prepare", "--dataset", "folder", "--root", "eyes", "--out", "set").code == 0
        trained = retseg("train", "--dataset", "set", "--arch", "unet", "--out", "runs/first", *SETS, *SMALL)
        assert trained.code == 0, trained.err
    return retseg


def train(at_home, *words, out):
    return at_home("train", "--dataset", "set", "--out", out, *SETS, *words)


def test_fine_tuning_says_what_was_taken_over_and_remembers_the_patients(at_home, home):
    outcome = train(at_home, "--from", "runs/first", *SMALL, out="runs/second")
    assert outcome.code == 0, outcome.err
    assert "Began as unet trained on folder: Weights taken over: " in outcome.out
    card = read_card(home / "runs/second/train/best.safetensors")
    assert card.seen["folder"] == tuple(sorted(read_card(home / "runs/first/train/best.safetensors").fitted_patients))
    again = train(at_home, "--from", "runs/first", *SMALL, out="runs/second")
    assert "unchanged" in again.out


def test_other_weights_at_the_same_place_are_another_training(at_home, home):
    (home / "copy").mkdir(exist_ok=True)
    weights = home / "copy/best.safetensors"
    weights.write_bytes((home / "runs/first/train/best.safetensors").read_bytes())
    assert train(at_home, "--from", "copy/best.safetensors", *SMALL, out="runs/third").code == 0
    weights.write_bytes((home / "runs/second/train/best.safetensors").read_bytes())
    outcome = train(at_home, "--from", "copy/best.safetensors", *SMALL, out="runs/third")
    assert outcome.code == 2
    assert "inputs changed" in outcome.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "runs/none"], r"error: no trained run is here: runs/none"),
        (["--from", "runs/first", "--arch", "segnet"], r"weights of another architecture.*encode.weight"),
        (["--from", "set/index.csv"], r"not a safetensors file"),
        (["--arch", "segnet", "--freeze-encoder-epochs", "1"], r"'segnet' has no encoder.*Choose one that has: .*unet"),
        (["--arch", "basic", "--encoder-weights", "imagenet"], r"no published weights|publish"),
        (["--arch", "unet", "--freeze-encoder-epochs", "some"], r"freeze_encoder_epochs"),
        (["--arch", "unet", "--encoder-weights", "none.pth"], r"no such file or run.*none\.pth"),
        (["--arch", "unet", "--overfit", "9"], r"there are 6 training photographs, not 9"),
        (["--arch", "unet", "--minutes", "0"], r"minutes"),
    ],
)
def test_a_mistake_gets_one_line(at_home, words, message):
    outcome = train(at_home, *words, out="runs/wrong")
    assert outcome.code == 2
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert re.search(message, errors[0]), errors[0]
    assert "Traceback" not in outcome.err


def test_imagenet_without_a_network_names_both_ways_out(at_home, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    architecture = MODELS.get("resunet18")
    nowhere = replace(architecture.published, url="http://127.0.0.1:9/resnet18-f37072fd.pth")
    monkeypatch.setattr(encoder_weights, "_published", lambda _: nowhere)
    outcome = train(at_home, "--arch", "resunet18", "--encoder-weights", "imagenet", out="runs/wrong")
    assert outcome.code == 2
    line = outcome.err.splitlines()[-1]
    assert re.search(r"cannot be fetched.*--encoder-weights FILE, or train without --encoder-weights", line)


def test_an_encoder_of_published_names_is_loaded_and_stays_frozen(at_home, home):
    torch.manual_seed(5)
    encoder = build(ModelConfig(arch="resunet18"), 3, 3).encoder.state_dict()
    torch.save({**encoder, "fc.weight": torch.rand(1000, 512), "fc.bias": torch.rand(1000)}, home / "published.pth")
    words = ("--arch", "resunet18", "--encoder-weights", "published.pth", "--freeze-encoder-epochs", "all")
    outcome = train(at_home, *words, out="runs/frozen")
    assert outcome.code == 0, outcome.err
    assert "Encoder from published.pth: Weights taken over: " in outcome.out
    trained = load_file(home / "runs/frozen/train/best.safetensors")
    for name, value in encoder.items():
        if "num_batches" not in name:
            assert torch.equal(trained[f"encoder.{name}"], value), name


def test_the_clock_ends_it_and_the_epochs_reached_are_printed(at_home, home):
    outcome = train(at_home, *SMALL, "--minutes", "0.02", "--set", "train.epochs=100000", out="runs/timed")
    assert outcome.code == 0, outcome.err
    assert re.search(r"The time of 0\.02 minutes was over in epoch \d+ of 100000 planned\.", outcome.out)


def test_learning_by_heart_fails_loudly(at_home):
    outcome = train(at_home, "--arch", "unet", *SMALL, "--overfit", "2", out="runs/heart")
    assert outcome.code == 2
    assert re.search(r"error: the net 'unet' could not learn 2 photograph\(s\) by heart", outcome.err)


def test_a_learning_rate_is_suggested_and_drawn(at_home, home):
    outcome = train(at_home, "--arch", "unet", *SMALL, "--find-lr", out="rates")
    assert outcome.code == 0, outcome.err
    assert outcome.last_line == "rates/learning_rates.png"
    with Image.open(home / "rates/learning_rates.png") as picture:
        assert picture.width > 500
    rate = json.loads((home / "rates/manifest.json").read_text())["facts"]["learning_rate"]
    tried = [float(row["learning_rate"]) for row in csv.DictReader((home / "rates/learning_rates.csv").open())]
    assert min(tried) <= rate <= max(tried)
    assert f"--set train.lr={rate:.1e}" in outcome.out
