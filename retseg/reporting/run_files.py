"""What the earlier stages of a run left on disk, read once and typed. Nothing here is computed."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest
from retseg.core.types import Classes, OperatingPoint

MEAN_OF_CLASSES = "(mean of classes)"
"""What metrics.csv calls the figures over all classes of a task without a positive one."""

_FIX = "Run the stage again with --force"


@dataclass(frozen=True, slots=True)
class RunFolders:
    """The folders of one run. `train` is None where someone else's predictions were evaluated."""

    name: str
    train: Path | None
    predict: Path
    evaluate: Path


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that could not be predicted, with the reason in words."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One line of metrics.csv: one metric of one class of one image.

    `decision` says what was scored: the probabilities ("score"), the class beyond a threshold ("threshold", with its
    `threshold`), an observer's drawing ("mask"), or the most probable class ("argmax").
    """

    id: str
    system: str
    class_name: str
    metric: str
    value: float | None
    threshold: float | None
    decision: str


@dataclass(frozen=True, slots=True)
class ImageScores:
    """The lines of metrics.csv, found by image, system, class and metric."""

    rows: tuple[ScoreRow, ...] = ()
    _found: Mapping[tuple[str, str, str, str], tuple[ScoreRow, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, rows: Iterator[ScoreRow]) -> ImageScores:
        """Scores with their lookup table."""
        kept = tuple(rows)
        found: dict[tuple[str, str, str, str], tuple[ScoreRow, ...]] = {}
        for row in kept:
            key = (row.id, row.system, row.class_name, row.metric)
            found[key] = (*found.get(key, ()), row)
        return cls(kept, found)

    def value(
        self, image: str, system: str, class_name: str, metric: str, threshold: float | None = None
    ) -> float | None:
        """The value of one metric, None where undefined or not there.

        Of several thresholds the given one counts, and where none is given, since each fold has its own, the one that
        evaluate wrote first; the most probable class counts only where nothing else was scored.
        """
        rows = self._found.get((image, system, class_name, metric), ())
        fitting = [row for row in rows if row.threshold is None or _same(row.threshold, threshold)]
        if not fitting and threshold is None:
            fitting = list(rows[:1])
        fitting.sort(key=lambda row: row.decision == "argmax")
        return fitting[0].value if fitting else None

    @property
    def ids(self) -> frozenset[str]:
        """Images that have at least one line."""
        return frozenset(row.id for row in self.rows)


@dataclass(frozen=True, slots=True)
class History:
    """history.csv: columns of equal length by name; an empty field is NaN."""

    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything the report knows of one run.

    `protocol` is protocol.json and `curves` curves.json; either may be empty, where someone else evaluated or where the
    evaluation is of an older version. `classes` is the class table of the set that was tested on; without it the task
    is taken for one with patients and a positive class.
    """

    folders: RunFolders
    train: Manifest | None
    predict: Manifest | None
    evaluate: Manifest | None
    operating_point: OperatingPoint | None
    history: History
    summary: Mapping[str, Any]
    protocol: Mapping[str, Any]
    scores: ImageScores
    failures: tuple[Failure, ...]
    curves: Mapping[str, Any] = field(default_factory=dict)
    classes: Classes | None = None

    @property
    def name(self) -> str:
        """The run's name, as the reader sees it."""
        return self.folders.name

    @property
    def system(self) -> str:
        """The name under which metrics.csv lists the run."""
        return str(self.summary.get("system", self.folders.name))

    @property
    def card(self) -> Mapping[str, Any]:
        """The card of the weights, as protocol.json keeps it; empty where the weights are not known."""
        return self.protocol.get("weights") or {}

    @property
    def threshold(self) -> float | None:
        """The threshold that the scores were computed at."""
        point = self.operating_point
        return None if point is None else point.threshold

    @property
    def subject(self) -> str:
        """What the photographs have in common, in the singular."""
        return "patient" if self.classes is None else self.classes.subject

    @property
    def several(self) -> bool:
        """Whether the task has several classes and none of them is the positive one, so that figures are means."""
        return self.classes is not None and self.classes.positive is None


def read_run(folders: RunFolders, classes: Classes | None = None) -> RunRecord:
    """Reads the files of one run. Only summary.json must be there; a file that is there must be readable."""
    summary = _read_json(folders.evaluate / "summary.json", required=True)
    return RunRecord(
        folders=folders,
        train=Manifest.find(folders.train) if folders.train is not None else None,
        predict=Manifest.find(folders.predict),
        evaluate=Manifest.find(folders.evaluate),
        operating_point=_operating_point(folders, summary),
        history=_read_history(folders.train / "history.csv") if folders.train is not None else History(),
        summary=summary,
        protocol=_read_json(folders.evaluate / "protocol.json", required=False),
        scores=ImageScores.of(_read_scores(folders.evaluate / "metrics.csv")),
        failures=tuple(_read_failures(folders.predict / "failures.csv")),
        curves=_read_json(folders.evaluate / "curves.json", required=False),
        classes=classes,
    )


def _operating_point(folders: RunFolders, summary: Mapping[str, Any]) -> OperatingPoint | None:
    """The threshold that was evaluated at; a set without labels has none, so then the one that was predicted with."""
    data = summary.get("threshold")
    path = folders.predict / "operating_point.json"
    if not data:
        data = _read_json(path, required=False)
    try:
        return OperatingPoint.from_json(data) if data else None
    except (KeyError, TypeError, ValueError):
        raise InputError("the operating point cannot be read", where=folders.evaluate, fix=_FIX) from None


def _read_json(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise InputError("the run has not been evaluated", where=path, fix="Run `retseg evaluate` first") from None
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"the file cannot be read ({error})", where=path, fix=_FIX) from None
    if not isinstance(data, dict):
        raise InputError("the file does not hold a JSON object", where=path, fix=_FIX)
    return data


def _read_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield from csv.DictReader(file)
    except FileNotFoundError:
        return
    except (OSError, csv.Error) as error:
        raise InputError(f"the table cannot be read ({error})", where=path, fix=_FIX) from None


def _read_scores(path: Path) -> Iterator[ScoreRow]:
    for row in _read_rows(path):
        try:
            yield ScoreRow(
                id=row["id"],
                system=row["system"],
                class_name=row["class"],
                metric=row["metric"],
                value=_number(row["value"]),
                threshold=_number(row["threshold"]),
                decision=row.get("decision") or "",
            )
        except (KeyError, ValueError, TypeError):
            raise InputError("a line of the table is not as evaluate writes it", where=path, fix=_FIX) from None


def _read_history(path: Path) -> History:
    rows = list(_read_rows(path))
    names = [name for name in (rows[0] if rows else {}) if name]
    try:
        return History({name: tuple(_number_or_nan(row[name]) for row in rows) for name in names})
    except (ValueError, TypeError):
        raise InputError("the history holds something that is not a number", where=path, fix=_FIX) from None


def _read_failures(path: Path) -> Iterator[Failure]:
    for row in _read_rows(path):
        yield Failure(row.get("id", ""), row.get("reason", ""))


def _same(one: float, other: float | None) -> bool:
    return other is not None and math.isclose(one, other, abs_tol=1e-9)


def _number(text: str | None) -> float | None:
    """A number, or None for an empty field and for NaN."""
    if not text or not text.strip():
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _number_or_nan(text: str | None) -> float:
    value = _number(text)
    return math.nan if value is None else value
