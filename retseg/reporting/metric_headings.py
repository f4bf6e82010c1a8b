"""Metrics as tables name them: a short heading, what it means, and which way is better. The registry is the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retseg.metrics.metric import Metric
from retseg.metrics.registry import METRICS
from retseg.reporting.wording import NOT_AVAILABLE, capitalised

_SHORT = {"auc": "AUC", "ap": "AP"}
_PIXELS = (
    "tp, fp, fn, tn",
    "Pixels counted as true positive, false positive, false negative and true negative, for the class in question.",
)


def heading(metric: str) -> str:
    """The column heading of a metric; one that is not registered is named as the file names it."""
    known = _registered(metric)
    return _SHORT.get(metric) or (known.title if known else capitalised(metric.replace("_", " ")))


def meanings(metrics: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What each registered metric means, in words, and where it is undefined."""
    known = [(heading(name), found) for name in metrics if (found := _registered(name))]
    entries = tuple(
        (term, f"{metric.definition} {metric.degenerate}".replace("NaN", NOT_AVAILABLE)) for term, metric in known
    )
    return (*entries, _PIXELS) if entries else ()


def needs_scores(metric: str) -> bool:
    """Whether the metric ranks probabilities, so that neither a threshold nor a human's drawing enters it."""
    known = _registered(metric)
    return known is not None and known.needs == "scores"


def best_values(tables: Sequence[Mapping[str, float | None]], metrics: Sequence[str]) -> dict[str, float]:
    """The best value of each registered metric over several systems; none where only one system has it."""
    best: dict[str, float] = {}
    for name in metrics:
        metric = _registered(name)
        values = [value for table in tables if (value := table.get(name)) is not None]
        if metric is not None and len(values) > 1:
            best[name] = max(values) if metric.higher_is_better else min(values)
    return best


def _registered(metric: str) -> Metric | None:
    return METRICS.get(metric) if metric in METRICS else None
