"""Training: epoch after epoch, with checkpoints between them, to weights and a frozen threshold."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn

from retseg.core.errors import CheckpointError, ConfigError, RetsegError
from retseg.core.types import CLASS_MAP, Classes
from retseg.datasets.splits import TEST
from retseg.losses.registry import build_loss
from retseg.models.architecture import outputs
from retseg.models.build import build, input_multiple
from retseg.training.batches import Batches
from retseg.training.config import TrainConfig
from retseg.training.history import CURVES, HISTORY, Epoch, write_history
from retseg.training.images import TrainingImages, labelled
from retseg.training.job import Course, Division, TrainJob, TrainResult, require_patch_size
from retseg.training.optim import MovingAverage, build_optimiser, learning_rate, set_learning_rate
from retseg.training.outcome import finish
from retseg.training.precision import Precision
from retseg.training.randomness import Purpose, torch_seed
from retseg.training.resume import CHECKPOINT, CheckpointWriter, read_checkpoint, require_same_configuration
from retseg.training.running_loss import RunningLoss
from retseg.training.sampling import Patches, PatchSampler
from retseg.training.state import TrainingState
from retseg.training.validation import Scores, Validator

__all__ = ["TrainJob", "TrainResult", "fit"]

_LOOK_SECONDS = 2.0  # how often the loss is fetched from an accelerator, which interrupts its work
_CHANNELS = 3


def fit(job: TrainJob) -> TrainResult:
    """Trains a net and writes best.safetensors, operating_point.json, history.csv, curves.png and last.ckpt.

    The same job on the same machine gives the same weights, bit by bit, also after any number of interruptions.
    KeyboardInterrupt saves the state after the last whole epoch and is passed on.
    """
    require_patch_size(job.model, job.sampling.patch_size)
    _sweep(job.out)
    with _reproducible(job.device):
        training = _Training.prepare(job)
        training.run()
        return finish(job, training.state, training.division, training.train_images.store)


@dataclass(slots=True, eq=False)
class _Training:
    """A training at work."""

    job: TrainJob
    division: Division
    train_images: TrainingImages
    course: Course
    sampler: PatchSampler
    batches: Batches
    loss: Any
    precision: Precision
    state: TrainingState
    writer: CheckpointWriter
    configuration: dict[str, Any]
    validator: Validator | None = None
    test_images: TrainingImages | None = None

    @classmethod
    def prepare(cls, job: TrainJob) -> _Training:
        """Reads the photographs, builds the net and everything around it, and goes back to the last checkpoint."""
        config, prepared = job.train, job.prepared
        division = Division.of(prepared, config.validation_fraction, job.seed)
        images = TrainingImages.load(prepared, division.train, job.input, job.device, job.report)
        aside = TrainingImages.load(prepared, division.validation, job.input, job.device, job.report)
        course = Course.plan(config, job.sampling, len(images))
        precision = Precision.choose(config, job.device)
        loss = build_loss(job.loss, prepared.classes, class_weights(config, images))
        training = cls(
            job=job,
            division=division,
            train_images=images,
            course=course,
            sampler=PatchSampler(images, job.sampling, job.seed, course.patches_per_epoch),
            batches=Batches(images, job.augment, job.sampling.patch_size, job.seed),
            loss=loss,
            precision=precision,
            state=_fresh_state(job, prepared.classes),
            writer=CheckpointWriter(job.out / CHECKPOINT, job.checkpoint_seconds),
            configuration={
                **job.sections(),
                "precision": precision.name,
                "data": {"name": prepared.name, "train": _digest(images), "validation": _digest(aside)},
            },
        )
        if len(aside):
            training.validator = Validator(aside, loss, input_multiple(job.model), config.validation_tiles, precision)
        if config.test_curve:
            test = labelled(prepared, prepared.split(TEST))
            if test:
                training.test_images = TrainingImages.load(
                    prepared, test, job.input, job.device, job.report, side=job.sampling.patch_size
                )
        training._resume()
        return training

    def run(self) -> None:
        """Trains until the last epoch."""
        job, state = self.job, self.state
        if job.bar is not None:
            job.bar.total = self.course.steps
            if state.step:
                job.bar.skip(state.step)
        started = time.monotonic() - state.seconds
        try:
            for epoch in range(state.epoch + 1, self.course.epochs + 1):
                loss = self._train_epoch(epoch)
                scores = self.validator.scores(state.judged) if self.validator else None
                test_loss = self._test_loss()
                state.epoch, state.seconds = epoch, time.monotonic() - started
                self._note(loss, scores, test_loss)
                if self.writer.offer(state.checkpoint(self.configuration), now=epoch == self.course.epochs):
                    write_history(job.out, state.history)
        except KeyboardInterrupt:
            self.writer.flush()
            write_history(job.out, state.history)
            raise
        except torch.OutOfMemoryError:
            raise RetsegError(
                "the device has not enough memory for this training",
                where=str(job.device),
                fix="Use smaller batches or patches, for example --set train.batch=4 --set sampling.patch_size=96",
            ) from None

    def _train_epoch(self, epoch: int) -> float:
        """One epoch; returns its mean loss."""
        job, state = self.job, self.state
        state.net.train()
        patches = self.sampler.epoch(epoch)
        running = RunningLoss(epoch, job.device)
        pause = 0.0 if job.device.type == "cpu" else _LOOK_SECONDS
        looked, note = time.monotonic(), f"epoch {epoch}/{self.course.epochs}"
        steps = self.course.steps_in(epoch)
        for step in range(steps):
            chosen = patches[step * job.train.batch : (step + 1) * job.train.batch]
            running.add(self._step(chosen, epoch, step), step, len(chosen))
            if time.monotonic() - looked >= pause or step == steps - 1:
                looked = time.monotonic()
                note = f"epoch {epoch}/{self.course.epochs}, loss {running.mean():.4f}{self._last_score()}"
            job.report(1, note)
        mean = running.mean()
        if not state.finite():
            raise running.diverged(steps - 1)
        return mean

    def _step(self, patches: Patches, epoch: int, step: int) -> Tensor:
        """One step of the optimiser; returns the loss without waiting for it."""
        job, state = self.job, self.state
        pictures, labels = self.batches.batch(patches, epoch, step)
        set_learning_rate(state.optimiser, learning_rate(job.train, state.step, self.course.steps))
        torch.manual_seed(torch_seed(job.seed, Purpose.DROPOUT, epoch, step))
        state.optimiser.zero_grad(set_to_none=True)
        with self.precision.autocast():
            logits = outputs(state.net(pictures))[CLASS_MAP]
        _require_shape(logits, labels, job)
        loss: Tensor = self.loss(logits.float(), labels)
        loss.backward()
        state.optimiser.step()
        if state.average is not None:
            state.average.update(state.net, state.step)
        state.step += 1
        return loss.detach()

    def _test_loss(self) -> float | None:
        """Loss on the test images, whole and resized to the patch size: a curve, by which nothing is chosen."""
        images = self.test_images
        if images is None:
            return None
        net, total, batch = self.state.judged.eval(), 0.0, self.job.train.batch
        whole = Patches(np.arange(len(images)), *np.zeros((2, len(images)), np.int64))
        source = Batches(images, self.job.augment, self.job.sampling.patch_size, self.job.seed)
        with torch.inference_mode():
            for first in range(0, len(images), batch):
                chosen = whole[first : first + batch]
                pictures, labels = source.plain(chosen, source.patch_size)
                with self.precision.autocast():
                    logits = outputs(net(pictures))[CLASS_MAP]
                total += float(self.loss(logits.float(), labels)) * len(chosen)
        return total / len(images)

    def _note(self, loss: float, scores: Scores | None, test_loss: float | None) -> None:
        """Adds the epoch to the history and keeps its weights if they are the best."""
        state = self.state
        state.history.append(
            Epoch(
                epoch=state.epoch,
                train_loss=loss,
                validation_loss=scores.loss if scores else None,
                validation_dice=scores.dice if scores else None,
                validation_auc=scores.auc if scores else None,
                test_loss=test_loss,
                learning_rate=learning_rate(self.job.train, state.step - 1, self.course.steps),
                seconds=state.seconds,
            )
        )
        if self.job.train.keep == "best" and scores is not None:
            state.keep_if_best(scores.dice)

    def _last_score(self) -> str:
        last = self.state.history[-1].validation_dice if self.state.history else None
        return "" if last is None else f", validation Dice {last:.4f}"

    def _resume(self) -> None:
        """Goes on from last.ckpt, if that is wished and there is one."""
        path = self.job.out / CHECKPOINT
        if not (self.job.resume and path.is_file()):
            return
        checkpoint = read_checkpoint(path)
        require_same_configuration(path, checkpoint.configuration, self.configuration)
        try:
            self.state.restore(checkpoint)
        except (KeyError, RuntimeError, ValueError, TypeError, IndexError) as error:
            raise CheckpointError(
                f"the checkpoint does not fit this training ({type(error).__name__}: {error})",
                where=path,
                fix="Train anew with --force",
            ) from None
        write_history(self.job.out, self.state.history)


def class_weights(config: TrainConfig, images: TrainingImages) -> Tensor | None:
    """One weight per class, or None: as given, or the inverse of each class's share of the pixels, 1 on average."""
    if config.class_weights is None:
        return None
    if config.class_weights != "balanced":
        return torch.tensor(config.class_weights, dtype=torch.float32)
    pixels = images.class_pixels().astype(np.float64)
    inverse = np.divide(1.0, pixels, out=np.zeros_like(pixels), where=pixels > 0)
    return torch.tensor(inverse * np.count_nonzero(pixels) / inverse.sum(), dtype=torch.float32)


