"""What a training is given, and what it hands back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from retseg.core.errors import ConfigError, InputError
from retseg.core.progress import Progress
from retseg.core.types import OperatingPoint, Sample
from retseg.datasets.prepared import PreparedSet
from retseg.datasets.splits import TRAIN, VALIDATION, hold_out_of_each
from retseg.imaging.config import InputConfig
from retseg.losses.config import LossConfig
from retseg.models.build import input_multiple, resolve
from retseg.models.config import ModelConfig
from retseg.models.registry import MODELS
from retseg.training.config import AugmentConfig, SamplingConfig, TrainConfig
from retseg.training.history import Epoch
from retseg.training.images import TrainingImages, labelled


@dataclass(frozen=True, slots=True, eq=False)
class TrainJob:
    """A training to be done.

    Attributes:
        prepared: The set; its split "train" is trained on.
        out: Folder that receives the results, and last.ckpt while it goes on.
        recipe: Name of the recipe that the sections come from; it is only noted.
        start: The weights file that `train.start` names.
        resume: Go on from last.ckpt in `out` if it is there.
        bar: Progress display; it is told the number of steps.
        checkpoint_seconds: Least time between two writes of last.ckpt, which happen at the end of epochs.
    """

    prepared: PreparedSet
    out: Path
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    input: InputConfig = field(default_factory=InputConfig)
    recipe: str = "default"
    start: Path | None = None
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    resume: bool = False
    bar: Progress | None = None
    checkpoint_seconds: float = 20.0

    def report(self, steps: int, note: str) -> None:
        """Tells the display of finished steps."""
        if self.bar is not None:
            self.bar.advance(steps, note)

    def sections(self) -> dict[str, Any]:
        """The configuration that the result depends on, JSON-ready."""
        named = {
            "model": self.model,
            "loss": self.loss,
            "train": self.train,
            "sampling": self.sampling,
            "augment": self.augment,
            "input": self.input,
        }
        return {
            "seed": self.seed,
            "recipe": self.recipe,
            **{name: section.model_dump(mode="json") for name, section in named.items()},
        }


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a training ended with. `epoch` is the one whose weights were kept; `facts` go into the manifest."""

    folder: Path
    epoch: int
    steps: int
    history: tuple[Epoch, ...]
    operating_point: OperatingPoint | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Course:
    """How long a training is: patches and steps in an epoch, steps in all, and those with a frozen encoder."""

    patches_per_epoch: int
    steps_per_epoch: int
    steps: int
    frozen_steps: int = 0

    @classmethod
    def plan(cls, train: TrainConfig, sampling: SamplingConfig, images: int) -> Course:
        """From the configuration and the number of training images."""
        per_image, steps = sampling.patches_per_image, train.steps_per_epoch
        if per_image is None and steps is None:
            raise ConfigError(
                "the length of an epoch is not given", fix="Set train.steps_per_epoch or sampling.patches_per_image"
            )
        if per_image is not None and steps is not None and not sampling.fixed:
            raise ConfigError(
                f"the length of an epoch is given twice: train.steps_per_epoch={steps} and "
                f"sampling.patches_per_image={per_image}",
                fix="Set one of them to null, for example --set train.steps_per_epoch=null",
            )
        in_step = train.batch * train.accumulate
        patches = steps * in_step if steps is not None else (per_image or 0) * images
        in_epoch = math.ceil(patches / in_step)
        total = train.epochs * in_epoch
        total = min(total, train.max_steps or total)
        frozen = train.freeze_encoder_epochs
        return cls(patches, in_epoch, total, total if frozen == "all" else min(total, frozen * in_epoch))

    @property
    def epochs(self) -> int:
        """Epochs, of which the last may be shorter than the others."""
        return math.ceil(self.steps / self.steps_per_epoch)

    def steps_in(self, epoch: int) -> int:
        """Steps of an epoch, counted from 1."""
        return min(self.steps_per_epoch, self.steps - (epoch - 1) * self.steps_per_epoch)


