"""Judging a net in mid-training: cheaply, and in every epoch on the same pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from retseg.core.types import Classes
from retseg.metrics.confusion import class_counts
from retseg.metrics.ranking import LEVELS, ScoreHistogram
from retseg.training.batches import Batches
from retseg.training.config import AugmentConfig
from retseg.training.images import TrainingImages
from retseg.training.objective import Objective
from retseg.training.precision import Precision
from retseg.training.sampling import Patches

TILE = 256
"""About the side of a validation tile in pixels."""

_PIXELS_PER_PASS = {"cpu": 4 * TILE**2, "cuda": 64 * TILE**2}


class Scores(NamedTuple):
    """What an epoch reached; see `history.Epoch`. None stands for what cannot be measured."""

    loss: float
    dice: float | None
    auc: float | None


class Tiles(NamedTuple):
    """Tiles of one side, all of one image."""

    patches: Patches
    side: int


@dataclass(frozen=True, slots=True)
class Validator:
    """Takes a net's loss and scores on tiles of some images. Pixels outside the field of view count in the loss only.

    Args:
        images: The images.
        objective: What the training minimises.
        multiple: What the tiles' side must be a multiple of (the net's stride).
        limit: Most tiles in all.
        precision: How the net computes.
    """

    images: TrainingImages
    objective: Objective
    multiple: int
    limit: int
    precision: Precision

    def scores(self, net: nn.Module) -> Scores:
        """Loss, highest pooled Dice and AUC; without a positive class the mean Dice. Leaves the net in eval mode."""
        classes = self.images.classes
        bins = 2 * LEVELS if classes.positive is not None else classes.count**2
        counts = torch.zeros(bins, dtype=torch.int64, device=self.images.device)
        total, pixels = torch.zeros((), device=self.images.device), 0
        net.eval()
        with torch.inference_mode():
            for pictures, targets in self._batches():
                with self.precision.autocast():
                    result = net(pictures)
                size = targets[:, 0].numel()
                total += self.objective(result, targets) * size
                pixels += size
                counts += _tally(self.objective.logits(result).float(), targets[:, 0].long(), classes, bins)
        loss = float(total) / pixels
        return Scores(loss, *_judged(counts, classes))

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        batches = Batches(self.images, AugmentConfig(), TILE, 0)
        budget = _PIXELS_PER_PASS.get(self.images.device.type, _PIXELS_PER_PASS["cpu"])
        for tiles in validation_tiles(self.images, self.multiple, self.limit):
            size = max(1, budget // tiles.side**2)
            for first in range(0, len(tiles.patches), size):
                yield batches.plain(tiles.patches[first : first + size], tiles.side)


def validation_tiles(images: TrainingImages, multiple: int, limit: int) -> list[Tiles]:
    """Tiles without overlap that cover the images, image by image; at most `limit` of them, evenly spread."""
    found: list[Tiles] = []
    for index, (height, width) in enumerate(images.sizes.tolist()):
        shares = (math.ceil(extent / math.ceil(extent / TILE)) for extent in (height, width))
        side = math.ceil(max(shares) / multiple) * multiple
        rows, columns = np.arange(0, height, side), np.arange(0, width, side)
        top, left = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        found.append(Tiles(Patches(np.full(len(top), index), top, left), side))
    total = sum(len(tiles.patches) for tiles in found)
    chosen = np.unique(np.linspace(0, total - 1, min(limit, total)).round().astype(np.int64))
    kept, first = [], 0
    for tiles in found:
        last = first + len(tiles.patches)
        mine = chosen[(chosen >= first) & (chosen < last)] - first
        if len(mine):
            kept.append(Tiles(tiles.patches[mine], tiles.side))
        first = last
    return kept


def _tally(logits: Tensor, labels: Tensor, classes: Classes, bins: int) -> Tensor:
    """Counts of (truth, 16-bit score) where there is a positive class, else of (true class, most probable class)."""
    counted = labels != classes.ignore
    if classes.outside is not None:
        counted &= labels != classes.outside
    if classes.positive is not None:
        score = (logits.softmax(1)[:, classes.positive] * (LEVELS - 1)).round().nan_to_num(0).long()
        key = score + LEVELS * (labels == classes.positive)
    else:
        key = labels * classes.count + logits.argmax(1)
    # One bin more for the pixels that do not count, so that nothing has to be selected.
    return torch.bincount(torch.where(counted, key, bins).flatten(), minlength=bins + 1)[:bins]


def _judged(counts: Tensor, classes: Classes) -> tuple[float | None, float | None]:
    figures = counts.cpu().numpy()
    if classes.positive is not None:
        histogram = ScoreHistogram(pos=figures[LEVELS:], neg=figures[:LEVELS])
        return _known(histogram.best_dice_threshold()[1]), _known(histogram.roc_auc())
    found = class_counts(figures.reshape(classes.count, classes.count))
    dices = [c.dice() for index, c in enumerate(found) if c is not None and index in classes.scored]
    return (float(np.mean(dices)) if dices else None), None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
