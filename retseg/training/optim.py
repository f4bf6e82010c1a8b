"""The optimiser over a net's two parts, and the moving average of the weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from retseg.training.config import TrainConfig
from retseg.training.muon import Muon
from retseg.training.schedule import Rates

_MOMENTUM = 0.9


def encoder_parameters(net: nn.Module, encoder: Sequence[str]) -> list[nn.Parameter]:
    """The parameters whose names begin with one of the prefixes `encoder`."""
    return [parameter for name, parameter in net.named_parameters() if name.startswith(tuple(encoder))]


def build_optimiser(net: nn.Module, config: TrainConfig, encoder: Sequence[str] = ()) -> torch.optim.Optimizer:
    """The configured optimiser over the net's parameters; those of the encoder are groups of their own."""
    apart = {id(parameter) for parameter in encoder_parameters(net, encoder)} if encoder else set()
    groups = [
        {
            "params": [p for p in net.parameters() if (p.ndim > 1) == decays and (id(p) in apart) == in_encoder],
            # Decay would pull biases and the scales of normalisations to zero, which has no use.
            "weight_decay": config.weight_decay if decays else 0.0,
            "in_encoder": in_encoder,
        }
        for in_encoder in (False, True)
        for decays in (True, False)
    ]
    groups = [group for group in groups if group["params"]]
    match config.optimiser:
        case "adam":
            return torch.optim.Adam(groups, lr=config.lr)
        case "adamw":
            return torch.optim.AdamW(groups, lr=config.lr)
        case "muon":
            return Muon(groups, lr=config.lr)
        case "sgd":
            return torch.optim.SGD(groups, lr=config.lr, momentum=_MOMENTUM, nesterov=True)


def set_learning_rates(optimiser: torch.optim.Optimizer, rates: Rates) -> None:
    """Gives the parameters of either part their learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rates.encoder if group["in_encoder"] else rates.rest


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
