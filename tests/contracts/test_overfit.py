"""Every registered architecture learns two generated photographs by heart, through `train.overfit`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from retseg.core.manifest import Manifest
from retseg.core.types import CLASS_MAP, Case, Classes, ClassInfo, Sample
from retseg.datasets.prepared import PreparedSet, save_case, write_index
from retseg.imaging.config import InputConfig
from retseg.losses.config import LossConfig
from retseg.models.config import ModelConfig
from retseg.models.registry import MODELS
from retseg.training.config import SamplingConfig, TrainConfig
from retseg.training.job import TrainJob
from retseg.training.loop import fit
from retseg.training.overfit import NEAR_ZERO

LARGE = {"segnet-vgg16", "resunet18", "resunet34", "resunet50"}
"""Nets that take more than about ten seconds for it on one core."""

LANDSCAPE = Classes("landscape", tuple(ClassInfo(name, (i, i, i)) for i, name in enumerate(("sky", "sea", "sand"))))
COLOURS = np.array([(90, 140, 220), (20, 60, 110), (200, 180, 120)], np.uint8)


def photograph(name: str, blocks: list[list[int]], seed: int) -> Case:
    """Blocks of 32 x 32 pixels: even a net whose coarsest map has one cell for each can draw them."""
    label = np.kron(np.array(blocks, np.uint8), np.ones((32, 32), np.uint8))
    noise = np.random.default_rng(seed).integers(0, 20, (*label.shape, 3))
    image = (COLOURS[label] + noise).astype(np.uint8)
    sample = Sample(name, name, Path(f"{name}.png"), "train", labels={"first": Path("first.png")})
    return Case(sample, image, np.ones(label.shape, bool), {CLASS_MAP: label})


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    folder = tmp_path_factory.mktemp("two")
    cases = [photograph("one", [[0, 1], [2, 1]], 0), photograph("two", [[2, 0], [0, 1]], 1)]
    write_index(folder, [save_case(folder, case) for case in cases])
    facts = {"dataset": "landscape", "classes": LANDSCAPE.to_json()}
    Manifest("prepare", 1, "key", {}, {}, {}, {}, facts).write(folder)
    return PreparedSet.open(folder)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in MODELS.names()]
)
def test_it_learns_two_photographs_by_heart(name: str, two: PreparedSet, tmp_path: Path) -> None:
    job = TrainJob(
        prepared=two,
        out=tmp_path / "run",
        model=ModelConfig(arch=name),
        loss=LossConfig(name="nll"),
        input=InputConfig(crop=False),
        train=TrainConfig(epochs=20, steps_per_epoch=5, batch=2, lr=1e-2, clip=1.0, overfit=2),
        sampling=SamplingConfig(patch_size=64),
    )
    result = fit(job)  # which fails unless the loss comes down to a twentieth of what it was
    assert result.history[-1].train_loss < NEAR_ZERO * 1.5
    assert result.facts["overfit"] == 2
