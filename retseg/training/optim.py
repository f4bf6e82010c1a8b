"""The optimiser, the learning rate's schedule, and the moving average of the weights."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from retseg.training.config import TrainConfig

_MOMENTUM = 0.9


def build_optimiser(net: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The configured optimiser over the net's trainable parameters."""
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
        # Decay would pull biases and the scales of normalisations to zero, which has no use.
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    match config.optimiser:
        case "adam":
            return torch.optim.Adam(groups, lr=config.lr)
        case "adamw":
            return torch.optim.AdamW(groups, lr=config.lr)
        case "sgd":
            return torch.optim.SGD(groups, lr=config.lr, momentum=_MOMENTUM, nesterov=True)


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of step number `step`, counted from 0, of `steps` in all."""
    rising = round(config.warmup * steps)
    if step < rising:
        return config.lr * (step + 1) / (rising + 1)
    if config.schedule == "constant":
        return config.lr
    done = (step - rising) / max(1, steps - rising)
    return config.lr * 0.5 * (1 + math.cos(math.pi * done))


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Gives all parameters this learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate


class MovingAverage:
    """An exponential moving average of a net's weights and running statistics, as a net of its own.

    Args:
        net: The net that is trained.
        decay: How much of the average stays in each step, once it has seen enough of them.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).requires_grad_(False)

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Takes in the weights after step number `step`, counted from 0."""
        # A short memory at first: the earliest weights are random and should be forgotten soon.
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for average, value in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if average.is_floating_point():
                average.lerp_(value, weight)
            else:
                average.copy_(value)
