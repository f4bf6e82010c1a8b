"""From sums over pixels to the figures of the tables."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from retseg.core.types import Classes
from retseg.metrics.confusion import Int64Array, class_counts
from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import ScoreHistogram
from retseg.metrics.shapes import Shapes

Figures = dict[str, float]
"""A metric's value by its name; NaN where it is undefined."""

RANKING = ("auc", "ap")
"""Figures of scores that make sense for one class against all others, and so as means over several classes."""

PIXEL_ACCURACY = "accuracy"
"""For several classes: the share of pixels given their true class. A mean of one-against-rest accuracies flatters."""


def pixel_figures(metrics: Sequence[Metric], counts: Counts, histogram: ScoreHistogram | None = None) -> Figures:
    """What follows from sums over pixels: decisions from `counts`, and from `histogram` all that needs the scores.

    A mask, such as a human observer's, has no scores, so metrics of scores are NaN; so are metrics of shape, which are
    no sums over pixels.
    """
    result = dict.fromkeys((m.name for m in metrics), math.nan)
    result |= {m.name: float(m.function(counts)) for m in metrics if m.needs == "counts"}
    if histogram is not None:
        result |= {m.name: float(m.function(histogram)) for m in metrics if m.needs == "scores"}
    return result


def shape_figures(metrics: Sequence[Metric], shapes: Shapes) -> Figures:
    """The figures of one mask's shape beside the truth's."""
    return {m.name: float(m.function(shapes)) for m in metrics if m.needs == "shapes"}


def ranked(metrics: Sequence[Metric]) -> list[Metric]:
    """Those of the metrics that rank the pixels by a class's probability."""
    return [metric for metric in metrics if metric.needs == "scores" and metric.name in RANKING]


def class_figures(
    metrics: Sequence[Metric],
    confusion: Int64Array,
    classes: Classes,
    ranking: Mapping[str, Figures | None] | None = None,
    unseen: Collection[str] = (),
) -> dict[str, Figures | None]:
    """Each scored class against all others, by name.

    None (N/A) for a class that the truth does not contain, and for one in `unseen`, which the weights never met.
    `ranking` holds figures of scores by class; a task without a positive class has NaN for them where it is None.
    """
    counts = class_counts(confusion)
    decisions = [metric for metric in metrics if metric.needs == "counts"]
    undefined = {} if classes.positive is not None else dict.fromkeys((m.name for m in ranked(metrics)), math.nan)
    figures: dict[str, Figures | None] = {}
    for index in classes.scored:
        name, found = classes.names[index], counts[index]
        if found is None or name in unseen:
            figures[name] = None
        else:
            figures[name] = {**undefined, **pixel_figures(decisions, found), **((ranking or {}).get(name) or {})}
    return figures


def overall_figures(
    metrics: Sequence[Metric],
    confusion: Int64Array,
    classes: Classes,
    ranking: Mapping[str, Figures | None] | None = None,
    unseen: Collection[str] = (),
) -> Figures:
    """The figures of a task with several classes: means over the classes that `class_figures` gives, pixel accuracy.

    The pixel accuracy is over every counted pixel, also those of classes in `unseen`: they are given a wrong class.
    """
    each = class_figures(metrics, confusion, classes, ranking, unseen)
    per_class = [figures for figures in each.values() if figures is not None]
    result = {m.name: mean(figures.get(m.name, math.nan) for figures in per_class) for m in metrics}
    if PIXEL_ACCURACY in result:
        total = int(confusion.sum())
        result[PIXEL_ACCURACY] = int(confusion.trace()) / total if total else math.nan
    return result


def mean_figures(rows: Sequence[Mapping[str, float]], names: Iterable[str]) -> Figures:
    """The mean of each metric over the photographs for which it is defined."""
    return {name: mean(row[name] for row in rows) for name in names}


def defined(rows: Sequence[Mapping[str, float]], names: Iterable[str]) -> dict[str, int]:
    """For how many photographs each metric is defined."""
    return {name: sum(not math.isnan(row[name]) for row in rows) for name in names}


def mean(values: Iterable[float]) -> float:
    """The mean of the values that are not NaN; NaN where there is none."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def json_ready(figures: Mapping[str, float]) -> dict[str, float | None]:
    """The figures with None for NaN, which JSON does not know."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
