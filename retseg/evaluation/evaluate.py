"""Scores predictions against a prepared set, by the locked protocol."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.core.paths import write_atomically
from retseg.core.types import Classes, OperatingPoint
from retseg.datasets.prepared import IndexRow, PreparedSet
from retseg.evaluation.cases import FIXED_THRESHOLD, CaseFiles, CaseScore, Task, score_case
from retseg.evaluation.config import EvaluateConfig
from retseg.evaluation.maps_of_others import OURS, MapEncoding, find_encoding
from retseg.evaluation.matching import Matching, match_maps
from retseg.evaluation.overlap import FitOverlap, fit_overlap, listed, refuse_fit_overlap
from retseg.evaluation.protocol import Protocol, patients_of
from retseg.evaluation.scoreboard import Scoreboard
from retseg.evaluation.sums import write_sums
from retseg.evaluation.tables import write_metrics
from retseg.inference.card import Card
from retseg.metrics.registry import METRICS

ALL = "all"
"""Name of the split that is every photograph of a set."""

Report = Callable[[int, str], None]

_PIXELS_WORTH_A_PROCESS = 5_000_000
"""Starting a process takes about as long as scoring this many pixels."""
_INVERTED = 0.5  # a ROC AUC below this ranks vessels under what is no vessel


@dataclass(frozen=True, slots=True)
class Predictions:
    """A folder of predictions and what is known of where they come from.

    `folder` holds prob/<id>.png (mask/<id>.png for tasks without a positive class) on the native grid, optionally
    classes/<id>.nii.gz; or maps of others under any reasonable name. `point` is the frozen threshold with the patients
    that it was fitted on; None for tasks without a positive class, and where none is known (then one half is used).
    `card` belongs to the weights, if they are known: their patients are not scored. `ids` are the photographs that
    this folder answers for; None for all.
    """

    folder: Path
    point: OperatingPoint | None = None
    card: Card | None = None
    ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """One folder of predictions with its photographs, the threshold in force, and how its files were found."""

    given: Predictions
    rows: tuple[IndexRow, ...]
    point: OperatingPoint | None
    matching: Matching
    overlap: FitOverlap


@dataclass(frozen=True, slots=True)
class _Unusable:
    """A photograph whose prediction cannot be scored, and why."""

    id: str
    reason: str


def evaluate_predictions(
    prepared: PreparedSet,
    predictions: Sequence[Predictions],
    config: EvaluateConfig,
    out: Path,
    report: Report | None = None,
    *,
    system: str | None = None,
    workers: int | None = 1,
) -> dict[str, Any]:
    """Scores predictions and writes metrics.csv, summary.json, curves.json, scores.npz, protocol.json and fov/.

    Maps that do not lie where `retseg predict` puts them are handed on in maps/, for reports.

    Args:
        prepared: The photographs, their ground truth and fields of view.
        predictions: The folders to score together: one, or one a fold, each for the photographs of its own test.
        config: Split, metrics, and a threshold that goes before the operating points'.
        out: Folder to write into.
        report: Told (number of photographs done, id of the last).
        system: What the predictions are called in tables; the card's architecture when None.
        workers: Processes; None takes one a core. The result does not depend on it.

    Returns:
        What summary.json holds.
    """
    rows = _chosen(prepared, config.split)
    parts = [_part(prepared, one, rows, config) for one in predictions]
    overlap = FitOverlap.of([part.overlap for part in parts])
    if not config.allow_fit_overlap:
        refuse_fit_overlap(overlap)
    unusable = _missing(parts, rows, config)
    gone = {one.id for one in unusable}
    scored = [row for row in rows if row.label is not None and row.id not in gone]
    files = _case_files(prepared, parts, {row.id for row in scored}, out / "maps")
    task = Task(
        prepared.classes, [METRICS.get(name) for name in config.metrics], _encoding(prepared, parts), config.traps
    )
    name = system or _name(predictions)
    board = Scoreboard(prepared.classes, task.metrics, name, resamples=config.resamples, seed=config.resample_seed)
    for score in _scores([files[row.id] for row in scored], task, out, _processes(scored, workers)):
        if isinstance(score, _Unusable):
            unusable.append(score)
        else:
            board.add(score)
        if report is not None:
            report(1, score.id)
    _refuse_unusable([one for one in unusable if one.id not in gone], config)
    gone = {one.id for one in unusable}
    protocol = Protocol(
        dataset=prepared.name,
        split=config.split,
        system=name,
        classes=prepared.classes,
        metrics=task.metrics,
        scored=[row for row in scored if row.id not in gone],
        unlabelled=[row for row in rows if row.label is None],
        missing={one.id: one.reason for one in unusable},
        points=[part.point for part in parts if part.point is not None],
        overlap=overlap,
        cards=[part.given.card for part in parts if part.given.card is not None],
        per_class=prepared.classes.positive is None or any(file.class_probabilities for file in files.values()),
        binary=board.binary,
        resamples=config.resamples,
    )
    summary = _summary(board, protocol, parts, list(_unprepared(prepared)))
    write_metrics(out / "metrics.csv", board.rows)
    write_sums(out / "scores.npz", board.sums())
    _write_json(out / "curves.json", board.curves())
    _write_json(out / "summary.json", summary)
    _write_json(out / "protocol.json", protocol.to_json())
    return summary


def _summary(
    board: Scoreboard, protocol: Protocol, parts: Sequence[_Part], unprepared: Sequence[str]
) -> dict[str, Any]:
    figures = board.summary()
    point = protocol.points[0] if len(protocol.points) == 1 else None
    return {
        "system": protocol.system,
        "dataset": protocol.dataset,
        "split": protocol.split,
        "n_images": len(protocol.scored),
        "n_patients": len(patients_of(protocol.scored)),
        "threshold": point.to_json() if point else None,
        **figures,
        "unlabelled": [row.id for row in protocol.unlabelled],
        "missing": list(protocol.missing),
        "matched": None if all(_ours(part) for part in parts) else " ".join(part.matching.line for part in parts),
        "warnings": [*_warnings(figures, protocol), *unprepared],
        "fit_overlap": protocol.overlap.to_json() if protocol.overlap else None,
        "protocol": protocol.line,
    }


def _warnings(figures: Mapping[str, Any], protocol: Protocol) -> list[str]:
    """What a reader must know although nothing stopped the scoring."""
    warnings = []
    auc, mcc = figures["pooled"].get("auc"), figures["pooled"].get("mcc")
    inverted = mcc is not None and mcc < 0 if auc is None else auc < _INVERTED
    if inverted:
        what = f"the ROC AUC is {auc:.4f}, below 0.5" if auc is not None else f"the MCC is {mcc:.4f}, below 0"
        warnings.append(
            f"The maps look inverted: {what}. Vessels must be bright (the score is the probability of vessel)."
        )
    if protocol.missing:
        warnings.append(
            f"{len(protocol.missing)} of {len(protocol.missing) + len(protocol.scored)} photographs are not scored, "
            "because their predictions are missing or cannot be used. The figures flatter if the hard ones are missing."
        )
    return warnings


def _unprepared(prepared: PreparedSet) -> Iterator[str]:
    """A word on photographs of the set that could not even be prepared, such as those with a damaged label."""
    failures = _failure_reasons(prepared.folder)
    if failures:
        name, reason = next(iter(failures.items()))
        yield (
            f"{len(failures)} photograph(s) of the set could not be prepared and stand in no figure, whatever their "
            f"split ({name}: {reason.rstrip('.')}). See failures.csv of the prepared set."
        )


def _chosen(prepared: PreparedSet, split: str) -> list[IndexRow]:
    rows = [row for row in prepared.rows if split in (ALL, row.split)]
    if not rows:
        known = ", ".join([*dict.fromkeys(row.split for row in prepared.rows), ALL])
        raise InputError(f"no photographs in the split '{split}'", where=prepared.folder, fix=f"Known: {known}")
    return rows


def _part(prepared: PreparedSet, given: Predictions, rows: Sequence[IndexRow], config: EvaluateConfig) -> _Part:
    mine = tuple(row for row in rows if given.ids is None or row.id in given.ids)
    ids = [row.id for row in mine]
    kind = given.folder / "mask"
    if prepared.classes.positive is None:
        found = {one: path for one in ids if (path := kind / f"{one}.png").is_file()}
        matching = Matching(found, tuple(one for one in ids if one not in found), (), "")
    else:
        matching = match_maps(given.folder, ids)
    point = _threshold_in_force(prepared.classes, given.point, config)
    labelled = patients_of(row for row in mine if row.label is not None)
    return _Part(given, mine, point, matching, fit_overlap(prepared.name, labelled, point, given.card))


def _ours(part: _Part) -> bool:
    """Whether all files lie where `retseg predict` puts them."""
    return all(path.parent.is_relative_to(part.given.folder / "prob") for path in part.matching.found.values())


def _threshold_in_force(
    classes: Classes, point: OperatingPoint | None, config: EvaluateConfig
) -> OperatingPoint | None:
    """The threshold asked for, else the operating point's, else one half; None without a positive class."""
    if classes.positive is None:
        return None
    if config.threshold is not None:
        return OperatingPoint(config.threshold, "given by the user", "", "none")
    return point or OperatingPoint(FIXED_THRESHOLD, "fixed, none was fitted", "", "none")


