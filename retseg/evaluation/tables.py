"""metrics.csv: one line for each metric of each photograph, in long form; confusion.csv: the confusion matrix."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retseg.core.paths import write_atomically
from retseg.evaluation.figures import Figures

Decision = Literal["score", "threshold", "argmax", "mask"]
"""What a value was computed from: the scores themselves, `probability > threshold`, the most probable class, a mask."""

COLUMNS = ("id", "patient", "system", "class", "metric", "value", "threshold", "decision")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One line of metrics.csv. An undefined value (NaN) and a threshold that does not apply are empty fields."""

    id: str
    patient: str
    system: str
    class_name: str
    metric: str
    value: float
    threshold: float | None
    decision: Decision

    def fields(self) -> list[str]:
        """The line's fields, numbers with all their digits."""
        value = "" if math.isnan(self.value) else repr(float(self.value))
        threshold = "" if self.threshold is None else repr(float(self.threshold))
        names = [self.id, self.patient, self.system, self.class_name, self.metric]
        return [*names, value, threshold, self.decision]


@dataclass(frozen=True, slots=True)
class Place:
    """The part that the lines of one photograph, system and class have in common."""

    id: str
    patient: str
    system: str
    class_name: str

    def rows(self, figures: Figures, decision: Decision, threshold: float | None = None) -> Iterator[MetricRow]:
        """One line a metric."""
        for metric, value in figures.items():
            yield MetricRow(self.id, self.patient, self.system, self.class_name, metric, value, threshold, decision)


def write_metrics(path: Path, rows: Iterable[MetricRow]) -> None:
    """Writes metrics.csv, whole or not at all. File names that are no valid Unicode survive the round trip."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.fields() for row in rows)
    write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))


def write_confusion(path: Path, names: Sequence[str], matrix: Sequence[Sequence[int]]) -> None:
    """Writes confusion.csv: a row for each true class, a column for each predicted one, numbers of pixels."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["truth", *names])
    writer.writerows([name, *map(int, row)] for name, row in zip(names, matrix, strict=True))
    write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))
