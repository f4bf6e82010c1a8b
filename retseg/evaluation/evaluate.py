"""Scores predictions against a prepared set, by the locked protocol."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError, listed
from retseg.core.paths import write_atomically
from retseg.core.types import Classes
from retseg.datasets.prepared import IndexRow, PreparedSet
from retseg.evaluation.cases import CaseFiles, CaseScore, Task, score_case
from retseg.evaluation.class_board import ClassBoard
from retseg.evaluation.config import EvaluateConfig
from retseg.evaluation.instances import PREDICTED, InstanceBoard
from retseg.evaluation.overlap import FitOverlap, refuse_fit_overlap
from retseg.evaluation.parts import (
    Part,
    Unusable,
    case_files,
    encoding_of,
    failure_reasons,
    part_of,
    refuse_unusable,
    without_prediction,
    written_by_us,
)
from retseg.evaluation.parts import Predictions as Predictions
from retseg.evaluation.protocol import Protocol, patients_of
from retseg.evaluation.scoreboard import Scoreboard
from retseg.evaluation.sums import write_sums
from retseg.evaluation.tables import write_confusion, write_metrics
from retseg.metrics.registry import METRICS

ALL = "all"
"""Name of the split that is every photograph of a set."""

Report = Callable[[int, str], None]

_PIXELS_WORTH_A_PROCESS = 5_000_000
"""Starting a process takes about as long as scoring this many pixels."""
_INVERTED = 0.5  # a ROC AUC below this ranks the positive class under what is not of it
_CHANCE = 0.4  # between this AUC and one half a net has rather learnt nothing than the opposite


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

    Where every pixel was given one of several classes, confusion.csv stands beside them. Maps that do not lie where
    `retseg predict` puts them are handed on in maps/, for reports.

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
    parts = [part_of(prepared, one, rows, config) for one in predictions]
    overlap = FitOverlap.of([part.overlap for part in parts])
    if not config.allow_fit_overlap:
        refuse_fit_overlap(overlap)
    unusable = without_prediction(parts, rows, config)
    gone = {one.id for one in unusable}
    scored = [row for row in rows if row.label is not None and row.id not in gone]
    files = case_files(prepared, parts, {row.id for row in scored}, out / "maps")
    task = Task(
        prepared.classes, [METRICS.get(name) for name in config.metrics], encoding_of(prepared, parts), config.traps
    )
    name = system or _name(predictions)
    unseen = _unseen(prepared.classes, parts)
    drawn = {"resamples": config.resamples, "seed": config.resample_seed}
    board = Scoreboard(prepared.classes, task.metrics, name, unseen=unseen, **drawn)
    things = InstanceBoard(prepared.classes, name, _separation(predictions), unseen=unseen, **drawn)
    for score in _scores([files[row.id] for row in scored], task, out, _processes(scored, workers)):
        if isinstance(score, Unusable):
            unusable.append(score)
        else:
            board.add(score)
            if score.instances is not None:
                things.add(score.id, score.patient, score.instances)
        if report is not None:
            report(1, score.id)
    refuse_unusable([one for one in unusable if one.id not in gone], config)
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
        ranked=board.class_board.has_ranking,
        absent=board.class_board.absent(),
        void=board.void,
        instances=things.protocol(prepared.classes.positive is not None or board.class_board.has_ranking),
    )
    remarks = (
        *_unused_settings(prepared.classes, config),
        *_unseen_warning(board.class_board),
        *_unprepared(prepared),
    )
    summary = _summary(board, things, protocol, parts, remarks)
    write_metrics(out / "metrics.csv", [*board.rows, *things.rows])
    if (confusion := summary.get("confusion")) is not None:
        write_confusion(out / "confusion.csv", confusion["classes"], confusion["matrix"])
    write_sums(out / "scores.npz", board.sums())
    _write_json(out / "curves.json", board.curves())
    _write_json(out / "summary.json", summary)
    _write_json(out / "protocol.json", protocol.to_json())
    return summary


def _summary(
    board: Scoreboard, things: InstanceBoard, protocol: Protocol, parts: Sequence[Part], remarks: Sequence[str]
) -> dict[str, Any]:
    figures = board.summary()
    point = protocol.points[0] if len(protocol.points) == 1 else None
    foreign = [part.matching.line for part in parts if not written_by_us(part)]
    return {
        "system": protocol.system,
        "dataset": protocol.dataset,
        "split": protocol.split,
        "subject": protocol.classes.subject,
        "n_images": len(protocol.scored),
        "n_patients": len(patients_of(protocol.scored)),
        "threshold": point.to_json() if point else None,
        **figures,
        "unseen": [name for name in protocol.classes.names if name in board.class_board.unseen],
        "not_applicable": dict(protocol.absent),
        "instances": things.summary(),
        "void": list(protocol.void),
        "unlabelled": [row.id for row in protocol.unlabelled],
        "missing": list(protocol.missing),
        "matched": " ".join(foreign) or None,
        "warnings": [*_warnings(figures, protocol), *remarks],
        "fit_overlap": protocol.overlap.to_json() if protocol.overlap else None,
        "protocol": protocol.line,
    }


def _warnings(figures: Mapping[str, Any], protocol: Protocol) -> list[str]:
    """What a reader must know although nothing stopped the scoring."""
    warnings = []
    auc, mcc = figures["pooled"].get("auc"), figures["pooled"].get("mcc")
    inverted = mcc is not None and mcc < 0 if auc is None else auc < _INVERTED
    if inverted and protocol.classes.positive is not None:
        name = protocol.classes.names[protocol.classes.positive]
        what = f"the ROC AUC is {auc:.4f}, below 0.5" if auc is not None else f"the MCC is {mcc:.4f}, below 0"
        judged = "are no better than chance, or inverted" if auc is not None and auc > _CHANCE else "look inverted"
        warnings.append(
            f"The maps {judged}: {what}. The class '{name}' must be bright (the score is the probability of {name})."
        )
    if protocol.missing:
        warnings.append(
            f"{len(protocol.missing)} of {len(protocol.missing) + len(protocol.scored)} photographs are not scored, "
            "because their predictions are missing or cannot be used. The figures flatter if the hard ones are missing."
        )
    if protocol.void:
        warnings.append(
            f"{len(protocol.void)} photograph(s) without a single counted pixel (all of the ground truth is void) "
            f"stand in no figure: {listed(protocol.void)}."
        )
    return warnings


def _unseen(classes: Classes, parts: Sequence[Part]) -> frozenset[str]:
    """Names of the scored classes that the weights never met; of several folds, that any fold's weights never met."""
    met = {name for part in parts if part.given.card is not None for name in part.given.card.unseen}
    return frozenset(met & {classes.names[index] for index in classes.scored})


