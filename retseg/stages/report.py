"""report: an HTML page about one or several runs, and of one run also the clinician's pages; makes what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retseg.core.manifest import Manifest, file_digest
from retseg.core.paths import REPORTS
from retseg.core.progress import progress
from retseg.core.types import Classes
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.run_files import RunFolders
from retseg.reporting.run_report import NAME as PAGE
from retseg.reporting.run_report import write_run_report
from retseg.stages.evaluate import evaluate
from retseg.stages.locate import find_run, shipped_weights
from retseg.stages.measure import measure
from retseg.stages.patient_report import PAGE as PATIENTS_PAGE
from retseg.stages.patient_report import table_of, write_pages
from retseg.stages.predict import predict_prepared, split_samples
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

STAGE = "report"
VERSION = 2
__all__ = ["PAGE", "report"]

_KEY = re.compile(r"-[0-9a-f]{6}$")


def report(
    settings: Settings,
    prepared: Path,
    *,
    runs: Sequence[Path] | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Writes `run.html` about the given runs side by side; predicts and evaluates first where that is missing.

    Args:
        settings: The configuration; `predict`, `evaluate` and `report` count.
        prepared: Folder of the prepared set.
        runs: The runs to show; the newest when None.
        out: Folder to write; `reports/<run>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps"; for predictions that are missing.
        workers: Processes for scoring; all cores when None.
        force: Do it again even if nothing changed.
    """
    data = PreparedSet.open(prepared)
    folders = [find_run(one) for one in runs] if runs else [find_run(None)]
    systems, inputs, notes = [], {"prepared": Manifest.read(prepared).digest}, list[str]()
    names = without_shared_beginning(short_names([folder.resolve().name for folder in folders]))
    for name, run in zip(names, folders, strict=True):
        predicted = predict_prepared(settings, prepared, run=run, device=device)
        scored = evaluate(settings, prepared, run=run, device=device, workers=workers)
        notes += predicted.notes
        shipped = shipped_weights(run)
        train = run / "train" if shipped is None else None
        systems.append(RunFolders(name, train, predicted.folder, scored.folder))
        inputs[run.name] = Manifest.read(run / "train").digest if shipped is None else file_digest(shipped)
        inputs[f"{run.name} predictions"] = predicted.manifest.digest
        inputs[f"{run.name} scores"] = scored.manifest.digest
    patients = len(systems) == 1 and settings.report.patients and has_eyes(data.classes)
    if patients:
        samples = split_samples(data, settings.evaluate.split)
        measured = measure(settings, systems[0].predict, samples, workers=workers)
        inputs["measurements"] = measured.manifest.digest
    plan = Plan(STAGE, VERSION, settings.part("report"), inputs)
    folder = out or REPORTS / "+".join(run.name for run in folders)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        with progress("Drawing the report", None) as bar:
            pages = PATIENTS_PAGE if patients else ""
            write_run_report(systems, data, partial, settings.report, lambda n, note: bar.advance(n, note), pages)
        facts: dict[str, Any] = {"systems": [system.name for system in systems]}
        if patients:
            facts |= write_pages(settings, systems[0].predict, partial, table_of(samples), workers)
        return facts

    result = run_stage(plan, folder, work, force=force)
    return StageResult(result.folder, result.manifest, result.skipped, tuple(notes))


def has_eyes(classes: Classes) -> bool:
    """Whether a task is about vessels in photographs of the retina, so that there are patients to report on."""
    return classes.positive is not None and classes.outside is not None


def without_shared_beginning(names: Sequence[str]) -> list[str]:
    """The names without the words that all of them begin with: a pipeline's own name, as a rule."""
    words = [name.split("-") for name in names]
    shared = 0
    while len(names) > 1 and min(map(len, words)) > shared + 1 and len({one[shared] for one in words}) == 1:
        shared += 1
    return ["-".join(one[shared:]) for one in words]


def short_names(full: Sequence[str]) -> list[str]:
    """Short names for tables: the runs' names without their keys, where that still tells them apart."""
    short = [_KEY.sub("", name) for name in full]
    return short if len(set(short)) == len(short) else list(full)
