"""The protocol in force: every choice for protocol.json, and the same in one line to stand beside the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from retseg.core.types import Classes, OperatingPoint
from retseg.datasets.prepared import IndexRow
from retseg.evaluation.overlap import FitOverlap
from retseg.evaluation.scoreboard import FIXED_THRESHOLD
from retseg.inference.card import Card
from retseg.metrics.metric import Metric


@dataclass(frozen=True, slots=True)
class Protocol:
    """What was scored, against what, where, and with which decision.

    `scored` and `unlabelled` are the photographs with and without a ground truth; `point` is None for tasks without
    a positive class; `per_class` says that every class's probabilities were there.
    """

    dataset: str
    split: str
    system: str
    classes: Classes
    metrics: Sequence[Metric]
    scored: Sequence[IndexRow]
    unlabelled: Sequence[IndexRow]
    point: OperatingPoint | None
    overlap: FitOverlap
    card: Card | None
    per_class: bool

    @property
    def line(self) -> str:
        """The protocol in one line of plain words."""
        if not self.scored:
            none = f"{self.dataset}, {self.split}: {_counted(len(self.unlabelled), 'photograph')}"
            return f"{none} without ground truth: predicted, not scored."
        patients = len({row.patient for row in self.scored})
        photographs = f"{_counted(len(self.scored), 'photograph')} of {_counted(patients, 'patient')}"
        truth = _joined(Counter(str(row.reference) for row in self.scored))
        parts = [
            f"{self.dataset}, {self.split}: {photographs}",
            f"only pixels inside the field of view ({self._fov_words()})",
            f"ground truth by {truth} on the native grid, unaltered",
            self._decision_words(),
        ]
        if self.unlabelled:
            count = len(self.unlabelled)
            parts.append(
                f"{_counted(count, 'photograph')} without ground truth {'is' if count == 1 else 'are'} not scored"
            )
        if self.overlap:
            parts.append(f"NOT A TEST: {self.overlap.words}")
        return "; ".join(parts) + "."

    def to_json(self) -> dict[str, Any]:
        """Every choice, JSON-ready."""
        return {
            "line": self.line,
            "system": self.system,
            "dataset": self.dataset,
            "split": self.split,
            "pixels": f"inside the field of view, and not where the ground truth is {self.classes.ignore} (ignore)",
            "fields_of_view": dict(Counter(row.fov_source for row in self.scored)),
            "grid": "native; predictions return to it, the ground truth is never resized or altered",
            "classes": self.classes.to_json(),
            "score": self._score_words(),
            "decision": self._decision_words(),
            "threshold": self.point.to_json() if self.point else None,
            "fixed_threshold": FIXED_THRESHOLD if self.point else None,
            "pooled": "all counted pixels of all photographs together",
            "per_image_mean": "mean over the photographs for which a metric is defined; per_image_n is their number",
            "per_class": self._class_words(),
            "observers": "each further observer's mask against the reference observer, on the same pixels",
            "metrics": {m.name: {"definition": m.definition, "undefined": m.degenerate} for m in self.metrics},
            "photographs": [_photograph(row) for row in self.scored],
            "unlabelled": [_photograph(row) for row in self.unlabelled],
            "fit_overlap": self.overlap.to_json() if self.overlap else None,
            "weights": self.card.to_json() if self.card else None,
        }

    def _fov_words(self) -> str:
        names = {"owner": "the owner's masks", "estimated": "estimated from the photographs"}
        return _joined(Counter(names[row.fov_source] for row in self.scored))

    def _score_words(self) -> str:
        if self.classes.positive is None:
            return "none: the task has no positive class"
        return f"probability of '{self.classes.names[self.classes.positive]}', stored in 16 bits"

    def _decision_words(self) -> str:
        if self.point is None or self.classes.positive is None:
            return "each pixel's most probable class"
        rule = f"{self.classes.names[self.classes.positive]} where probability > {self.point.threshold:.4f}"
        if not self.point.patients:
            return f"{rule} ({self.point.criterion})"
        patients = _counted(len(self.point.patients), f"{self.point.split} patient")
        return f"{rule}, frozen ({self.point.criterion} on {patients} of {self.point.dataset})"

    def _class_words(self) -> str | None:
        if not self.per_class:
            return None
        return "the most probable class, each class against all others; N/A for a class that the ground truth lacks"


def _photograph(row: IndexRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "patient": row.patient,
        "field_of_view": row.fov_source,
        "reference": row.reference,
        "observers": list(row.observers),
    }


def _joined(numbers: Counter[str]) -> str:
    """One name, or several with their numbers."""
    if len(numbers) == 1:
        return next(iter(numbers))
    return " and ".join(f"{name} for {number}" for name, number in numbers.items())


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def patients_of(rows: Iterable[IndexRow]) -> list[str]:
    """The patients of some photographs, each once, in order."""
    return list(dict.fromkeys(row.patient for row in rows))
