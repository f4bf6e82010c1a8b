"""Learning a few photographs by heart: the quickest proof that a net, its loss and its labels fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retseg.core.errors import RetsegError
from retseg.training.config import AugmentConfig
from retseg.training.history import Epoch
from retseg.training.job import TrainJob
from retseg.training.recipes import NO_AUGMENTATION

NEAR_ZERO = 0.05
"""The share of its first loss that a net must come down to."""
_PER_IMAGE = 2
"""Patches of each photograph, where the configuration does not say how many."""


def overfit_job(job: TrainJob) -> TrainJob:
    """The job as `train.overfit` wants it: the same few patches over and over, nothing that hides a mistake.

    No augmentation, no dropout, no weight decay, no moving average, nobody set aside, and the last weights are kept.
    """
    images = job.train.overfit
    if images is None:
        return job
    per_image = job.sampling.patches_per_image or _PER_IMAGE
    plain: dict[str, Any] = {
        "batch": min(job.train.batch, per_image * images),
        "validation_fraction": 0.0,
        "keep": "last",
        "ema": 0.0,
        "weight_decay": 0.0,
        "early_stopping": None,
    }
    return replace(
        job,
        augment=AugmentConfig.model_validate(NO_AUGMENTATION),
        sampling=job.sampling.model_copy(update={"fixed": True, "patches_per_image": per_image}),
        train=job.train.model_copy(update=plain),
    )


def require_learnt(job: TrainJob, first_loss: float, history: Sequence[Epoch]) -> None:
    """RetsegError unless the last epoch's loss is nearly zero, measured by the loss of the very first batch."""
    last = history[-1].train_loss
    if last <= NEAR_ZERO * first_loss:
        return
    raise RetsegError(
        f"the net '{job.model.arch}' could not learn {job.train.overfit} photograph(s) by heart: after "
        f"{len(history)} epochs its loss is {last:.3g}, {last / first_loss:.0%} of the {first_loss:.3g} that it began "
        f"with, and more than {NEAR_ZERO:.0%} is not learnt",
        fix="Give it more epochs or another learning rate (--set train.epochs=..., train.lr=...), take a larger net, "
        "or look for wrong labels",
    )
