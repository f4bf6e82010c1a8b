from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from retseg.core.errors import InputError, OutputError
from retseg.core.manifest import Manifest
from retseg.core.types import OperatingPoint
from retseg.datasets.base import VESSELS
from retseg.datasets.config import DatasetConfig
from retseg.evaluation.config import EvaluateConfig
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import load_weights, read_card, save_weights
from retseg.inference.config import PredictConfig
from retseg.inference.provenance import Figure
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.stages.model_card import model_card
from retseg.stages.pack_model import pack_model

OUT = Path("default.safetensors")
OPTIONS = {"width": 4, "depth": 2}
POINT = OperatingPoint(0.4321, "highest pooled Dice", "chase", "validation", ("05",), 0.8123)
CARD = Card(
    "unet", OPTIONS, VESSELS, InputConfig(), PredictConfig(), dataset="joined",
    splits={"train": ("chase-a", "hrf-b"), "validation": ("chase-c",), "test": ("hrf-d",)},
    train_patients=("chase-04", "hrf-b"), validation_patients=("chase-05",), operating_point=POINT,
    seen={"chase": ("04", "05"), "hrf": ("b",)}, epoch=3,
)  # fmt: skip
SUMMARY: dict[str, Any] = {
    "dataset": "hrf",
    "split": "test",
    "subject": "patient",
    "n_images": 30,
    "n_patients": 29,
    "pooled": {"dice": 0.81237, "ece": 0.00654, "betti0": 12.34, "auc": None},
    "per_image_mean": {"dice": 0.80999, "betti0": 12.34},
    "intervals": {"pooled": {"dice": [0.8011, 0.8244], "ece": None}, "per_image_mean": {}},
    "protocol": "hrf, test: inside the field of view.",
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def finished(folder: Path, stage: str, config: Mapping[str, Any], **facts: Any) -> None:
    made = {"git_commit": "abc123def456", "device": "cuda (H1)", "cpu_cores": 2, "seed": 5, "finished": "2026-01-01"}
    folder.mkdir(parents=True, exist_ok=True)
    Manifest(stage, 1, "k", config, {}, {}, made, facts).write(folder)


def train(card: Card = CARD) -> Path:
    """A finished run in runs/mine."""
    torch.manual_seed(0)
    net = build(ModelConfig(options=dict(card.options)), 3, VESSELS.count)
    save_weights(Path("runs/mine/train/best.safetensors"), net, card)
    finished(
        Path("runs/mine/train"),
        "train",
        {"seed": 5, "train": {"lr": 0.00123}},
        training_seconds=754.0,
        epochs=3,
        steps=9,
    )
    return Path("mine")


def evaluate(card: Card = CARD, **scoring: Any) -> Path:
    """The scores of a run with this card on a set that was prepared, and predicted, with settings of its own."""
    asked = DatasetConfig(name="hrf", estimate_fov=True).model_dump(mode="json")
    finished(Path("set"), "prepare", {"dataset": asked})
    predicting = PredictConfig(flips=4, all_classes=True).model_dump(mode="json")
    finished(Path("runs/mine/predict/hrf"), "predict", {"predict": predicting})
    folder = Path("runs/mine/evaluate/hrf")
    config = {"evaluate": EvaluateConfig(**scoring).model_dump(mode="json")}
    finished(folder, "evaluate", config, dataset="hrf", prepared="set", predictions=["runs/mine/predict/hrf"])
    (folder / "summary.json").write_text(json.dumps(SUMMARY))
    (folder / "protocol.json").write_text(json.dumps({"weights": card.to_json()}))
    return folder


def test_a_packed_file_holds_the_runs_weights_and_all_about_them():
    run = train()
    assert pack_model(run, OUT, evaluations=[evaluate()]) == OUT
    first, packed = (load_weights(p, torch.device("cpu")) for p in (Path("runs/mine/train/best.safetensors"), OUT))
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(first.net(image), packed.net(image))
    assert replace(packed.card, provenance=None) == first.card
    told = packed.card.provenance
    assert told is not None
    assert (told.name, told.licence, told.git_commit) == ("default", "CC BY 4.0", "abc123def456")
    assert [line.partition(":")[0] for line in told.credits] == ["CHASE_DB1 (CC BY 4.0)", "HRF (CC BY 4.0)"]
    assert "Budai et al." in told.credits[1]
    assert told.hardware == "cuda (H1), 2 CPU cores"
    assert told.training == "12 min 34 s, 3 epochs, 9 steps, seed 5."
    assert told.config == {"seed": 5, "train": {"lr": 0.00123}}
    assert "CHASE_DB1 and HRF" in told.limits[0]
    (result,) = told.results
    assert (result.dataset, result.n_images, result.n_subjects) == ("HRF", 30, 29)
    assert result.pooled == {
        "dice": Figure(0.81237, 0.8011, 0.8244), "ece": Figure(0.00654), "betti0": Figure(12.34),
    }  # fmt: skip


def test_the_command_names_every_setting_that_is_not_the_usual_one():
    pack_model(train(), OUT, name="two words", evaluations=[evaluate(split="all", resamples=500)])
    told = read_card(OUT).provenance
    assert told is not None
    assert told.results[0].command == (
        "retseg prepare --dataset hrf --set dataset.estimate_fov=true && retseg evaluate --run 'two words' "
        "--dataset hrf --split all --set evaluate.resamples=500 --set predict.flips=4"
    )


def test_figures_of_a_packed_model_go_into_the_next_packing():
    run = train()
    pack_model(run, OUT, evaluations=[evaluate()])
    pack_model(run, OUT, evaluations=[evaluate(read_card(OUT))])


def test_what_must_not_be_packed():
    run = train()
    with pytest.raises(InputError, match="not the scores of these weights"):
        pack_model(run, OUT, evaluations=[evaluate(replace(CARD, seed=6))])
    with pytest.raises(InputError, match="result of `retseg predict`"):
        pack_model(run, OUT, evaluations=[Path("runs/mine/predict/hrf")])
    train(replace(CARD, seen={"somebody's": ("1",)}))
    with pytest.raises(InputError, match="terms of a dataset .* are not known"):
        pack_model(run, OUT)
    train(replace(CARD, options={"width": 48, "depth": 4}))
    with pytest.raises(OutputError, match=r"would have \d+\.\d MB.* at most 4 MB"):
        pack_model(run, OUT)
    assert not OUT.exists()


def test_a_shipped_model_is_not_packed_again(shipped):
    pack_model(train(), shipped / "default.safetensors")
    with pytest.raises(InputError, match="packed already"):
        pack_model(Path("default"), OUT)


def test_the_card_tells_what_the_file_holds():
    pack_model(train(), OUT, evaluations=[evaluate()])
    text = model_card(str(OUT))
    assert text.startswith("# Model card: default\n")
    for words in (
        "trained on CHASE_DB1 and HRF",
        "| Dice | 0.8124 (0.8011 to 0.8244) | 0.8100 |",
        "| Betti-0 | 12.34 | 12.34 |",
        "HRF, test: 30 photographs, n = 29 patients",
        "- ECE on HRF, test (n = 29 patients): 0.0065.",
        "Above 0.4321 a pixel counts as vessel.",
        "highest pooled Dice, which reached 0.8123 there",
        "It was fitted on 1 patient of CHASE_DB1, validation: 05.",
        "| train | 2: chase-a, hrf-b |",
        "Licence of the weights: CC BY 4.0.",
        "Budai et al.",
        "- Commit: abc123def456",
        "lr: 0.00123",
        "`retseg prepare --dataset hrf",
    ):
        assert words in text, words
    assert text.count("Research use only") == 1
    parameters = sum(p.numel() for p in load_weights(OUT, torch.device("cpu")).net.parameters())
    assert f"{parameters:,} parameters; the file has {OUT.stat().st_size / 1e6:.2f} MB" in text


def test_the_card_of_a_run_is_told_by_its_folders_and_leaves_out_what_is_not_its_own():
    train()
    evaluate()
    assert "0.8124 (0.8011 to 0.8244)" in model_card("mine")
    evaluate(replace(CARD, seed=6))
    text = model_card("mine")
    assert "0.8124" not in text
    assert "lr: 0.00123" in text


def test_the_card_of_weights_that_tell_nothing_says_so():
    train()
    Path("runs/mine/train/best.safetensors").rename("alone.safetensors")
    text = model_card("alone.safetensors")
    assert "# Model card: alone\n" in text
    assert "This file does not tell." in text
