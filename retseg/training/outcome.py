"""The end of a training: which weights are kept, their threshold, and all that is written about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import torch
from torch import nn

from retseg.core.paths import WEIGHTS
from retseg.core.types import OperatingPoint, Sample
from retseg.datasets.splits import patients_by_origin
from retseg.inference.card import Card
from retseg.inference.checkpoint import LoadedModel, save_weights
from retseg.inference.config import PredictConfig
from retseg.inference.predictor import Predictor
from retseg.inference.writer import write_operating_point
from retseg.models.build import resolve
from retseg.training.history import write_curves, write_history
from retseg.training.job import Division, TrainJob, TrainResult
from retseg.training.precision import Precision
from retseg.training.state import TrainingState
from retseg.training.threshold import fit_operating_point


def finish(
    job: TrainJob,
    state: TrainingState,
    division: Division,
    seen: Mapping[str, tuple[str, ...]],
    unseen: tuple[str, ...],
    further_facts: Mapping[str, Any],
) -> TrainResult:
    """Keeps the best or the last weights, fits their threshold, and writes everything but last.ckpt.

    `seen` are the patients behind the weights that the training began with, by dataset; `unseen` are the classes that
    no training label contained.
    """
    net, epoch = _kept(state)
    card = replace(_card(job, division, epoch), seen=_everyone(seen, division), unseen=unseen)
    card = replace(card, calibre=_calibre(LoadedModel(net, card), job, division))
    judges, split = _judges(division, job.train.threshold_on)
    predictor = Predictor(LoadedModel(net, card), card.predict, job.device)
    point = fit_operating_point(predictor, job.prepared, judges, split, job.report)
    save_weights(job.out / WEIGHTS, net, replace(card, operating_point=point))
    write_operating_point(job.out, point)
    write_history(job.out, state.history)
    write_curves(job.out, state.history, epoch, f"{job.model.arch} on {job.prepared.name}")
    facts = {**_facts(job, state, division, epoch, point), **further_facts}
    return TrainResult(job.out, epoch, state.step, tuple(state.history), point, facts)


def _judges(division: Division, threshold_on: str) -> tuple[tuple[Sample, ...], str]:
    """On whose photographs the threshold is fitted, and what they are called."""
    if not division.validation:
        return division.train, "train"
    if threshold_on == "all":
        return (*division.train, *division.validation), "train and validation"
    return division.validation, "validation"


def _calibre(model: LoadedModel, job: TrainJob, division: Division) -> float | None:
    """How wide vessels were where the net was trained: the median over its photographs, by what a first look shows.

    Measured as it will be when photographs are predicted, so whatever the look over- or underestimates cancels out.
    """
    inputs = job.input
    if not inputs.cameras or inputs.diameter is None:
        return None
    predictor, found = Predictor(model, model.card.predict, job.device), []
    for sample in (*division.train, *division.validation):
        case = job.prepared.case(sample)
        seen = predictor.width_seen(case.image, case.fov)
        trained = inputs.trained_diameter(job.prepared.dataset_of(sample))
        if seen is not None and trained is not None:
            found.append(seen * trained / inputs.diameter)
        job.report(0, f"measuring vessels: {sample.id}")
    return median(found) if found else None


def _kept(state: TrainingState) -> tuple[nn.Module, int]:
    """The net to keep, and the epoch that its weights are from."""
    net = state.judged
    if state.best_epoch is None:
        return net, state.epoch
    net.load_state_dict(state.best)
    return net, state.best_epoch


def _card(job: TrainJob, division: Division, epoch: int) -> Card:
    _, options = resolve(job.model)
    ids = {"train": division.train, "validation": division.validation, "test": job.prepared.split("test")}
    return Card(
        arch=job.model.arch,
        heads=job.model.heads,
        options=options.model_dump(mode="json"),
        classes=job.prepared.classes,
        input=job.input,
        predict=PredictConfig(),
        dataset=job.prepared.name,
        splits={name: tuple(sample.id for sample in samples) for name, samples in ids.items()},
        train_patients=_patients(division.train),
        validation_patients=_patients(division.validation),
        seed=job.seed,
        epoch=epoch,
        recipe=job.recipe,
        retseg=_version("retseg"),
        torch=torch.__version__,
    )


def _everyone(seen: Mapping[str, tuple[str, ...]], division: Division) -> dict[str, tuple[str, ...]]:
    """Whom earlier weights had seen, and the patients of a joined set also under the datasets that they come from."""
    own = patients_by_origin((*division.train, *division.validation))
    return {name: tuple(sorted({*seen.get(name, ()), *own.get(name, ())})) for name in sorted({*seen, *own})}


def _facts(
    job: TrainJob, state: TrainingState, division: Division, epoch: int, point: OperatingPoint | None
) -> dict[str, Any]:
    """What the manifest says of the training, JSON-ready."""
    return {
        "arch": job.model.arch,
        "parameters": sum(p.numel() for p in state.net.parameters()),
        "epochs": state.epoch,
        "steps": state.step,
        "epoch": epoch,
        "kept": _why_kept(job, state, division, epoch),
        "train_images": len(division.train),
        "train_patients": list(_patients(division.train)),
        "validation_images": len(division.validation),
        "validation_patients": list(_patients(division.validation)),
        "validation_dice": state.best_dice,
        "operating_point": point.to_json() if point is not None else None,
        "precision": Precision.choose(job.train, job.device).name,
        "training_seconds": round(state.seconds, 2),
    }


def _why_kept(job: TrainJob, state: TrainingState, division: Division, epoch: int) -> str:
    """One sentence on which epoch's weights these are, and why."""
    subject = job.prepared.classes.subject
    if state.best_epoch is not None:
        return f"Epoch {epoch} of {state.epoch}, which has the highest Dice on the validation {subject}s."
    last = f"The last epoch ({epoch})"
    if job.train.keep == "last":
        return f"{last}, as configured."
    if division.validation:
        return f"{last}, because the validation images have no pixel of a class that is scored."
    if len(_patients(division.train)) < 2:
        return f"{last}, because with a single {subject} none can be set aside for validation."
    return f"{last}, because no {subject} was set aside for validation."


def _patients(samples: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(sorted({sample.patient for sample in samples}))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