def _missing(parts: Sequence[_Part], rows: Sequence[IndexRow], config: EvaluateConfig) -> list[_Unusable]:
    """The photographs without a prediction; InputError that lists them unless that is allowed."""
    found = {identifier for part in parts for identifier in part.matching.found}
    reasons = {name: reason for part in parts for name, reason in _failure_reasons(part.given.folder).items()}
    missing = [row.id for row in rows if row.id not in found]
    labelled = {row.id for row in rows if row.label is not None}
    if missing and (not config.allow_missing or not any(row.id in found for row in rows if row.label is not None)):
        known = next((f"; {name}: {reasons[name].rstrip('.')}" for name in missing if name in reasons), "")
        raise InputError(
            f"{len(missing)} of {len(rows)} predictions are missing ({listed(missing)}){known}",
            where=parts[0].given.folder,
            fix="Give the folder that holds all of them, or score the others with --allow-missing",
        )
    return [
        _Unusable(one, reasons.get(one, "there is no prediction").rstrip(".")) for one in missing if one in labelled
    ]


def _refuse_unusable(unusable: Sequence[_Unusable], config: EvaluateConfig) -> None:
    if unusable and not config.allow_missing:
        what = "; ".join(f"{one.id}: {one.reason.rstrip('.')}" for one in unusable[:3])
        more = f"; and {len(unusable) - 3} more" if len(unusable) > 3 else ""
        raise InputError(
            f"{len(unusable)} prediction(s) cannot be scored: {what}{more}",
            fix="Mend them, or score the others with --allow-missing",
        )


