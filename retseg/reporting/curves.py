"""The curves of history.csv as charts, all systems in one, and the remark that a comparison of losses needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from retseg.reporting.facts import kept_epoch, recipe
from retseg.reporting.figures import Series, line_chart
from retseg.reporting.metric_headings import heading
from retseg.reporting.run_files import History, RunRecord
from retseg.reporting.view_models import Cell, Chart, Row, RowGroup, Table
from retseg.reporting.wording import counted, listed, score, whole

_LECTURE = "lecture"
_PARTS = {"train": "training", "validation": "validation", "test": "test images"}
_LOSS = "loss"
_EPOCH = "epoch"
_SECONDS = "seconds"


def charts(records: Sequence[RunRecord]) -> tuple[Chart, ...]:
    """One chart of the losses and one of each validation score over epochs, and the latter over time as well."""
    trained = [record for record in records if len(record.history)]
    quantities = tuple(dict.fromkeys(quantity for r in trained for _, quantity in _curves(r.history).values()))
    drawn = []
    for quantity in sorted(quantities, key=lambda q: q != _LOSS):
        drawn.append(_chart(trained, quantity, _epochs, "Epoch"))
        if len(trained) > 1 and quantity != _LOSS and all(_SECONDS in r.history.columns for r in trained):
            drawn.append(_chart(trained, quantity, _minutes, "Minutes of training"))
    return tuple(chart for chart in drawn if chart is not None)


def curve_table(records: Sequence[RunRecord]) -> Table | None:
    """The first, best and last value of each curve, for readers who cannot see the charts."""
    groups = []
    for record in records:
        epochs = _epochs(record.history)
        rows = []
        for column, (part, quantity) in _curves(record.history).items():
            values = record.history.columns[column]
            known = [i for i, value in enumerate(values) if math.isfinite(value)]
            if not known:
                continue
            pick = min if quantity == _LOSS else max
            best = pick(known, key=lambda i: values[i])
            cells = (score(values[known[0]]), score(values[best]), whole(epochs[best]), score(values[known[-1]]))
            rows.append(Row(_curve_name(part, quantity), tuple(map(Cell, cells))))
        if rows:
            groups.append(RowGroup(record.name, tuple(rows)))
    if not groups:
        return None
    return Table("The curves in figures", "Curve", ("First", "Best", "in epoch", "Last"), tuple(groups))


def curve_remarks(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """What a reader must know before comparing losses."""
    lecture = [record for record in records if recipe(record) == _LECTURE]
    if not lecture:
        return ()
    names = listed([record.name for record in lecture])
    remark = (
        f"Trained by the lecture’s recipe: {names}. The losses here are means over pixels. The lecture printed the sum "
        "of the batch means divided by its 600 patches, which with batches of 10 is a tenth of the mean over pixels. "
        "Multiply its printed figures by ten before comparing."
    )
    curves = {part for record in lecture for part, quantity in _curves(record.history).values() if quantity == _LOSS}
    if "test" in curves:
        remark += " Its loss on the test images is drawn as the lecture drew it; it chose nothing and is not a score."
    return (remark,)


def _chart(
    records: Sequence[RunRecord], quantity: str, axis: Callable[[History], tuple[float, ...]], x_label: str
) -> Chart | None:
    series = [
        Series(
            label=f"{record.name}, {_PARTS[part]}",
            x=axis(record.history),
            y=record.history.columns[column],
            hue=hue,
            dashed=part != "train",
            marked=_kept(record) if part == "validation" else None,
        )
        for hue, record in enumerate(records)
        for column, (part, found) in _curves(record.history).items()
        if found == quantity
    ]
    name = "Loss" if quantity == _LOSS else heading(quantity)
    over = "by epoch" if axis is _epochs else "by time"
    epochs = listed([f"{record.name}: {counted(len(record.history), 'epoch')}" for record in records])
    return line_chart(
        f"chart-{quantity}-{'epoch' if axis is _epochs else 'time'}",
        f"{name} {over}",
        series,
        x_label=x_label,
        y_label=name,
        description=f"{name} of {listed([s.label for s in series])}. {epochs}. The table below gives the figures.",
        logarithmic=quantity == _LOSS,
    )


def _curves(history: History) -> dict[str, tuple[str, str]]:
    """The columns that are curves: column -> (part of the data, quantity). `validation_dice` is one."""
    found = {}
    for column in history.columns:
        part, _, quantity = column.partition("_")
        if part in _PARTS and quantity:
            found[column] = (part, quantity)
    return found


def _curve_name(part: str, quantity: str) -> str:
    return f"{'Loss' if quantity == _LOSS else heading(quantity)}, {_PARTS[part]}"


def _epochs(history: History) -> tuple[float, ...]:
    return history.columns.get(_EPOCH) or tuple(float(i) for i in range(1, len(history) + 1))


def _minutes(history: History) -> tuple[float, ...]:
    return tuple(seconds / 60 for seconds in history.columns[_SECONDS])


def _kept(record: RunRecord) -> int | None:
    """The row of history.csv whose weights were kept, or None where that is not recorded."""
    epoch, epochs = kept_epoch(record), _epochs(record.history)
    return epochs.index(epoch) if epoch is not None and epoch in epochs else None
