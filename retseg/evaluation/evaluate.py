"""Scores a folder of predictions against a prepared set, by the locked protocol."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.core.paths import write_atomically
from retseg.core.types import Classes, OperatingPoint
from retseg.datasets.prepared import IndexRow, PreparedSet
from retseg.evaluation.cases import CaseFiles, CaseScore, score_case
from retseg.evaluation.config import EvaluateConfig
from retseg.evaluation.overlap import fit_overlap, listed, refuse_fit_overlap
from retseg.evaluation.protocol import Protocol, patients_of
from retseg.evaluation.scoreboard import FIXED_THRESHOLD, Scoreboard
from retseg.evaluation.tables import write_metrics
from retseg.inference.card import Card
from retseg.metrics.registry import METRICS

ALL = "all"
"""Name of the split that is every photograph of a set."""

Report = Callable[[int, str], None]

_PIXELS_WORTH_A_PROCESS = 20_000_000
"""Starting a process takes about as long as scoring this many pixels."""


def evaluate_predictions(
    prepared: PreparedSet,
    predictions: Path,
    operating_point: OperatingPoint | None,
    config: EvaluateConfig,
    out: Path,
    report: Report | None = None,
    *,
    card: Card | None = None,
    system: str | None = None,
    workers: int | None = 1,
) -> dict[str, Any]:
    """Scores predictions and writes metrics.csv, summary.json, protocol.json and fov/<id>.png.

    Args:
        prepared: The photographs, their ground truth and fields of view.
        predictions: Folder with prob/<id>.png (mask/<id>.png for tasks without a positive class) on the native grid,
            and optionally classes/<id>.nii.gz.
        operating_point: The frozen threshold and the patients that it was fitted on; None for tasks without a
            positive class, and for predictions of others that come without one (then one half is used).
        config: Split, metrics, and a threshold that goes before the operating point's.
        out: Folder to write into.
        report: Told (number of photographs done, id of the last).
        card: The card of the weights, if they are known: their patients are not scored.
        system: What the predictions are called in tables; the card's architecture when None.
        workers: Processes; None takes one a core. The result does not depend on it.

    Returns:
        What summary.json holds.
    """
    rows = _chosen(prepared, config.split)
    scored = [row for row in rows if row.label is not None]
    unlabelled = [row for row in rows if row.label is None]
    point = _threshold_in_force(prepared.classes, operating_point, config)
    overlap = fit_overlap(prepared.name, patients_of(scored), point, card)
    if not config.allow_fit_overlap:
        refuse_fit_overlap(overlap)
    files = _case_files(prepared, rows, predictions)
    metrics = [METRICS.get(name) for name in config.metrics]
    name = system or (card.arch if card else predictions.resolve().name)
    board = Scoreboard(prepared.classes, metrics, name, point.threshold if point else FIXED_THRESHOLD)
    for score in _scores([files[row.id] for row in scored], prepared.classes, out, _processes(scored, workers)):
        board.add(score)
        if report is not None:
            report(1, score.id)
    per_class = prepared.classes.positive is None or any(file.class_probabilities for file in files.values())
    protocol = Protocol(
        prepared.name,
        config.split,
        name,
        prepared.classes,
        metrics,
        scored,
        unlabelled,
        point,
        overlap,
        card,
        per_class,
    )
    summary = {
        "system": name,
        "dataset": prepared.name,
        "split": config.split,
        "n_images": len(scored),
        "n_patients": len(patients_of(scored)),
        "threshold": point.to_json() if point else None,
        **board.summary(),
        "unlabelled": [row.id for row in unlabelled],
        "fit_overlap": overlap.to_json() if overlap else None,
        "protocol": protocol.line,
    }
    write_metrics(out / "metrics.csv", board.rows)
    _write_json(out / "summary.json", summary)
    _write_json(out / "protocol.json", protocol.to_json())
    return summary


def _chosen(prepared: PreparedSet, split: str) -> list[IndexRow]:
    rows = [row for row in prepared.rows if split in (ALL, row.split)]
    if not rows:
        known = ", ".join([*dict.fromkeys(row.split for row in prepared.rows), ALL])
        raise InputError(f"no photographs in the split '{split}'", where=prepared.folder, fix=f"Known: {known}")
    return rows


def _threshold_in_force(
    classes: Classes, point: OperatingPoint | None, config: EvaluateConfig
) -> OperatingPoint | None:
    """The threshold asked for, else the operating point's, else one half; None without a positive class."""
    if classes.positive is None:
        return None
    if config.threshold is not None:
        return OperatingPoint(config.threshold, "given by the user", "", "none")
    return point or OperatingPoint(FIXED_THRESHOLD, "fixed, none was fitted", "", "none")


def _case_files(prepared: PreparedSet, rows: Sequence[IndexRow], predictions: Path) -> dict[str, CaseFiles]:
    """The files of every photograph; InputError if the prediction of any is missing."""
    kind = "mask" if prepared.classes.positive is None else "prob"
    files = {row.id: _files_of(prepared, row, predictions, kind) for row in rows}
    missing = [identifier for identifier, case in files.items() if not case.prediction.is_file()]
    if missing:
        reasons = _failure_reasons(predictions)
        known = next((f"; {name}: {reasons[name].rstrip('.')}" for name in missing if name in reasons), "")
        raise InputError(
            f"{len(missing)} of {len(files)} predictions are missing ({listed(missing)}){known}",
            where=predictions / kind,
            fix="Run `retseg predict` for this set, or give the folder that holds all of them",
        )
    # Some photographs with all classes and some without would give figures over a part of the set.
    scored = [files[row.id] for row in rows if row.label is not None]
    if all(case.class_probabilities is not None and case.class_probabilities.is_file() for case in scored):
        return files
    return {identifier: replace(case, class_probabilities=None) for identifier, case in files.items()}


def _files_of(prepared: PreparedSet, row: IndexRow, predictions: Path, kind: str) -> CaseFiles:
    sample = row.sample(prepared.folder)
    return CaseFiles(
        id=row.id,
        patient=row.patient,
        label=prepared.folder / (row.label or ""),
        fov=prepared.folder / row.fov,
        prediction=predictions / kind / f"{row.id}.png",
        class_probabilities=predictions / "classes" / f"{row.id}.nii.gz" if kind == "prob" else None,
        observers={name: sample.labels[name] for name in row.observers},
    )


def _failure_reasons(predictions: Path) -> dict[str, str]:
    """Why `predict` left photographs out, by their id."""
    path = predictions / "failures.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file) if row.get("id") and row.get("reason")}


def _processes(rows: Sequence[IndexRow], workers: int | None) -> int:
    """How many processes are worth starting; the scores do not depend on it."""
    pixels = sum(row.width * row.height for row in rows)
    wanted = workers if workers is not None else os.cpu_count() or 1
    return max(1, min(wanted, len(rows), pixels // _PIXELS_WORTH_A_PROCESS))


def _scores(files: Sequence[CaseFiles], classes: Classes, out: Path, processes: int) -> Iterator[CaseScore]:
    """The scores of each photograph, in order."""
    work = partial(_score, classes=classes, out=out)
    if processes == 1:
        yield from map(work, files)
        return
    # Not forked: the threads of torch do not survive it.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            yield from pool.map(work, files)
    except BrokenProcessPool:
        raise InputError(
            "a process was killed while scoring, most likely for want of memory", fix="Use --workers 1"
        ) from None


def _score(files: CaseFiles, classes: Classes, out: Path) -> CaseScore:
    return score_case(files, classes, out / "fov" / f"{files.id}.png")


def _write_json(path: Path, data: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
