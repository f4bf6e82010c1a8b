"""The curves of several systems laid over each other: losses, and those of the evaluation as in a run's report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from retseg.reporting.compare_files import SystemRecords
from retseg.reporting.figures import MOST_CURVES as MOST_CURVES
from retseg.reporting.figures import Series, line_chart
from retseg.reporting.making import loss_name
from retseg.reporting.roc_charts import curve_chapter
from retseg.reporting.view_models import Chart, Table
from retseg.reporting.wording import listed

_LOSSES = {"train_loss": "training", "validation_loss": "validation"}
_OF_ONE_SYSTEM = "chart-sweep"


@dataclass(frozen=True, slots=True)
class ComparedCurves:
    """The charts, what a reader must know before looking at them, and tables for readers who cannot."""

    charts: tuple[Chart, ...]
    remarks: tuple[str, ...]
    tables: tuple[Table, ...]


def compared_curves(systems: Sequence[SystemRecords], total: int) -> ComparedCurves:
    """The curves of at most `MOST_CURVES` of `total` systems; each has one colour in all charts."""
    chapter = curve_chapter([system.shown for system in systems])
    losses = _losses(systems)
    # A sweep over thresholds is of one system; laid over each other, sweeps show nothing.
    charts = tuple(chart for chart in (chapter.charts if chapter else ()) if not chart.id.startswith(_OF_ONE_SYSTEM))
    charts = (losses, *charts) if losses is not None else charts
    if not charts:
        return ComparedCurves((), ("There are no curves: no system has a history of training or probabilities.",), ())
    remarks = [*_remarks(systems, total), *(chapter.remarks if chapter else ())]
    return ComparedCurves(charts, tuple(remarks), chapter.folded if chapter else ())


def _remarks(systems: Sequence[SystemRecords], total: int) -> list[str]:
    remarks = []
    if len(systems) < total:
        remarks.append(f"Curves are drawn for the best {len(systems)} of {total} systems; the tables have all of them.")
    if any(len(system.records) > 1 for system in systems):
        remarks.append(
            "Of a system with several seeds, the losses are means over the seeds, and the other curves are those of "
            "its first seed."
        )
    losses = {system.name: name for system in systems if (name := loss_name(system.first)) is not None}
    if len(set(losses.values())) > 1:
        each = listed([f"{system} with {name}" for system, name in losses.items()])
        remarks.append(f"The systems were trained with different losses ({each}), so their losses share no scale.")
    return remarks


def _losses(systems: Sequence[SystemRecords]) -> Chart | None:
    series = []
    for hue, system in enumerate(systems):
        for column, part in _LOSSES.items():
            histories = [h for record in system.records if (h := record.history.columns.get(column))]
            means = _mean_by_epoch(histories)
            if any(map(math.isfinite, means)):
                epochs = tuple(float(epoch) for epoch in range(1, len(means) + 1))
                series.append(Series(f"{system.name}, {part}", epochs, means, hue, dashed=part == "validation"))
    chart = line_chart(
        "chart-losses",
        "Loss by epoch",
        series,
        x_label="Epoch",
        description=f"Lines: {listed([one.label for one in series])}.",
        logarithmic=True,
    )
    return chart and replace(chart, title=f"{chart.title}: training solid, validation dashed")


def _mean_by_epoch(histories: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The mean over the seeds, epoch by epoch, as long as all of them went on."""
    shortest = min(map(len, histories), default=0)
    rows = zip(*(history[:shortest] for history in histories), strict=True)
    return tuple(sum(row) / len(row) for row in rows)
