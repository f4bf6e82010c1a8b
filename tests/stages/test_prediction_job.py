"""Photographs side by side: the same files as one after another, and nothing lost when one is bad or Ctrl-C comes."""

from __future__ import annotations

import csv

import pytest
import torch

from retseg.core.types import OperatingPoint
from retseg.datasets.base import DEFAULT_CLASSES
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import save_weights
from retseg.inference.config import PredictConfig
from retseg.inference.writer import PredictionWriter
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.stages.predict import predict_photographs
from retseg.stages.prediction_job import PredictionJob
from retseg.stages.settings import Settings


@pytest.fixture
def run(tmp_path):
    """A run with an untrained net."""
    torch.manual_seed(0)
    net = build(ModelConfig(arch="unet", options={"width": 4, "depth": 2}), 3, DEFAULT_CLASSES.count)
    point = OperatingPoint(0.33, "highest pooled Dice", "eyes", "validation", ("1",))
    options = {"width": 4, "depth": 2}
    card = Card("unet", options, DEFAULT_CLASSES, InputConfig(), PredictConfig(), operating_point=point)
    (tmp_path / "run/train").mkdir(parents=True)
    save_weights(tmp_path / "run/train/best.safetensors", net, card)
    return tmp_path / "run"


@pytest.fixture
def threads():
    """Sets torch's threads for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def taken(monkeypatch):
    """How many streams each prediction took; empty for one that went in line."""
    found = []
    side_by_side = PredictionJob._side_by_side

    def noted(self, samples, predictor, writer, streams):
        found.append(streams)
        return side_by_side(self, samples, predictor, writer, streams)

    monkeypatch.setattr(PredictionJob, "_side_by_side", noted)
    return found


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def test_side_by_side_gives_the_files_of_one_after_another(run, photographs, tmp_path, threads, taken):
    (photographs / "broken.png").write_bytes(b"\x89PNG and no more")
    threads(1)
    predict_photographs(Settings(), photographs, run=run, out=tmp_path / "line", device="cpu")
    assert taken == []
    threads(2)
    done = predict_photographs(Settings(), photographs, run=run, out=tmp_path / "side", device="cpu")
    assert taken == [2]
    assert torch.get_num_threads() == 2
    assert files(tmp_path / "side") == files(tmp_path / "line")
    assert len(files(tmp_path / "side")) == 3 * 4  # prob, mask, fov, overlay
    assert done.manifest.facts["images"] == 3
    assert done.manifest.facts["net_seconds"] > 0
    with (tmp_path / "side/failures.csv").open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["broken"]


def test_a_single_photograph_has_all_threads_to_itself(run, photographs, tmp_path, threads, taken):
    threads(2)
    predict_photographs(Settings(), photographs / "eye0.png", run=run, out=tmp_path / "one", device="cpu")
    assert taken == []


def test_interrupted_side_by_side_it_goes_on_with_the_rest(run, photographs, tmp_path, threads, monkeypatch):
    threads(2)
    write, written = PredictionWriter.write, []

    def interrupted(self, prediction):
        if prediction.id == "eye2":
            raise KeyboardInterrupt
        written.append(prediction.id)
        write(self, prediction)

    monkeypatch.setattr(PredictionWriter, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict_photographs(Settings(), photographs, run=run, out=tmp_path / "out", device="cpu")
    assert torch.get_num_threads() == 2
    assert sorted(written) == ["eye0", "eye1"]
    monkeypatch.setattr(PredictionWriter, "write", lambda self, one: (written.append(one.id), write(self, one)))
    predict_photographs(Settings(), photographs, run=run, out=tmp_path / "out", device="cpu")
    assert sorted(written) == ["eye0", "eye1", "eye2"]
    assert len(list((tmp_path / "out/mask").glob("*.png"))) == 3
