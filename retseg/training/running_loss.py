"""The loss of an epoch so far, kept on the device so that a step need not wait for it."""

from __future__ import annotations

import torch
from torch import Tensor

from retseg.core.errors import RetsegError


class RunningLoss:
    """Adds up the losses of an epoch's batches.

    Args:
        epoch: The epoch's number, for messages.
        device: Where the losses are.
    """

    def __init__(self, epoch: int, device: torch.device) -> None:
        self.epoch = epoch
        self._total = torch.zeros((), device=device)
        self._bad_step = torch.full((), -1, dtype=torch.int64, device=device)
        self._patches = 0

    def add(self, loss: Tensor, step: int, patches: int) -> None:
        """Adds the mean loss of a batch of `patches` patches, without waiting for it."""
        bad = ~loss.isfinite() & (self._bad_step < 0)
        self._bad_step = torch.where(bad, step, self._bad_step)
        self._total = self._total + loss * patches
        self._patches += patches

    def mean(self) -> float:
        """Mean loss over the patches so far; RetsegError if one of the losses was not a finite number."""
        step = int(self._bad_step)
        if step >= 0:
            raise self.diverged(step)
        return float(self._total) / self._patches

    def diverged(self, step: int) -> RetsegError:
        """The error for a training whose numbers are no longer finite since `step`, counted from 0."""
        return RetsegError(
            f"the training diverged: the loss or the weights are not finite numbers in epoch {self.epoch}, "
            f"step {step + 1}",
            fix="Lower the learning rate (--set train.lr=3e-4), or switch mixed precision off "
            "(--set train.mixed_precision=off), and train anew with --force",
        )
