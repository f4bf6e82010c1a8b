"""Metrics as tables name them: a short heading, what it means, and which way is better. The registry is the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retseg.metrics.metric import Metric
from retseg.metrics.registry import METRICS
from retseg.reporting.wording import NOT_AVAILABLE, capitalised, score

_SHORT = {
    "auc": "AUC",
    "ap": "AP",
    "iou": "IoU",
    "mcc": "MCC",
    "cldice": "clDice",
    "betti0": "Betti-0",
    "betti1": "Betti-1",
    "hd95": "HD95 (px)",
    "nsd": "NSD",
    "ece": "ECE",
    "ace": "ACE",
    "brier": "Brier",
}
_OF_CLASSES = {"accuracy": "Pixel accuracy"}
"""What is no mean over classes in a task of several classes."""

_MEANS = (
    "Where several classes are scored, a figure is the mean over the classes that the reference contains, each class "
    "against all others; pixel accuracy is the share of all counted pixels that were given their class."
)
_DIGITS = {"betti0": 1, "betti1": 1, "hd95": 1, "ece": 4, "ace": 4, "brier": 4}
_CALIBRATION = ("ece", "ace", "brier")
_PIXELS = (
    "tp, fp, fn, tn",
    "Pixels counted as true positive, false positive, false negative and true negative, for the class in question.",
)


def heading(metric: str, several: bool = False) -> str:
    """The column heading of a metric; one that is not registered is named as the file names it.

    With `several` it is that of the mean over the classes of a task without a positive one.
    """
    known = _registered(metric)
    name = _SHORT.get(metric) or (known.title if known else capitalised(metric.replace("_", " ")))
    if not several or known is None:
        return name
    # An abbreviation keeps its capitals inside a sentence, a word does not.
    return _OF_CLASSES.get(metric) or f"Mean {name if metric in (*_SHORT, 'dice') else name.lower()}"


def inline(metric: str, several: bool = False) -> str:
    """The heading inside a sentence: `mean IoU`, `Dice`."""
    name = heading(metric, several)
    return name[0].lower() + name[1:] if several else name


def figure(metric: str, value: float | None) -> str:
    """A metric's value with the decimals that it deserves: counts and pixels one, small errors of probability four."""
    return score(value, _DIGITS.get(metric, 3))


def pixel_metrics(metrics: Sequence[str]) -> tuple[str, ...]:
    """Those that are counted pixel by pixel."""
    apart = {*shape_metrics(metrics), *calibration_metrics(metrics)}
    return tuple(name for name in metrics if name not in apart)


def shape_metrics(metrics: Sequence[str]) -> tuple[str, ...]:
    """Those of connectedness and distance. They have no pooled value, only one for each image."""
    return tuple(name for name in metrics if (known := _registered(name)) is not None and known.needs == "shapes")


def calibration_metrics(metrics: Sequence[str]) -> tuple[str, ...]:
    """Those that ask whether a probability can be taken at its word."""
    return tuple(name for name in metrics if name in _CALIBRATION)


def lower_is_better(metrics: Sequence[str]) -> tuple[str, ...]:
    """Those whose smallest value is the best."""
    return tuple(n for n in metrics if (known := _registered(n)) is not None and not known.higher_is_better)


def meanings(metrics: Sequence[str], several: bool = False) -> tuple[tuple[str, str], ...]:
    """What each registered metric means, in words, and where it is undefined."""
    known = [(heading(name, several), found) for name in metrics if (found := _registered(name))]
    entries = tuple(
        (term, f"{metric.definition} {metric.degenerate}".replace("NaN", NOT_AVAILABLE)) for term, metric in known
    )
    means = (("Mean", _MEANS),) if several else ()
    return (*means, *entries, _PIXELS) if entries else ()


def needs_scores(metric: str) -> bool:
    """Whether the metric is one of probabilities, so that neither a threshold nor a human's drawing enters it.

    Metrics of shapes are not: a drawing has a shape.
    """
    known = _registered(metric)
    return known is not None and known.needs == "scores"


def best_values(tables: Sequence[Mapping[str, float | None]], metrics: Sequence[str]) -> dict[str, float]:
    """The best value of each registered metric over several systems; none of one system alone, or if all are alike."""
    best: dict[str, float] = {}
    for name in metrics:
        metric = _registered(name)
        values = [value for table in tables if (value := table.get(name)) is not None]
        if metric is not None and len(set(values)) > 1:
            best[name] = max(values) if metric.higher_is_better else min(values)
    return best


def _registered(metric: str) -> Metric | None:
    return METRICS.get(metric) if metric in METRICS else None
