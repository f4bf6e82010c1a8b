"""train: a prepared set becomes weights, a frozen threshold and the history of how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.device import choose_device, device_name
from retseg.core.errors import InputError, listed
from retseg.core.manifest import Manifest, digest_of, file_digest
from retseg.core.paths import RUNS
from retseg.core.progress import Progress, progress
from retseg.datasets.prepared import PreparedSet
from retseg.inference.method_predictor import METHOD_FILE
from retseg.models.registry import MODELS
from retseg.stages.locate import find_run
from retseg.stages.run_model import weights_of
from retseg.stages.runner import Plan, StageResult, run_stage, unfinished
from retseg.stages.settings import Settings

if TYPE_CHECKING:
    import torch

    from retseg.training.job import TrainJob

STAGE = "train"
VERSION = 3
_SECTIONS = ("seed", "recipe", "input", "model", "loss", "train", "sampling", "augment")


def train(
    settings: Settings,
    prepared: Path,
    *,
    out: Path | None = None,
    device: str = "auto",
    resume: bool = False,
    force: bool = False,
) -> StageResult:
    """Trains on a prepared set; an interrupted training of the same settings goes on from its last checkpoint.

    Args:
        settings: The configuration; everything but `prepare`, `predict`, `evaluate` and `report` counts.
        prepared: Folder of the prepared set.
        out: The run's folder, in which `train/` is written; `runs/<dataset>-<arch>-<key>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        resume: Say so if there is no interrupted training to go on with; one that is there is gone on with anyway.
        force: Train anew even if a finished or interrupted training is there.
    """
    chosen = choose_device(device)
    manifest = Manifest.read(prepared)
    data = PreparedSet.open(prepared)
    if not any(row.split == "train" and row.label for row in data.rows):
        raise InputError(
            "the prepared set has no labelled photographs to train on",
            where=prepared,
            fix="Give labels (see `retseg datasets show folder`), or use a trained run with `retseg predict`",
        )
    plan = plan_of(settings, manifest, device_name(chosen))
    run = out or RUNS / f"{data.name}-{settings.model.arch}-{plan.key[:6]}"

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        from retseg.training.loop import fit

        unit = "step" if settings.train.minutes is None else "second"
        with progress(f"Training {settings.model.arch}", None, unit=unit) as bar:
            result = fit(job_of(settings, data, partial, chosen, resume=resumed, bar=bar))
        return {"dataset": data.name, "prepared": str(prepared), **result.facts}

    notes = []
    if settings.train.overfit is not None:
        notes.append(f"Learning {settings.train.overfit} photograph(s) by heart: no augmentation, nobody set aside.")
    if unfinished(run / "train", plan.key) and not force:
        notes.append("Going on with the interrupted training.")
    elif resume and not (run / "train").exists():
        notes.append("There is no interrupted training with these settings; this one starts from the beginning.")
    result = run_stage(plan, run / "train", work, force=force)
    if unseen := result.manifest.facts.get("unseen"):
        notes.append(f"Warning: no training label contains {listed(unseen)}: the net cannot know it, and has no score.")
    return StageResult(result.folder, result.manifest, result.skipped, tuple(notes))


def job_of(
    settings: Settings,
    data: PreparedSet,
    out: Path,
    device: torch.device,
    *,
    resume: bool = False,
    bar: Progress | None = None,
) -> TrainJob:
    """The training that the settings ask for."""
    from retseg.training.job import TrainJob

    return TrainJob(
        prepared=data,
        out=out,
        model=settings.model,
        loss=settings.loss,
        train=settings.train,
        sampling=settings.sampling,
        augment=settings.augment,
        input=settings.input,
        recipe=settings.recipe,
        start=weights_to_start(settings),
        seed=settings.seed,
        device=device,
        resume=resume,
        bar=bar,
    )


def weights_to_start(settings: Settings) -> Path | None:
    """The weights file that `train.start` names by a run, a shipped model or the file itself; else None."""
    if settings.train.start is None:
        return None
    given = Path(settings.train.start)
    if given.is_file():
        return given
    weights = weights_of(find_run(given))
    if weights.name == METHOD_FILE or not weights.is_file():
        raise InputError("this run has no net's weights to begin with", where=given, fix="Name a run of `retseg train`")
    return weights


def encoder_digest(settings: Settings) -> str:
    """Which weights `train.encoder_weights` names, for the training's key."""
    from retseg.models.build import resolve
    from retseg.models.encoder_weights import source_digest

    assert settings.train.encoder_weights is not None
    return source_digest(settings.train.encoder_weights, resolve(settings.model)[0])


def family_of(trained: Manifest) -> str:
    """The same for trainings (and tunings) that differ in their seed only."""
    config = {name: value for name, value in trained.config.items() if name != "seed"}
    return digest_of([trained.stage, config, dict(trained.inputs)])


def plan_of(settings: Settings, prepared: Manifest, device: str = "cpu") -> Plan:
    """What a training with these settings on this prepared set depends on."""
    inputs = {"prepared": prepared.digest, **MODELS.code_of_others(settings.model.arch)}
    if (start := weights_to_start(settings)) is not None:
        inputs["start"] = file_digest(start)
    if settings.train.encoder_weights is not None:
        inputs["encoder_weights"] = encoder_digest(settings)
    return Plan(STAGE, VERSION, settings.part(*_SECTIONS), inputs, seed=settings.seed, device=device, keep=True)
