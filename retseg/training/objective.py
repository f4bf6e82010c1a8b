"""What a training minimises: the loss of the class map, of auxiliary predictions, and of the net's heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from retseg.core.types import CLASS_MAP, Classes, UInt8Array, UInt16Array
from retseg.losses.config import LossConfig
from retseg.losses.deep import deeply_supervised
from retseg.losses.loss import LossFunction
from retseg.losses.registry import build_loss
from retseg.models.config import ModelConfig
from retseg.models.heads import Head, heads_of, split

LEVELS = 255
"""Targets of heads are kept in 8 bits: what lies in 0..1 has so many steps."""


@dataclass(frozen=True, slots=True)
class Objective:
    """Takes the loss of a net's result.

    Args:
        classes: The class table.
        heads: What the net tells of each pixel beside its class.
        loss: Of the class map.
        auxiliary: Weight of each auxiliary prediction beside the one before it.
        heads_weight: Weight of each head's loss beside that of the class map.
    """

    classes: Classes
    heads: tuple[Head, ...]
    loss: LossFunction
    auxiliary: float = 0.0
    heads_weight: float = 1.0

    @classmethod
    def of(cls, model: ModelConfig, loss: LossConfig, classes: Classes, weights: Tensor | None = None) -> Objective:
        """What the configuration asks for; `weights` are one a class, or None."""
        heads = heads_of(model)
        return cls(classes, heads, build_loss(loss, classes, weights), loss.auxiliary, loss.heads)

    def __call__(self, result: Tensor | Mapping[str, Tensor], targets: Tensor) -> Tensor:
        """The loss, a scalar in float32; `targets` (B, K, H, W) uint8 as `planes` makes them."""
        named, further = split(result, self.classes.count, self.heads)
        labels = targets[:, 0].long()
        total = deeply_supervised(self.loss, [named[CLASS_MAP], *further], labels, self.auxiliary)
        counted, first = labels != self.classes.ignore, 1
        for head in self.heads:
            wanted = targets[:, first : first + head.channels].float() / LEVELS
            total = total + self.heads_weight * head.loss(named[head.name], wanted, counted)
            first += head.channels
        return total

    def logits(self, result: Tensor | Mapping[str, Tensor]) -> Tensor:
        """The class logits (B, classes, H, W) of a net's result."""
        return split(result, self.classes.count, self.heads)[0][CLASS_MAP]


def planes(labels: UInt8Array, instances: UInt16Array | None, heads: Sequence[Head]) -> Tensor:
    """What is to be learnt of one photograph: (1 + channels of the heads, H, W) uint8, the class map first.

    `instances` (H, W) is needed where there are heads.
    """
    found = [torch.from_numpy(labels)[None]]
    for head in heads:
        assert instances is not None
        found.append((torch.from_numpy(head.target(instances)) * LEVELS).round().to(torch.uint8))
    return torch.cat(found)
