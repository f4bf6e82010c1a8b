"""What changes while a net is trained, and carrying all of it through a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from retseg.training.history import Epoch
from retseg.training.optim import MovingAverage
from retseg.training.resume import Checkpoint

_NET, _AVERAGE, _OPTIMISER, _BEST = "net/", "average/", "optimiser/", "best/"


@dataclass(slots=True, eq=False)
class TrainingState:
    """The state of a training: nets, optimiser, what happened so far and the best weights so far.

    `step` counts the optimiser's steps, `epoch` the finished epochs. `first_loss` is the loss of the first step. `best`
    are the weights to keep, on the host.
    """

    net: nn.Module
    optimiser: torch.optim.Optimizer
    average: MovingAverage | None = None
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)
    first_loss: float | None = None
    best_epoch: int | None = None
    best_dice: float | None = None
    best: dict[str, Tensor] = field(default_factory=dict)

    @property
    def judged(self) -> nn.Module:
        """The net that is scored and kept: the moving average where there is one."""
        return self.average.net if self.average is not None else self.net

    def keep_if_best(self, dice: float | None) -> None:
        """Takes the judged weights as the best if `dice` is higher than ever before; None is no score."""
        if dice is None or (self.best_dice is not None and dice <= self.best_dice):
            return
        self.best_dice, self.best_epoch = dice, self.epoch
        self.best = {name: value.detach().to("cpu", copy=True) for name, value in self.judged.state_dict().items()}

    def checkpoint(self, configuration: Mapping[str, Any]) -> Checkpoint:
        """Everything that the training needs to go on."""
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "history": [epoch.to_json() for epoch in self.history],
            "first_loss": self.first_loss,
            "best_epoch": self.best_epoch,
            "best_dice": self.best_dice,
        }
        return Checkpoint(configuration, progress, dict(self._tensors()))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes back to a checkpoint, to the last bit. KeyError, RuntimeError or ValueError if it does not fit."""
        tensors, progress = checkpoint.tensors, checkpoint.progress
        self.net.load_state_dict(_below(tensors, _NET))
        if self.average is not None:
            self.average.net.load_state_dict(_below(tensors, _AVERAGE))
        self._restore_optimiser(_below(tensors, _OPTIMISER))
        self.best = _below(tensors, _BEST)
        self.epoch, self.step, self.seconds = progress["epoch"], progress["step"], progress["seconds"]
        self.history = [Epoch.from_json(epoch) for epoch in progress["history"]]
        self.first_loss = progress["first_loss"]
        self.best_epoch, self.best_dice = progress["best_epoch"], progress["best_dice"]

    def finite(self) -> bool:
        """Whether every weight of the judged net is a finite number."""
        sums = [value.detach().float().sum() for value in self.judged.parameters()]
        return not sums or bool(torch.stack(sums).isfinite().all())

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for name, value in self.net.state_dict().items():
            yield _NET + name, value
        if self.average is not None:
            for name, value in self.average.net.state_dict().items():
                yield _AVERAGE + name, value
        for index, entries in self.optimiser.state_dict()["state"].items():
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    yield f"{_OPTIMISER}{index}/{key}", value
        for name, value in self.best.items():
            yield _BEST + name, value

    def _restore_optimiser(self, tensors: Mapping[str, Tensor]) -> None:
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            index, _, key = name.partition("/")
            parameter = parameters[int(index)]
            if value.shape == parameter.shape and value.ndim:
                # In the parameter's own memory layout, as the optimiser had made it.
                value = torch.empty_like(parameter, requires_grad=False).copy_(value)
            state.setdefault(int(index), {})[key] = value
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
