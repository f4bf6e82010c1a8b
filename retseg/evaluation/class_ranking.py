"""How well the probabilities of several classes rank the pixels: each class against all others.

A photograph's own figures are computed at once, and its histograms are kept only where they are occupied; what all
photographs add up to is one histogram a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retseg.core.errors import InputError
from retseg.core.types import BoolArray, Classes, UInt8Array, UInt16Array
from retseg.evaluation.figures import Figures, ranked
from retseg.imaging.maps import read_class_probabilities
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import LEVELS, Int64Array, ScoreHistogram, quantise, score_histogram


@dataclass(frozen=True, slots=True, eq=False)
class ClassRanking:
    """One photograph's ranking: the occupied scores of every class, and what they come to.

    `cells` (n,) int64 are class * 65,536 + score; `pos` and `neg` (n,) int64 say how many pixels of that class, and of
    all other classes, have that score for it. `figures` holds the figures of each class by name; None for a class that
    the photograph's truth does not contain.
    """

    cells: Int64Array
    pos: Int64Array
    neg: Int64Array
    figures: Mapping[str, Figures | None]


def read_class_scores(path: Path, classes: Classes) -> UInt16Array:
    """The 16-bit scores (classes, H, W) of every class; InputError if there are not as many classes."""
    probabilities = read_class_probabilities(path)
    if len(probabilities) != classes.count:
        raise InputError(
            f"the probabilities are of {len(probabilities)} classes, the task has {classes.count}",
            where=path,
            fix="Predict with weights that were trained for these classes",
        )
    return quantise(probabilities)


def rank_classes(
    scores: UInt16Array, label: UInt8Array, counted: BoolArray, classes: Classes, metrics: Sequence[Metric]
) -> ClassRanking:
    """Ranks one photograph's counted pixels by each class's score.

    Args:
        scores: (classes, H, W) 16-bit scores.
        label: (H, W) true class indices.
        counted: (H, W) pixels that count.
        classes: The class table.
        metrics: What is reported; of these, the ones that rank classes are computed.
    """
    truth = label[counted]
    chosen = ranked(metrics)
    figures: dict[str, Figures | None] = {}
    parts = []
    for index, name in enumerate(classes.names):
        histogram = score_histogram(scores[index][counted], truth == index)
        occupied = np.flatnonzero(histogram.pos + histogram.neg)
        parts.append((occupied + index * LEVELS, histogram.pos[occupied], histogram.neg[occupied]))
        if index in classes.scored:
            figures[name] = _figures(chosen, histogram)
    cells, pos, neg = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ClassRanking(cells, pos, neg, figures)


class RankingBoard:
    """What the rankings of all photographs add up to, exactly."""

    def __init__(self, classes: Classes, metrics: Sequence[Metric]) -> None:
        self._classes = classes
        self._metrics = ranked(metrics)
        self._pos = np.zeros(classes.count * LEVELS, np.int64)
        self._neg = np.zeros(classes.count * LEVELS, np.int64)

    def add(self, ranking: ClassRanking) -> None:
        """Adds one photograph."""
        # No cell occurs twice in one photograph, so nothing is lost by adding all of them at once.
        self._pos[ranking.cells] += ranking.pos
        self._neg[ranking.cells] += ranking.neg

    def figures(self) -> dict[str, Figures | None]:
        """Each scored class's figures over all pixels, by name; None for a class that the truth does not contain."""
        return {self._classes.names[index]: _figures(self._metrics, self._of(index)) for index in self._classes.scored}

    def _of(self, index: int) -> ScoreHistogram:
        part = slice(index * LEVELS, (index + 1) * LEVELS)
        return ScoreHistogram(self._pos[part], self._neg[part])


def _figures(metrics: Sequence[Metric], histogram: ScoreHistogram) -> Figures | None:
    if histogram.positives == 0:
        return None
    return {metric.name: float(metric.function(histogram)) for metric in metrics}
