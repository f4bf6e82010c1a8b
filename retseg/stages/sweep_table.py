"""The table of a sweep: what each combination reached on validation patients, the best first."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retseg.stages.settings import Settings, load_settings
from retseg.stages.sweep_axes import SWEPT

TABLE = "sweep.csv"
NOTE = (
    "All scores are of validation patients, who were set aside from the training patients; test photographs have no "
    "say. The best of many scores flatters itself: score it once on the test photographs with `retseg evaluate`."
)
_DIFFERENT = "The validation patients are not the same for all, so small differences between rows say nothing."
_SCORES = ("validation_dice", "validation_auc", "validation_loss")
_COURSE = ("epoch", "epochs", "steps", "seconds", "parameters")


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination for one run of the pipeline.

    `changed` are the swept settings as they were written. `figures` are the scores and the course of its training, in
    `folder`; `failed` says in words why there are none.
    """

    run: str
    changed: Mapping[str, str]
    settings: Settings | None = None
    folder: Path | None = None
    figures: Mapping[str, float | None] = field(default_factory=dict)
    patients: tuple[str, ...] = ()
    failed: str | None = None

    @property
    def words(self) -> str:
        """Which combination it is."""
        parts = [*([self.run] if self.run else []), *(f"{key}={value}" for key, value in self.changed.items())]
        return ", ".join(parts) or "the pipeline as it is"

    @property
    def dice_words(self) -> str:
        """The Dice by which it is ranked."""
        return _shown(self.figures.get("validation_dice"))

    def scored(self, folder: Path, facts: Mapping[str, Any], kept: Mapping[str, str]) -> Trial:
        """With the scores at the epoch whose weights were kept, a line of history.csv."""
        scores = {name: float(kept[name]) if kept.get(name) else None for name in _SCORES}
        course = {name: facts.get("training_seconds" if name == "seconds" else name) for name in _COURSE}
        patients = tuple(map(str, facts.get("validation_patients") or ()))
        return replace(self, folder=folder, figures={**scores, **course}, patients=patients)

    def without_scores(self, reason: str) -> Trial:
        """As one that could not be trained."""
        return replace(self, failed=reason)


def table_json(
    name: str, trials: Sequence[Trial], keys: Sequence[str], pipeline: Path, prepared: Path
) -> dict[str, Any]:
    """The content of sweep.json: the best first, then those without a score, then those that failed."""
    ranked = sorted(trials, key=_rank)
    best = ranked[0] if ranked and ranked[0].failed is None else None
    return {
        "name": name,
        "pipeline": str(pipeline),
        "prepared": str(prepared),
        "settings": list(keys),
        "note": NOTE,
        "validation_patients_differ": len({trial.patients for trial in trials if trial.failed is None}) > 1,
        "best": best.words if best else None,
        "command": _command(best, pipeline, prepared) if best else None,
        "trials": [_row(trial) for trial in ranked],
    }


def _rank(trial: Trial) -> tuple[bool, bool, float]:
    dice = trial.figures.get("validation_dice")
    return trial.failed is not None, dice is None, -(dice or 0.0)


def _row(trial: Trial) -> dict[str, Any]:
    figures = {name: trial.figures.get(name) for name in (*_SCORES, *_COURSE)}
    return {
        "run": trial.run,
        "changed": dict(trial.changed),
        **figures,
        "validation_patients": list(trial.patients),
        "folder": str(trial.folder) if trial.folder else None,
        "failed": trial.failed,
    }


def _command(best: Trial, pipeline: Path, prepared: Path) -> str:
    """The command that trains with the best settings for twice as long."""
    assert best.settings is not None
    section = best.settings.train
    longer: dict[str, Any] = {"train.epochs": 2 * section.epochs}
    longer |= {"train.max_steps": 2 * section.max_steps} if section.max_steps is not None else {}
    longer |= {"train.minutes": 2 * section.minutes} if section.minutes is not None else {}
    plain = _flat(load_settings(pipeline).part(*SWEPT))
    wanted = {key: value for key, value in _flat(best.settings.part(*SWEPT)).items() if plain.get(key, ...) != value}
    sets = [f"--set {shlex.quote(f'{key}={json.dumps(value)}')}" for key, value in (wanted | longer).items()]
    return " ".join(
        ["retseg train --config", shlex.quote(str(pipeline)), "--dataset", shlex.quote(str(prepared)), *sets]
    )


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value})
    return flat


def table_csv(table: Mapping[str, Any]) -> str:
    """sweep.csv: one line a combination, the best first; a column for each setting that was swept."""
    keys = table["settings"]
    columns = ["rank", "run", *keys, *_SCORES, *_COURSE, "validation_patients", "folder", "failed"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    for rank, trial in enumerate(table["trials"], 1):
        values = {key: "" if value is None else value for key, value in trial.items()}
        patients = ";".join(trial["validation_patients"])
        place = "" if trial["failed"] else rank
        writer.writerow({**values, **trial["changed"], "validation_patients": patients, "rank": place})
    return text.getvalue()


def table_markdown(table: Mapping[str, Any]) -> str:
    """sweep.md: the same to read."""
    head, *rows = _cells(table, folders=True)
    lines = [f"# Sweep of {table['name']}", "", *_notes(table), ""]
    lines += [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]
    lines += [f"\n{line}" for line in _closing(table)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def table_lines(table: Mapping[str, Any]) -> list[str]:
    """What a terminal shows."""
    rows = _cells(table, folders=False)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    failed = [f"Failed: {_words(trial)}: {trial['failed']}" for trial in table["trials"] if trial["failed"]]
    return [*lines, *failed, *_notes(table), *_closing(table)]


def _cells(table: Mapping[str, Any], *, folders: bool) -> list[list[str]]:
    """The table's heading and rows as text."""
    trials = table["trials"]
    runs = any(trial["run"] for trial in trials)
    head = ["", *(["run"] if runs else []), *table["settings"], "Dice", "AUC", "loss", "epoch", "steps", "time"]
    head += ["parameters", *(["folder"] if folders else [])]
    rows = [head]
    for rank, trial in enumerate(trials, 1):
        row = ["-" if trial["failed"] else str(rank), *([trial["run"]] if runs else [])]
        row += [trial["changed"].get(key, "") for key in table["settings"]]
        if trial["failed"]:
            row += ["failed", *[""] * 6, *([trial["failed"]] if folders else [])]
        else:
            row += [*(_shown(trial[name]) for name in _SCORES), f"{trial['epoch']}/{trial['epochs']}"]
            row += [str(trial["steps"]), f"{trial['seconds'] or 0:.0f} s", f"{trial['parameters'] or 0:,}"]
            row += [str(trial["folder"])] if folders else []
        rows.append(row)
    return rows


def _words(trial: Mapping[str, Any]) -> str:
    return Trial(trial["run"], trial["changed"]).words


def _notes(table: Mapping[str, Any]) -> list[str]:
    return [NOTE, *([_DIFFERENT] if table["validation_patients_differ"] else [])]


def _closing(table: Mapping[str, Any]) -> list[str]:
    if table["best"] is None:
        return []
    return [f"Best: {table['best']}", f"Train longer with it: {table['command']}"]


def _shown(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"
