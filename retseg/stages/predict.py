"""predict: photographs become probability maps, masks and overlays on their own pixel grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retseg.core.device import choose_device, device_name
from retseg.core.errors import ConfigError, InputError
from retseg.core.manifest import Manifest, file_digests
from retseg.core.types import Sample
from retseg.datasets.base import DEFAULT_CLASSES
from retseg.datasets.folder import photographs
from retseg.datasets.prepared import PreparedSet
from retseg.inference.config import PredictConfig
from retseg.postprocess.registry import checked, choose
from retseg.stages.locate import Runs
from retseg.stages.prediction_job import PredictionJob
from retseg.stages.run_model import RunModel
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

if TYPE_CHECKING:
    from retseg.inference.card import Card

STAGE = "predict"
VERSION = 3


def predict_photographs(
    settings: Settings,
    path: Path,
    *,
    run: Runs = None,
    method: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    force: bool = False,
) -> StageResult:
    """Predicts a photograph, or every photograph below a folder. They need no masks and no labels.

    Args:
        settings: The configuration; `predict` counts.
        path: A photograph or a folder of them.
        run: The trained or tuned run, or several, whose probabilities are averaged; the newest trained one when None.
        method: A training-free method in the place of a run: as it was tuned last, else with published parameters.
        out: Folder to write; `<run>/predict/<name of path>` when None (`runs/ensemble-<key>` for several runs).
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        force: Do it again even if nothing changed.
    """
    samples = photographs(path)
    base = path if path.is_dir() else path.parent
    inputs = file_digests((sample.image for sample in samples), base)
    model = RunModel.of_method(settings, method, run, DEFAULT_CLASSES) if method is not None else RunModel.find(run)
    folder = out or model.run / "predict" / (path.stem if path.is_file() else path.resolve().name)
    return _predict(settings, model, samples, inputs, folder, device, force)


def predict_prepared(
    settings: Settings,
    prepared: Path,
    *,
    run: Runs = None,
    method: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Predicts one split of a prepared set, with every class's probabilities, which the report shows.

    Args:
        settings: The configuration; `predict` and `evaluate.split` count.
        prepared: Folder of the prepared set.
        run: The trained or tuned run, or several, whose probabilities are averaged; the newest trained one when None.
        method: A training-free method in the place of a run; tuned first on the set's training patients.
        out: Folder to write; `<run>/predict/<dataset>` when None (`runs/ensemble-<key>` for several runs).
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes to tune with; all cores when None.
        force: Do it again even if nothing changed.
    """
    data = PreparedSet.open(prepared)
    samples = split_samples(data, settings.evaluate.split)
    if method is not None:
        model = RunModel.of_method(settings, method, run, data.classes, prepared, workers)
    else:
        model = RunModel.find(run, expect=data.classes)
    inputs = {"prepared": Manifest.read(prepared).digest, "split": settings.evaluate.split}
    folder = out or model.run / "predict" / data.name
    every_class = settings.predict.model_copy(update={"all_classes": True})
    return _predict(settings.model_copy(update={"predict": every_class}), model, samples, inputs, folder, device, force)


def split_samples(data: PreparedSet, split: str) -> list[Sample]:
    """The samples of a split of a prepared set; "all" means every one."""
    if split == "all":
        return list(data.samples)
    samples = data.split(split)
    if not samples:
        there = sorted({sample.split for sample in data.samples})
        raise InputError(
            f"the prepared set has no '{split}' photographs",
            where=data.folder,
            fix=f"Choose with --split: {', '.join([*there, 'all'])}",
        )
    return samples


def _predict(
    settings: Settings,
    model: RunModel,
    samples: list[Sample],
    inputs: Mapping[str, str],
    folder: Path,
    device: str,
    force: bool,
) -> StageResult:
    chosen = None if model.needs_no_device else choose_device(device)
    config = settings.predict.over(model.card.predict)
    _refuse_impossible_separation(model.card, config)
    plan = Plan(
        STAGE,
        VERSION,
        {"predict": config.model_dump(mode="json")},
        {**model.digests, **inputs},
        device=device_name(chosen) if chosen is not None else "cpu",
    )
    point = model.operating_point(config)
    job = PredictionJob(model, config, samples, point, chosen)
    result = run_stage(plan, folder, lambda partial, resumed: job.run(partial), force=force)
    return StageResult(result.folder, result.manifest, result.skipped, model.notes)


def _refuse_impossible_separation(card: Card, config: PredictConfig) -> None:
    """ConfigError if instances shall be told apart in a way that this net or this task cannot."""
    if card.classes.things:
        checked(choose(config.separation, card.heads), config.separation_options)
    elif config.separation is not None:
        raise ConfigError(
            f"the task '{card.classes.name}' has no classes whose instances are told apart",
            where="predict.separation",
            fix="Leave it out, or give the class table `things` and train anew",
        )
