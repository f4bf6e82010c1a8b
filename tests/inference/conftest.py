from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from retseg.core.types import Classes, ClassInfo, OperatingPoint
from retseg.datasets.base import VESSELS
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import LoadedModel
from retseg.inference.config import PredictConfig
from retseg.models.build import build
from retseg.models.config import ModelConfig

SCENE = Classes(
    "scene",
    tuple(ClassInfo(name, colour) for name, colour in [
        ("sky", (0, 114, 178)), ("tree", (0, 158, 115)), ("road", (204, 121, 167)), ("water", (86, 180, 233)),
    ]),
)  # fmt: skip


@pytest.fixture
def scene() -> Classes:
    """A task with several classes and no positive one."""
    return SCENE


@pytest.fixture
def make_card() -> Callable[..., Card]:
    def make(**changes: Any) -> Card:
        values: dict[str, Any] = {
            "arch": "unet",
            "options": {"width": 4, "depth": 2},
            "classes": VESSELS,
            "input": InputConfig(),
            "predict": PredictConfig(),
            "dataset": "eyes",
            "splits": {"train": ("a", "b"), "test": ("c",)},
            "train_patients": ("1", "2"),
            "validation_patients": ("3",),
            "operating_point": OperatingPoint(0.41, "maximal Dice", "eyes", "validation", ("3",), 0.8),
            "seed": 7,
            "epoch": 12,
            "retseg": "0.1.0",
            "torch": torch.__version__,
        }
        return Card(**(values | changes))

    return make


@pytest.fixture
def make_model(make_card: Callable[..., Card]) -> Callable[..., LoadedModel]:
    """A freshly initialised net with its card; or, around a given net, a card that tells only how its input is made."""

    def make(net: nn.Module | None = None, **changes: Any) -> LoadedModel:
        card = make_card(**changes)
        torch.manual_seed(0)
        made = net or build(
            ModelConfig(arch=card.arch, options=dict(card.options)), card.in_channels, card.classes.count
        )
        return LoadedModel(made.eval(), card)

    return make


@pytest.fixture
def make_photograph() -> Callable[[int, int], tuple[np.ndarray, np.ndarray]]:
    """A noisy photograph with an elliptic field of view that leaves a margin."""

    def make(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = np.ogrid[:height, :width]
        fov = ((rows - height / 2) / (0.45 * height)) ** 2 + ((columns - width / 2) / (0.42 * width)) ** 2 < 1
        image = np.random.default_rng(height * 10007 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
        return np.where(fov[..., None], image, np.uint8(3)), fov

    return make
