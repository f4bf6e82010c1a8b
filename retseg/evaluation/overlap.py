"""No test on the patients that training saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from retseg.core.errors import InputError, listed
from retseg.core.types import OperatingPoint
from retseg.inference.card import Card


@dataclass(frozen=True, slots=True)
class FitOverlap:
    """The scored patients that the weights, or the threshold, were fitted on. `subject` is what they are called."""

    weights: tuple[str, ...] = ()
    threshold: tuple[str, ...] = ()
    subject: str = "patient"

    @classmethod
    def of(cls, parts: Iterable[FitOverlap]) -> FitOverlap:
        """The overlaps of several folds together."""
        every = list(parts)
        return cls(
            tuple(sorted({patient for part in every for patient in part.weights})),
            tuple(sorted({patient for part in every for patient in part.threshold})),
            *{part.subject for part in every[:1]},
        )

    def __bool__(self) -> bool:
        return bool(self.weights or self.threshold)

    @property
    def words(self) -> str:
        """What overlaps, as a part of a sentence."""
        parts = [
            f"the {what} {'was' if what == 'threshold' else 'were'} fitted on {len(patients)} of the scored "
            f"{self.subject}s ({listed(patients)})"
            for what, patients in (("weights", self.weights), ("threshold", self.threshold))
            if patients
        ]
        return " and ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"weights": list(self.weights), "threshold": list(self.threshold)}


def fit_overlap(
    dataset: str,
    patients: Iterable[str],
    point: OperatingPoint | None,
    card: Card | None,
    subject: str = "patient",
    origins: Mapping[str, tuple[str, str]] | None = None,
) -> FitOverlap:
    """Which of the `patients` of `dataset` the weights of `card` or the threshold `point` were fitted on.

    `origins` tells of patients of a joined set which dataset they come from, and their names there: fitted on them
    there is fitted on them here.
    """
    weights, threshold = set(), set()
    for patient in patients:
        for name, known in {(dataset, patient), (origins or {}).get(patient, (dataset, patient))}:
            if card and known in card.patients_behind_weights(name):
                weights.add(patient)
            if point and point.dataset == name and known in point.patients:
                threshold.add(patient)
    return FitOverlap(tuple(sorted(weights)), tuple(sorted(threshold)), subject)


def refuse_fit_overlap(overlap: FitOverlap) -> None:
    """Raises InputError, naming the patients, if there is any overlap."""
    if overlap:
        raise InputError(
            f"these scores would be no test: {overlap.words}",
            fix="Score another split, or say --allow-fit-overlap; the results then carry a remark",
        )
