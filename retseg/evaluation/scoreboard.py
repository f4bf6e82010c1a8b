"""Adds up the scores of one photograph after another; memory does not grow with their number but for table lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from retseg.core.types import Classes
from retseg.evaluation.cases import CaseScore
from retseg.evaluation.figures import (
    Figures,
    class_figures,
    counts_of,
    decision_figures,
    defined,
    json_ready,
    mean_figures,
    overall_figures,
    score_figures,
)
from retseg.evaluation.tables import MetricRow, Place
from retseg.metrics.confusion import Int64Array
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import ScoreHistogram

FIXED_THRESHOLD = 0.5
"""Reported beside the frozen threshold, whatever that is."""

MEAN_OF_CLASSES = "(mean of classes)"
"""The class column of metrics.csv for figures over all classes of a task without a positive one."""


class Scoreboard:
    """The scores of one system, and of the human observers beside it.

    Args:
        classes: The class table of the task.
        metrics: What is reported, in the order of the tables.
        system: Name of what is scored.
        threshold: The frozen threshold; for tasks without a positive class it is not used.
    """

    def __init__(self, classes: Classes, metrics: Sequence[Metric], system: str, threshold: float) -> None:
        self.classes = classes
        self.metrics = metrics
        self.system = system
        self.threshold = threshold
        self.rows: list[MetricRow] = []
        self._histogram = ScoreHistogram.empty()
        self._confusion: Int64Array | None = None
        self._observed: dict[str, Int64Array] = {}
        self._images: list[Figures] = []
        self._images_at_half: list[Figures] = []
        self._images_observed: dict[str, list[Figures]] = {}

    def add(self, score: CaseScore) -> None:
        """Adds one photograph's scores."""
        if score.histogram is not None:
            self._add_scores(score, score.histogram)
        elif score.confusion is not None:
            figures = overall_figures(self.metrics, score.confusion, self.classes)
            self._images.append(figures)
            self.rows += self._place(score, self.system).rows(self._decisions(figures), "argmax")
        for name, confusion in score.observers.items():
            self._add_observer(score, name, confusion)
        if score.confusion is not None:
            self._confusion = _sum(self._confusion, score.confusion)
            self.rows += self._class_rows(score, self.system, score.confusion)

    def summary(self) -> dict[str, Any]:
        """The figures of summary.json, JSON-ready: pooled over all pixels, and means over the photographs."""
        per_class = {} if self._confusion is None else class_figures(self.metrics, self._confusion, self.classes)
        result: dict[str, Any] = {
            **self._view(self._pooled(self.threshold), self._images),
            "observers": {
                name: {
                    "n_images": len(images),
                    **self._view(self._mask_figures(self._observed[name]), images),
                }
                for name, images in self._images_observed.items()
            },
            "per_class": {name: json_ready(figures) if figures else None for name, figures in per_class.items()},
        }
        if self.classes.positive is not None:
            result["at_half"] = self._view(self._pooled(FIXED_THRESHOLD), self._images_at_half)
        if self._confusion is not None:
            result["confusion"] = {"classes": list(self.classes.names), "matrix": self._confusion.tolist()}
        return result

    def _add_scores(self, score: CaseScore, histogram: ScoreHistogram) -> None:
        self._histogram += histogram
        figures = score_figures(self.metrics, histogram, self.threshold)
        at_half = score_figures(self.metrics, histogram, FIXED_THRESHOLD)
        self._images.append(figures)
        self._images_at_half.append(at_half)
        place = self._place(score, self.system)
        decisions = self._decisions(figures)
        self.rows += place.rows({n: v for n, v in figures.items() if n not in decisions}, "score")
        self.rows += place.rows(decisions, "threshold", self.threshold)
        if self.threshold != FIXED_THRESHOLD:
            self.rows += place.rows(self._decisions(at_half), "threshold", FIXED_THRESHOLD)

    def _add_observer(self, score: CaseScore, name: str, confusion: Int64Array) -> None:
        figures = self._mask_figures(confusion)
        self._observed[name] = _sum(self._observed.get(name), confusion)
        self._images_observed.setdefault(name, []).append(figures)
        self.rows += self._place(score, name).rows(self._decisions(figures), "mask")
        if self.classes.positive is None:
            self.rows += self._class_rows(score, name, confusion)

    def _class_rows(self, score: CaseScore, system: str, confusion: Int64Array) -> Iterator[MetricRow]:
        for name, figures in class_figures(self.metrics, confusion, self.classes).items():
            values = figures if figures is not None else {m.name: np.nan for m in self.metrics if m.needs == "counts"}
            yield from Place(score.id, score.patient, system, name).rows(values, "argmax")

    def _pooled(self, threshold: float) -> Figures:
        if self.classes.positive is not None:
            return score_figures(self.metrics, self._histogram, threshold)
        nothing = np.zeros((self.classes.count, self.classes.count), np.int64)
        confusion = nothing if self._confusion is None else self._confusion
        return overall_figures(self.metrics, confusion, self.classes)

    def _mask_figures(self, confusion: Int64Array) -> Figures:
        if self.classes.positive is None:
            return overall_figures(self.metrics, confusion, self.classes)
        return decision_figures(self.metrics, counts_of(confusion, self.classes.positive))

    def _view(self, pooled: Figures, images: Sequence[Figures]) -> dict[str, Mapping[str, Any]]:
        names = [metric.name for metric in self.metrics]
        return {
            "pooled": json_ready(pooled),
            "per_image_mean": json_ready(mean_figures(images, names)),
            "per_image_n": defined(images, names),
        }

    def _place(self, score: CaseScore, system: str) -> Place:
        positive = self.classes.positive
        name = MEAN_OF_CLASSES if positive is None else self.classes.names[positive]
        return Place(score.id, score.patient, system, name)

    def _decisions(self, figures: Figures) -> Figures:
        return {metric.name: figures[metric.name] for metric in self.metrics if metric.needs == "counts"}


def _sum(total: Int64Array | None, more: Int64Array) -> Int64Array:
    return more.copy() if total is None else total + more