def _case_files(prepared: PreparedSet, parts: Sequence[_Part], scored: set[str], maps: Path) -> dict[str, CaseFiles]:
    """The files of every photograph that is scored."""
    files = {}
    for part in parts:
        shown = None if prepared.classes.positive is None or _ours(part) else maps
        for row in part.rows:
            if row.id in scored and row.id in part.matching.found:
                files[row.id] = _files_of(prepared, row, part, shown)
    # Some photographs with all classes and some without would give figures over a part of the set.
    if all(case.class_probabilities is not None and case.class_probabilities.is_file() for case in files.values()):
        return files
    return {identifier: replace(case, class_probabilities=None) for identifier, case in files.items()}


def _files_of(prepared: PreparedSet, row: IndexRow, part: _Part, maps: Path | None) -> CaseFiles:
    sample = row.sample(prepared.folder)
    single = prepared.classes.positive is not None
    return CaseFiles(
        id=row.id,
        patient=row.patient,
        reference=str(row.reference),
        label=prepared.folder / (row.label or ""),
        fov=prepared.folder / row.fov,
        prediction=part.matching.found[row.id],
        threshold=part.point.threshold if part.point else FIXED_THRESHOLD,
        class_probabilities=part.given.folder / "classes" / f"{row.id}.nii.gz" if single else None,
        observers={name: sample.labels[name] for name in row.observers},
        maps=maps,
    )


def _encoding(prepared: PreparedSet, parts: Sequence[_Part]) -> MapEncoding:
    if prepared.classes.positive is None or all(part.given.card is not None for part in parts):
        # Written by us. A system of ours that marks nothing anywhere has scores all the same: they are all 0.
        return OURS
    return find_encoding([path for part in parts for path in part.matching.found.values()])


def _name(predictions: Sequence[Predictions]) -> str:
    first = predictions[0]
    return first.card.arch if first.card else first.folder.resolve().name


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


def _scores(files: Sequence[CaseFiles], task: Task, out: Path, processes: int) -> Iterator[CaseScore | _Unusable]:
    """The scores of each photograph, in order."""
    work = partial(_score, task=task, out=out)
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


def _score(files: CaseFiles, task: Task, out: Path) -> CaseScore | _Unusable:
    try:
        return score_case(files, task, out / "fov" / f"{files.id}.png")
    except InputError as error:
        return _Unusable(files.id, error.line)


def _write_json(path: Path, data: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
