"""Training: epoch after epoch, with checkpoints between them, to weights and a frozen threshold."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from retseg.core.errors import CheckpointError, ConfigError, RetsegError
from retseg.datasets.splits import TEST
from retseg.models.build import input_multiple, resolve
from retseg.models.heads import heads_of
from retseg.training.batches import Batches
from retseg.training.beginning import Beginning, begin, freeze, treats_encoder_apart
from retseg.training.class_balance import class_weights
from retseg.training.history import CURVES, HISTORY, Epoch, write_history
from retseg.training.images import TrainingImages, labelled
from retseg.training.job import (
    Course,
    Division,
    TrainJob,
    TrainResult,
    patch_side,
    require_cameras,
    require_encoder,
    require_patch_size,
)
from retseg.training.objective import Objective
from retseg.training.optim import set_learning_rates
from retseg.training.outcome import finish
from retseg.training.overfit import overfit_job, require_learnt
from retseg.training.precision import Precision
from retseg.training.randomness import Purpose, torch_seed
from retseg.training.reproducible import reproducible
from retseg.training.resume import CHECKPOINT, CheckpointWriter, read_checkpoint, require_same_configuration
from retseg.training.running_loss import RunningLoss
from retseg.training.sampling import Patches, PatchSampler
from retseg.training.schedule import Rates, learning_rates
from retseg.training.second_curve import SecondCurve
from retseg.training.snapshot_taker import SnapshotTaker
from retseg.training.state import TrainingState
from retseg.training.validation import Scores, Validator

__all__ = ["TrainJob", "TrainResult", "Training", "fit"]

_LOOK_SECONDS = 2.0  # how often the loss is fetched from an accelerator, which interrupts its work


def fit(job: TrainJob) -> TrainResult:
    """Trains a net and writes best.safetensors, operating_point.json, history.csv, curves.png and last.ckpt.

    The same job on the same machine gives the same weights, bit by bit, also after any number of interruptions; unless
    it ends by the clock (`train.minutes`). KeyboardInterrupt saves the state after the last whole epoch and is passed
    on.
    """
    _sweep(job.out)
    with reproducible(job.device, strict=job.train.deterministic):
        training = Training.prepare(job)
        training.run()
        return training.finished()


@dataclass(slots=True, eq=False)
class Training:
    """A training at work."""

    job: TrainJob
    division: Division
    train_images: TrainingImages
    course: Course
    sampler: PatchSampler
    batches: Batches
    objective: Objective
    precision: Precision
    beginning: Beginning
    writer: CheckpointWriter
    configuration: dict[str, Any]
    validator: Validator | None = None
    second_curve: SecondCurve | None = None
    snapshots: SnapshotTaker | None = None
    started: float = 0.0

    @classmethod
    def prepare(cls, job: TrainJob) -> Training:
        """Reads the photographs, builds the net and everything around it, and goes back to the last checkpoint."""
        job = overfit_job(job)
        config, prepared = job.train, job.prepared
        require_encoder(job.model, config)
        if job.sampling.patch_share is None:
            require_patch_size(job.model, job.sampling.patch_size)
        division = Division.of(prepared, config.validation_fraction, job.seed).first(config.overfit)
        require_cameras(job, division)
        if config.early_stopping is not None and not division.validation:
            raise ConfigError(
                "early stopping needs patients set aside for validation, and there are none",
                where="train.early_stopping",
                fix="Set train.validation_fraction above 0 on a set of two or more patients, or leave it out",
            )
        heads = heads_of(job.model)
        images = TrainingImages.load(prepared, division.train, job.input, job.device, job.report, heads=heads)
        aside = TrainingImages.load(prepared, division.validation, job.input, job.device, job.report, heads=heads)
        if job.sampling.patch_share is not None:
            side = patch_side(job.sampling.patch_share, images, input_multiple(job.model))
            job = replace(job, sampling=job.sampling.model_copy(update={"patch_size": side}))
        course = Course.plan(config, job.sampling, len(images))
        precision = Precision.choose(config, job.device)
        objective = Objective.of(job.model, job.loss, prepared.classes, class_weights(config, images))
        training = cls(
            job=job,
            division=division,
            train_images=images,
            course=course,
            sampler=PatchSampler(images, job.sampling, job.seed, course.patches_per_epoch),
            batches=Batches(images, job.augment, job.sampling.patch_size, job.seed),
            objective=objective,
            precision=precision,
            beginning=begin(job),
            writer=CheckpointWriter(job.out / CHECKPOINT, job.checkpoint_seconds),
            configuration={
                **job.sections(),
                "precision": precision.name,
                "data": {"name": prepared.name, "train": _digest(images), "validation": _digest(aside)},
            },
        )
        if len(aside):
            multiple = input_multiple(job.model)
            training.validator = Validator(aside, objective, multiple, config.validation_tiles, precision)
        if config.test_curve:
            test = labelled(prepared, prepared.split(TEST))
            if test:
                side = job.sampling.patch_size
                whole = TrainingImages.load(prepared, test, job.input, job.device, job.report, side=side, heads=heads)
                training.second_curve = SecondCurve(whole, objective, side, config.batch, precision)
        if config.snapshots:
            training.snapshots = SnapshotTaker(aside if len(aside) else images, input_multiple(job.model), job.out)
        training._resume()
        return training

    @property
    def state(self) -> TrainingState:
        """Everything that changes while the net is trained."""
        return self.beginning.state

    def finished(self) -> TrainResult:
        """Keeps the weights and writes the results."""
        job, state = self.job, self.state
        if job.train.overfit is not None and state.first_loss is not None:
            require_learnt(job, state.first_loss, state.history)
        facts = {
            "images_held_on": self.train_images.store.type,
            "patch_size": job.sampling.patch_size,
            "stopped": self.ended_early(),
            "minutes": job.train.minutes,
            "frozen_epochs": job.train.freeze_encoder_epochs or None,
            "overfit": job.train.overfit,
            "transfer": self.beginning.transfer,
        }
        if self.snapshots is not None:
            facts |= {"snapshots": self.snapshots.finish(), "snapshots_of": "validation" if self.validator else "train"}
        unseen = self.train_images.classes_without_pixels()
        facts["unseen"] = list(unseen)
        return finish(job, state, self.division, self.beginning.seen, unseen, {k: v for k, v in facts.items() if v})

    def run(self) -> None:
        """Trains until the last epoch, the end of the time, or until the validation no longer gets better."""
        job, state = self.job, self.state
        self.started = time.monotonic() - state.seconds
        if job.bar is not None:
            by_clock = job.train.minutes is not None
            job.bar.total = round(60 * job.train.minutes) if job.train.minutes is not None else self.course.steps
            if done := int(state.seconds) if by_clock else state.step:
                job.bar.skip(done)
        try:
            while state.epoch < self.course.epochs and not self.ended_early():
                epoch = state.epoch + 1
                loss, rate = self._train_epoch(epoch)
                scores = self.validator.scores(state.judged) if self.validator else None
                test_loss = self.second_curve.loss(state.judged) if self.second_curve else None
                state.epoch, state.seconds = epoch, time.monotonic() - self.started
                self._note(loss, rate, scores, test_loss)
                last = epoch == self.course.epochs or bool(self.ended_early())
                if self.snapshots is not None and (last or epoch in job.train.snapshots):
                    self.snapshots.take(state.judged, epoch)
                if self.writer.offer(state.checkpoint(self.configuration), now=last):
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

    def ended_early(self) -> str:
        """Why the training is over before its last epoch, in a few words; empty if it is not."""
        train, history, epoch = self.job.train, self.state.history, self.state.epoch
        planned = f"epoch {epoch} of {self.course.epochs} planned"
        if train.minutes is not None and self.state.seconds >= 60 * train.minutes:
            return f"The time of {train.minutes:g} minutes was over in {planned}."
        if train.early_stopping is not None and (scores := _validation_dices(history)):
            best = -max(scores)[1]
            if epoch - best >= train.early_stopping and epoch < self.course.epochs:
                return f"Stopped after {planned}: the validation Dice had not risen since epoch {best}."
        return ""

    def position(self) -> float:
        """How far the training is, in steps; one that ends by the clock is at least as far as its time is over."""
        step, minutes = self.state.step, self.job.train.minutes
        if minutes is None:
            return step
        return max(float(step), self.course.steps * self._seconds() / (60 * minutes))

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _progressed(self) -> int:
        """What a step adds to the display: itself, or the whole seconds since the last one if the clock ends it all."""
        job = self.job
        if job.train.minutes is None or job.bar is None:
            return 1
        return min(int(self._seconds()), round(60 * job.train.minutes)) - job.bar.done

    def _begin_epoch(self) -> bool:
        """Brings the net into training mode; true if its encoder is frozen in this epoch."""
        net, frozen = self.state.net, self.position() < self.course.frozen_steps
        net.train()
        if treats_encoder_apart(self.job):
            freeze(net, resolve(self.job.model)[0].encoder, frozen=frozen)
        return frozen

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        """One epoch; returns its mean loss and the learning rate of its last step."""
        job, state = self.job, self.state
        frozen = self._begin_epoch()
        patches = self.sampler.epoch(epoch)
        in_step, rates = job.train.batch * job.train.accumulate, Rates(0.0, 0.0)
        running = RunningLoss(epoch, job.device)
        pause = 0.0 if job.device.type == "cpu" else _LOOK_SECONDS
        looked, note = time.monotonic(), f"epoch {epoch}/{self.course.epochs}"
        steps = self.course.steps_in(epoch)
        for step in range(steps):
            # The clock never turns a frozen encoder on within an epoch.
            position = min(self.position(), self.course.frozen_steps - 1) if frozen else self.position()
            rates = learning_rates(job.train, position, self.course.steps, self.course.frozen_steps)
            chosen = patches[step * in_step : (step + 1) * in_step]
            running.add(self.step(chosen, epoch, step, rates), step, len(chosen))
            over = job.train.minutes is not None and self._seconds() >= 60 * job.train.minutes
            if time.monotonic() - looked >= pause or over or step == steps - 1:
                looked = time.monotonic()
                note = f"epoch {epoch}/{self.course.epochs}, loss {running.mean():.4f}{self._last_score()}"
            job.report(self._progressed(), note)
            if over:
                break
        mean = running.mean()
        if not state.finite():
            raise running.diverged(step)
        return mean, rates.rest

    def step(self, patches: Patches, epoch: int, step: int, rates: Rates) -> Tensor:
        """One step of the optimiser; returns the loss without waiting for it."""
        job, state = self.job, self.state
        set_learning_rates(state.optimiser, rates)
        state.optimiser.zero_grad(set_to_none=True)
        losses = []
        for part in range(job.train.accumulate):
            chosen = patches[part * job.train.batch : (part + 1) * job.train.batch]
            if len(chosen):
                loss = self._loss(chosen, epoch, step * job.train.accumulate + part) * (len(chosen) / len(patches))
                loss.backward()
                losses.append(loss.detach())
        if job.train.clip is not None:
            nn.utils.clip_grad_norm_(state.net.parameters(), job.train.clip)
        state.optimiser.step()
        if state.average is not None:
            state.average.update(state.net, state.step)
        total = torch.stack(losses).sum()
        if state.step == 0:
            state.first_loss = float(total)
        state.step += 1
        return total

    def _loss(self, patches: Patches, epoch: int, batch: int) -> Tensor:
        """The loss of one batch, with the net's further predictions where it makes any."""
        pictures, targets = self.batches.batch(patches, epoch, batch)
        torch.manual_seed(torch_seed(self.job.seed, Purpose.DROPOUT, epoch, batch))
        with self.precision.autocast():
            result = self.state.net(pictures)
        _require_shape(self.objective.logits(result), targets[:, 0], self.job)
        return self.objective(result, targets)

    def _note(self, loss: float, rate: float, scores: Scores | None, test_loss: float | None) -> None:
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
                learning_rate=rate,
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


def _validation_dices(history: list[Epoch]) -> list[tuple[float, int]]:
    """The validation Dice of each epoch that has one, with minus its number, so that the first of equals is highest."""
    return [(one.validation_dice, -one.epoch) for one in history if one.validation_dice is not None]


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