def _unseen_warning(board: ClassBoard) -> Iterator[str]:
    if board.unseen:
        names = [name for name in board.classes.names if name in board.unseen]
        there = [name for name in names if name in board.in_truth]
        wrong = f" The ground truth shows {', '.join(there)}: these pixels count as wrong in the pixel accuracy."
        yield f"Never seen in training, so N/A and in no mean: {', '.join(names)}.{wrong if there else ''}"


def _unused_settings(classes: Classes, config: EvaluateConfig) -> Iterator[str]:
    """A word on what was asked for and makes no sense where no class is the positive one."""
    asked = {"evaluate.threshold": config.threshold is not None, "evaluate.traps": config.traps}
    unused = [name for name, given in asked.items() if given and classes.positive is None]
    if unused:
        yield f"{' and '.join(unused)} had no part in this: each pixel is given its most probable class."


def _separation(predictions: Sequence[Predictions]) -> str:
    """How the instances were told apart, if all folders of predictions agree."""
    names = {one.separation for one in predictions}
    return names.pop() if len(names) == 1 else PREDICTED


def _unprepared(prepared: PreparedSet) -> Iterator[str]:
    """A word on photographs of the set that could not even be prepared, such as those with a damaged label."""
    failures = failure_reasons(prepared.folder)
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


def _name(predictions: Sequence[Predictions]) -> str:
    first = predictions[0]
    return first.card.arch if first.card else first.folder.resolve().name


def _processes(rows: Sequence[IndexRow], workers: int | None) -> int:
    """How many processes are worth starting; the scores do not depend on it."""
    pixels = sum(row.width * row.height for row in rows)
    wanted = workers if workers is not None else os.cpu_count() or 1
    return max(1, min(wanted, len(rows), pixels // _PIXELS_WORTH_A_PROCESS))


def _scores(files: Sequence[CaseFiles], task: Task, out: Path, processes: int) -> Iterator[CaseScore | Unusable]:
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


def _score(files: CaseFiles, task: Task, out: Path) -> CaseScore | Unusable:
    try:
        return score_case(files, task, out / "fov" / f"{files.id}.png")
    except InputError as error:
        return Unusable(files.id, error.line)


def _write_json(path: Path, data: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
