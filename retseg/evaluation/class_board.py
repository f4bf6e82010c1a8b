"""Puts the class maps of one photograph after another together: each class against all others, and their means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from retseg.core.types import Classes
from retseg.evaluation.class_ranking import ClassRanking, RankingBoard
from retseg.evaluation.figures import Figures, class_figures, json_ready, overall_figures, ranked
from retseg.evaluation.tables import Decision, MetricRow, Place
from retseg.metrics.confusion import Int64Array
from retseg.metrics.metric import Metric

MEAN_OF_CLASSES = "(mean of classes)"
"""The class column of metrics.csv for figures over all classes of a task without a positive one."""

UNSEEN = "never seen in training"
NOT_IN_TRUTH = "not in the ground truth"


class ClassBoard:
    """The class maps of one system, or of one human observer.

    Args:
        classes: The class table of the task.
        metrics: What is reported, in the order of the tables.
        system: Name of whose maps they are.
        decision: What the means over the classes were computed from.
        unseen: Names of classes that the system never met: they have no figures and enter no mean.
    """

    def __init__(
        self,
        classes: Classes,
        metrics: Sequence[Metric],
        system: str,
        decision: Decision = "argmax",
        unseen: Collection[str] = (),
    ) -> None:
        self.classes = classes
        self.metrics = metrics
        self.system = system
        self.unseen = frozenset(unseen)
        self.confusion: Int64Array | None = None
        self._decision = decision
        self._scores = {metric.name for metric in ranked(metrics)} if classes.positive is None else set()
        self._ranking: RankingBoard | None = None

    def add(self, confusion: Int64Array, ranking: ClassRanking | None = None) -> Figures:
        """Adds one photograph and returns its means over the classes."""
        self.confusion = confusion.copy() if self.confusion is None else self.confusion + confusion
        if ranking is not None:
            self._ranking = self._ranking or RankingBoard(self.classes, self.metrics)
            self._ranking.add(ranking)
        scores = None if ranking is None else ranking.figures
        return overall_figures(self.metrics, confusion, self.classes, scores, self.unseen)

    def rows(
        self, place: tuple[str, str], means: Figures, confusion: Int64Array, ranking: ClassRanking | None = None
    ) -> Iterator[MetricRow]:
        """One photograph's lines for metrics.csv: means over the classes where none is positive, then each class.

        `place` is the photograph's id and its patient, `means` what `add` returned for it.
        """
        identifier, patient = place
        scores = None if ranking is None else ranking.figures
        if self.classes.positive is None:
            yield from self._lines(Place(identifier, patient, self.system, MEAN_OF_CLASSES), means, self._decision)
        nothing = dict.fromkeys((m.name for m in self.metrics), np.nan)
        for name, figures in class_figures(self.metrics, confusion, self.classes, scores, self.unseen).items():
            yield from self._lines(Place(identifier, patient, self.system, name), figures or nothing, "argmax")

    def pooled(self) -> Figures:
        """Means over the classes, of each class's figures over all pixels."""
        return overall_figures(self.metrics, self._counted(), self.classes, self._scored(), self.unseen)

    def per_class(self) -> dict[str, Any]:
        """Each class's figures over all pixels, JSON-ready; None for a class that has none."""
        found = class_figures(self.metrics, self._counted(), self.classes, self._scored(), self.unseen)
        return {name: None if figures is None else json_ready(figures) for name, figures in found.items()}

    @property
    def judged(self) -> tuple[int, ...]:
        """Indices of the classes that means are taken over, as far as the truth contains them."""
        return tuple(index for index in self.classes.scored if self.classes.names[index] not in self.unseen)

    @property
    def has_ranking(self) -> bool:
        """Whether the probabilities of all classes were there."""
        return self._ranking is not None

    @property
    def in_truth(self) -> frozenset[str]:
        """Names of the classes that the truth contains."""
        present = self._counted().sum(axis=1) > 0
        return frozenset(name for name, there in zip(self.classes.names, present, strict=True) if there)

    def absent(self) -> dict[str, str]:
        """Why a class has no figures, by its name."""
        if self.confusion is None:
            return {}
        names = [self.classes.names[index] for index in self.classes.scored]
        lacking = [name for name in names if name in self.unseen or name not in self.in_truth]
        return {name: UNSEEN if name in self.unseen else NOT_IN_TRUTH for name in lacking}

    def _lines(self, place: Place, figures: Figures, decision: Decision) -> Iterator[MetricRow]:
        # An observer's mask ranks nothing, so only a system has lines for scores.
        if self._decision == "argmax":
            yield from place.rows({name: figures[name] for name in figures if name in self._scores}, "score")
        counts = (metric.name for metric in self.metrics if metric.needs == "counts")
        yield from place.rows({name: figures[name] for name in counts}, decision)

    def _counted(self) -> Int64Array:
        count = self.classes.count
        return np.zeros((count, count), np.int64) if self.confusion is None else self.confusion

    def _scored(self) -> dict[str, Figures | None] | None:
        return None if self._ranking is None else self._ranking.figures()
