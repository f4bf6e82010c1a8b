"""The protocol in force: every choice for protocol.json, and the same in one line to stand beside the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retseg.core.types import Classes, OperatingPoint
from retseg.datasets.prepared import IndexRow
from retseg.datasets.splits import TRAIN
from retseg.evaluation.bootstrap import MIN_PATIENTS
from retseg.evaluation.cases import FIXED_THRESHOLD
from retseg.evaluation.overlap import FitOverlap
from retseg.inference.card import Card
from retseg.metrics.metric import Metric
from retseg.metrics.width import EDGES

_WIDTH_WORDS = (
    f"local calibre of the ground truth: thin below {EDGES[0]:g}, thick from {EDGES[1]:g} per mille of the diameter of "
    "the field of view, medium between"
)


@dataclass(frozen=True, slots=True)
class Protocol:
    """What was scored, against what, where, and with which decision.

    `scored` and `unlabelled` are the photographs with and without a ground truth; `missing` gives the reason for each
    that could not be scored. `points` are the thresholds in force and `cards` belong to the weights, one a fold; there
    is no point for tasks without a positive class. `per_class` says that every class's probabilities were there,
    `binary` that the maps know only yes and no, `ranked` that the probabilities of several classes were scored.
    `absent` says of each class without figures why it has none, `void` lists the photographs without a single counted
    pixel, and `instances` says how single things were judged, if any.
    """

    dataset: str
    split: str
    system: str
    classes: Classes
    metrics: Sequence[Metric]
    scored: Sequence[IndexRow]
    unlabelled: Sequence[IndexRow]
    missing: Mapping[str, str]
    points: Sequence[OperatingPoint]
    overlap: FitOverlap
    cards: Sequence[Card]
    per_class: bool
    binary: bool
    resamples: int
    ranked: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)
    void: Sequence[str] = ()
    instances: Mapping[str, Any] | None = None

    @property
    def line(self) -> str:
        """The protocol in one line of plain words."""
        if not self.scored:
            none = f"{self.dataset}, {self.split}: {_counted(len(self.unlabelled), 'photograph')}"
            return f"{none} without ground truth: predicted, not scored."
        patients = len(patients_of(self.scored))
        photographs = _counted(len(self.scored), "photograph")
        whose = "" if self.unit == "photograph" else f" of {_counted(patients, self.unit)}"
        truth = _joined(Counter(str(row.reference) for row in self.scored))
        parts = [
            f"{self.dataset}, {self.split}: {photographs}{whose}",
            self._pixel_words(),
            f"ground truth by {truth} on the native grid, unaltered",
            self._decision_words(),
            self._interval_words(patients),
        ]
        if self.instances:
            parts.append(str(self.instances["line"]))
        if self.absent:
            parts.append(f"N/A: {absent_words(self.absent)}")
        if self.void:
            parts.append(f"{_counted(len(self.void), 'photograph')} without a counted pixel in no figure")
        if self.unlabelled:
            parts.append(f"{_counted(len(self.unlabelled), 'photograph')} without ground truth not scored")
        if self.missing:
            parts.append(f"{_counted(len(self.missing), 'photograph')} without a usable prediction NOT SCORED")
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
            "pixels": self._pixels(),
            **({} if self.classes.outside is None else {"fields_of_view": self._fields_of_view()}),
            "grid": "native; predictions return to it, the ground truth is never resized or altered",
            "classes": self.classes.to_json(),
            "score": self._score_words(),
            "decision": self._decision_words(),
            "threshold": self.points[0].to_json() if len(self.points) == 1 else None,
            "thresholds_of_folds": [point.to_json() for point in self.points] if len(self.points) > 1 else None,
            "fixed_threshold": FIXED_THRESHOLD if self.points else None,
            "pooled": "all counted pixels of all photographs together; a figure of shape belongs to one photograph, so "
            "its mean over the photographs stands here, too",
            "per_image_mean": "mean over the photographs for which a metric is defined; per_image_n is their number",
            "intervals": {
                "method": self._method_words(),
                "level": 0.95,
                "resamples": self.resamples,
            },
            "per_class": self._class_words(),
            "not_applicable": dict(self.absent),
            "instances": None if self.instances is None else dict(self.instances),
            "observers": "each further observer's mask against the reference observer, on the same pixels",
            **({} if self.classes.positive is None else {"vessel_width": _WIDTH_WORDS}),
            "metrics": {
                m.name: {
                    "definition": m.definition,
                    "undefined": m.degenerate,
                    "citation": m.citation,
                    "pinned": dict(m.pinned),
                }
                for m in self.metrics
            },
            "photographs": [_photograph(row) for row in self.scored],
            "unlabelled": [_photograph(row) for row in self.unlabelled],
            "missing": dict(self.missing),
            "void": list(self.void),
            "fit_overlap": self.overlap.to_json() if self.overlap else None,
            "weights": self.cards[0].to_json() if len(self.cards) == 1 else None,
            "weights_of_folds": [card.to_json() for card in self.cards] if len(self.cards) > 1 else None,
        }

    @property
    def unit(self) -> str:
        """What is drawn to say how sure a figure is, as a noun: what photographs may have in common, or they."""
        subject = self.classes.subject
        grouped = len(patients_of(self.scored)) < len(self.scored)
        return "group" if subject == "photograph" and grouped else subject

    def _pixels(self) -> str:
        if self.classes.outside is None:
            return f"every pixel but void (where the ground truth is {self.classes.ignore})"
        return f"inside the field of view, and not where the ground truth is {self.classes.ignore} (ignore)"

    def _pixel_words(self) -> str:
        if self.classes.outside is None:
            return "every pixel but void"
        return f"only pixels inside the field of view ({self._fov_words()})"

    def _method_words(self) -> str:
        method = f"percentile bootstrap over {self.unit}s"
        return method if self.unit == "photograph" else f"{method}; all photographs of a drawn {self.unit} together"

    def _fields_of_view(self) -> dict[str, int]:
        return dict(Counter(row.fov_source for row in self.scored))

    def _fov_words(self) -> str:
        names = {"owner": "the owner's masks", "estimated": "estimated from the photographs"}
        return _joined(Counter(names[row.fov_source] for row in self.scored))

    def _score_words(self) -> str:
        if self.classes.positive is None:
            if not self.ranked:
                return "none: the probabilities of all classes are not there"
            return "probability of each class against all others, stored in 16 bits; its figures are means over classes"
        if self.binary:
            return "none: the maps know only yes and no"
        folds = f"; {len(self.points)} folds, each photograph by weights that never saw its {self.classes.subject}"
        return f"probability of '{self.classes.names[self.classes.positive]}', stored in 16 bits" + (
            folds if len(self.points) > 1 else ""
        )

    def _decision_words(self) -> str:
        if not self.points or self.classes.positive is None:
            return "each pixel's most probable class"
        name = self.classes.names[self.classes.positive]
        if self.binary:
            return f"{name} as the maps say, which know only yes and no"
        if len(self.points) > 1:
            values = [point.threshold for point in self.points]
            return (
                f"{len(self.points)} folds by {self.classes.subject}s, {name} where probability > its fold's threshold "
                f"({min(values):.4f} to {max(values):.4f}), each frozen ({self.points[0].criterion} on "
                f"{self.classes.subject}s of its training)"
            )
        point = self.points[0]
        rule = f"{name} where probability > {point.threshold:.4f}"
        if not point.patients:
            return f"{rule} ({point.criterion})"
        kind = "training" if point.split == TRAIN else point.split
        patients = _counted(len(point.patients), f"{kind} {self.classes.subject}")
        return f"{rule}, frozen ({point.criterion} on {patients} of {point.dataset})"

    def _interval_words(self, patients: int) -> str:
        if patients < 2:
            return f"no intervals: one {self.unit}"
        weak = f", weak: fewer than {MIN_PATIENTS} {self.unit}s" if patients < MIN_PATIENTS else ""
        return f"95% intervals by bootstrap over n = {patients} {self.unit}s ({self.resamples:,} resamples{weak})"

    def _class_words(self) -> str | None:
        if not self.per_class:
            return None
        return (
            "the most probable class, each class against all others; N/A for a class that the ground truth lacks, and "
            "for one that was never seen in training"
        )


def shared_line(lines: Sequence[str]) -> str:
    """What the protocol lines of several systems have in common, as one line."""
    clauses = [line.rstrip(". ").split("; ") for line in lines]
    shared = [clause for clause in clauses[0] if all(clause in other for other in clauses)]
    warned = [clause for one in clauses for clause in one if "NOT A TEST" in clause or "NOT SCORED" in clause]
    own = ["each system at its own threshold"] if len(set(map(tuple, clauses))) > 1 else []
    return "; ".join([*shared, *own, *(one for one in dict.fromkeys(warned) if one not in shared)]) + "."


def absent_words(absent: Mapping[str, str]) -> str:
    """Which classes have no figures and why, as a part of a sentence."""
    names: dict[str, list[str]] = {}
    for name, reason in absent.items():
        names.setdefault(reason, []).append(name)
    return " and ".join(f"{', '.join(those)} ({reason})" for reason, those in names.items())


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