@dataclass(frozen=True, slots=True)
class Division:
    """The labelled training photographs, divided by patient into those that set the weights and those set aside."""

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]

    @classmethod
    def of(cls, prepared: PreparedSet, fraction: float, seed: int) -> Division:
        """Takes the set's own validation photographs; else sets patients aside, at least one where there are two.

        None if `fraction` is 0. Of a joined set, this is done for each member by itself.
        """
        samples = labelled(prepared, prepared.split(TRAIN))
        owners = labelled(prepared, prepared.split(VALIDATION)) if fraction > 0 else []
        if not samples:
            raise InputError(
                "the prepared set has no labelled photographs to train on",
                where=prepared.folder,
                fix="Give labels, or use a trained run with `retseg predict`",
            )
        settled = {_member(sample) for sample in owners}
        aside = hold_out_of_each((sample for sample in samples if _member(sample) not in settled), fraction, seed)
        return cls(
            tuple(sample for sample in samples if sample.patient not in aside),
            (*owners, *(sample for sample in samples if sample.patient in aside)),
        )

    def first(self, count: int | None) -> Division:
        """The same with the first `count` training photographs only; all of them if it is None."""
        if count is not None and count > len(self.train):
            raise ConfigError(
                f"there are {len(self.train)} training photographs, not {count}",
                where="train.overfit",
                fix=f"Choose 1 to {len(self.train)}",
            )
        return replace(self, train=self.train[:count])


def _member(sample: Sample) -> str | None:
    return sample.origin[0] if sample.origin is not None else None


def patch_side(share: float, images: TrainingImages, multiple: int) -> int:
    """The side of patches whose area is about this share of the median photograph's, a multiple of `multiple`."""
    side = math.sqrt(share * float(np.median(images.sizes.prod(axis=1))))
    return max(1, round(side / multiple)) * multiple


def require_encoder(model: ModelConfig, config: TrainConfig) -> None:
    """ConfigError if the encoder shall be treated by itself and the net has none to speak of."""
    asked = [
        f"train.{name}={getattr(config, name)}"
        for name in ("freeze_encoder_epochs", "encoder_lr", "encoder_weights")
        if getattr(config, name)
    ]
    if asked and not resolve(model)[0].encoder:
        able = [name for name in MODELS.names() if MODELS.get(name).encoder]
        raise ConfigError(
            f"the net '{model.arch}' has no encoder that could be told apart, as {asked[0]} needs",
            fix=f"Choose one that has: {', '.join(able)}",
        )


def require_cameras(job: TrainJob, division: Division) -> None:
    """ConfigError unless every dataset has a working size of its own, where any has, and shows what can be measured."""
    sizes = job.input.cameras
    if not sizes:
        return
    if job.prepared.classes.positive is None:
        raise ConfigError(
            f"the task '{job.prepared.classes.name}' has no class whose width could be measured",
            where="input.cameras",
            fix="Leave it out, and set input.diameter alone",
        )
    known = {job.prepared.dataset_of(sample) for sample in (*division.train, *division.validation)}
    if missing := sorted(known - set(sizes)):
        raise ConfigError(
            f"the dataset {missing[0]} has no working size; there are sizes for {', '.join(sorted(sizes))}",
            where="input.cameras",
            fix=f"Give it one, for example --set input.cameras.{missing[0]}=1000",
        )


def require_patch_size(model: ModelConfig, patch_size: int) -> None:
    """ConfigError unless the net takes patches of this size."""
    multiple = input_multiple(model)
    if patch_size % multiple:
        fitting = max(1, round(patch_size / multiple)) * multiple
        raise ConfigError(
            f"the net '{model.arch}' takes patches whose size is a multiple of {multiple}, not {patch_size}",
            where="sampling.patch_size",
            fix=f"Use --set sampling.patch_size={fitting}",
        )
