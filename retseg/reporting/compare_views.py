"""What the templates of the comparison and of the benchmark receive beyond the views of a run's report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from retseg.reporting.dot_plots import PairedPlot
from retseg.reporting.metric_headings import figure, lower_is_better
from retseg.reporting.view_models import CaseLink, CaseView, Cell, Chart, Swatch, Table


@dataclass(frozen=True, slots=True)
class MatrixCell(Cell):
    """A figure with smaller `lines` under it; `apart` sets it apart from its row."""

    lines: tuple[str, ...] = ()
    apart: bool = False


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The comparison of systems on one test set. `cases` is consumed once, so that pixels are never all held."""

    title: str
    subtitle: str
    banner: str
    summary: tuple[str, ...]
    score_remarks: tuple[str, ...]
    scores: tuple[Table, ...]
    pairs: Table | None
    pair_remarks: tuple[str, ...]
    charts: tuple[Chart, ...]
    curve_remarks: tuple[str, ...]
    curve_tables: tuple[Table, ...]
    plots: tuple[PairedPlot, ...]
    plot_remarks: tuple[str, ...]
    per_patient: Table | None
    error_legend: tuple[Swatch, ...]
    case_remarks: tuple[str, ...]
    links: tuple[CaseLink, ...]
    cases: Iterable[CaseView]
    definitions: tuple[tuple[str, str], ...]
    protocol: tuple[str, ...]
    credit: str
    subjects: str = "Patients"
    error_note: str = ""
    class_legend: tuple[Swatch, ...] = ()
    medical: bool = True


@dataclass(frozen=True, slots=True)
class BenchmarkPage:
    """The matrix of training sets and test sets, one table a metric; `cells` says how each cell came about."""

    title: str
    subtitle: str
    banner: str
    summary: tuple[str, ...]
    tables: tuple[Table, ...]
    cells: Table | None
    definitions: tuple[tuple[str, str], ...]
    medical: bool = True


def ranked_names(metric: str, values: Mapping[str, float]) -> list[str]:
    """The names of `values`, the best first."""
    return sorted(values, key=lambda name: values[name], reverse=not lower_is_better((metric,)))


def interval(metric: str, low: float | None, high: float | None) -> str:
    """An interval's ends in brackets, as tables show them; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"[{figure(metric, low)}, {figure(metric, high)}]"


def interval_in_words(metric: str, low: float | None, high: float | None) -> str:
    """`95% interval 0.801 to 0.851`; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"95% interval {figure(metric, low)} to {figure(metric, high)}"