def _fresh_state(job: TrainJob, classes: Classes) -> TrainingState:
    torch.manual_seed(torch_seed(job.seed, Purpose.WEIGHTS))
    net: nn.Module = build(job.model, _CHANNELS, classes.count)
    # Convolutions are faster with the channels last, on processors as on accelerators.
    net = net.to(device=job.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = MovingAverage(net, job.train.ema) if job.train.ema else None
    return TrainingState(net, build_optimiser(net, job.train), average)


def _require_shape(logits: Tensor, labels: Tensor, job: TrainJob) -> None:
    expected = (len(labels), job.prepared.classes.count, *labels.shape[1:])
    if logits.shape != expected:
        raise ConfigError(
            f"the net '{job.model.arch}' returned {tuple(logits.shape)} instead of {expected}",
            fix="A net returns one map per class of its input's own height and width",
        )


def _digest(images: TrainingImages) -> int:
    return crc32("\n".join(images.ids).encode("utf-8", "surrogateescape"), images.digest)


def _sweep(out: Path) -> None:
    """Removes what a killed run may have left half-written."""
    for name in (CHECKPOINT, HISTORY, CURVES):
        for path in out.glob(f".{name}.*"):
            path.unlink(missing_ok=True)


@contextmanager
def _reproducible(device: torch.device) -> Iterator[None]:
    """The same computation gives the same bits; the caller's random state and settings come back afterwards."""
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []), warnings.catch_warnings():
        if not cuda:
            yield
            return
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")
        before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
                yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
