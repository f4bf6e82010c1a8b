"""How the learning rates go over a training: its schedule, and its part in which the encoder is frozen."""

from __future__ import annotations

import math
from typing import NamedTuple

from retseg.training.config import TrainConfig

_ONE_CYCLE_RISE = 0.3
_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = 1e-4
"""The policy's usual numbers: share of the steps that rise, and where it starts and ends as shares of the peak."""
_CYCLE_LOW = 0.1


class Rates(NamedTuple):
    """Learning rates of the encoder and of everything else. An encoder at 0 is frozen."""

    rest: float
    encoder: float


def learning_rates(config: TrainConfig, position: float, steps: int, frozen_steps: int = 0) -> Rates:
    """The learning rates of the step at `position`, counted from 0, of `steps` in all.

    During the first `frozen_steps` steps the encoder is frozen; before and after them the schedule runs through once.
    A position between two whole numbers belongs to a training that ends by the clock.
    """
    if position < frozen_steps:
        peak = config.frozen_lr or config.lr
        return Rates(peak * share_of_peak(config, position, frozen_steps), 0.0)
    share = share_of_peak(config, position - frozen_steps, steps - frozen_steps)
    return Rates(config.lr * share, (config.encoder_lr or config.lr) * share)


def share_of_peak(config: TrainConfig, position: float, steps: int) -> float:
    """The schedule itself: the share, 0 to 1, of the highest learning rate at `position` of `steps`."""
    if config.schedule == "one-cycle":
        return _one_cycle(position / max(1, steps))
    if config.schedule == "cyclical":
        height = 1 - abs(2 * (min(position / max(1, steps), 1.0) * config.cycles % 1) - 1)
        return _CYCLE_LOW + (1 - _CYCLE_LOW) * height
    rising = round(config.warmup * steps)
    if position < rising:
        return (position + 1) / (rising + 1)
    done = (position - rising) / max(1, steps - rising)
    match config.schedule:
        case "constant":
            return 1.0
        case "step":
            return float(config.decay ** min(int(done * config.stages), config.stages - 1))
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def _one_cycle(done: float) -> float:
    if done < _ONE_CYCLE_RISE:
        return _along_cosine(_ONE_CYCLE_START, 1.0, done / _ONE_CYCLE_RISE)
    return _along_cosine(1.0, _ONE_CYCLE_END, min(1.0, (done - _ONE_CYCLE_RISE) / (1 - _ONE_CYCLE_RISE)))


def _along_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))
