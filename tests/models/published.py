"""The tensors of torchvision's classifiers: names and shapes as published, values made up but the same everywhere.

`torchvision_names/NAME.txt` lists `torchvision.models.NAME(weights=None).state_dict()` of torchvision 0.29.2, which
are the names and shapes of the published weights files: a name and a shape a line.
"""

from __future__ import annotations

from math import prod, sqrt
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).with_name("torchvision_names")
CLASSIFIER = ("fc.", "classifier.")


def published_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the published file, the classifier's among them."""
    lines = (line.split() for line in (FOLDER / f"{name}.txt").read_text().splitlines())
    return {key: () if shape == "scalar" else tuple(map(int, shape.split("x"))) for key, shape in lines}


def made_up(name: str) -> dict[str, Tensor]:
    """A tensor for each of `published_shapes`, of such size that the features of the net neither vanish nor explode."""
    return {key: _values(key, shape, number) for number, (key, shape) in enumerate(published_shapes(name).items())}


def made_up_image(side: int = 64) -> Tensor:
    """An image (1, 3, side, side) with values between -1 and 1."""
    return 2 * _uniform((1, 3, side, side), 1_000_003) - 1


def _values(key: str, shape: tuple[int, ...], number: int) -> Tensor:
    uniform = _uniform(shape, 7919 * number)
    if key.endswith("num_batches_tracked"):
        return torch.tensor(number)
    if len(shape) > 1:
        return (2 * uniform - 1) * sqrt(6 / prod(shape[1:]))
    if key.endswith(("running_var", "weight")):
        return 0.5 + uniform
    return 0.4 * uniform - 0.2


def _uniform(shape: tuple[int, ...], offset: int) -> Tensor:
    """Numbers from 0 to 1 by an integer hash, which every machine and every version of torch computes alike."""
    mixed = np.arange(offset, offset + prod(shape), dtype=np.uint32)
    for _ in range(2):
        mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x45D9F3B)
    mixed ^= mixed >> np.uint32(16)
    return torch.from_numpy((mixed / 2**32).astype(np.float32)).reshape(shape)
