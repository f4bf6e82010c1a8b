"""The curves of history.csv as charts, all systems in one, and the remark that a comparison of losses needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retseg.reporting.figures import Series, line_chart
from retseg.reporting.making import kept_epoch, loss_name, recipe
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
    """The losses and each validation score by epoch, and of several systems the first score by time as well."""
    trained = [record for record in records if len(record.history)]
    quantities = dict.fromkeys(quantity for r in trained for _, quantity in _curves(r.history).values())
    scores = [quantity for quantity in quantities if quantity != _LOSS]
    drawn = [_chart(trained, _LOSS, _EPOCH), *(_chart(trained, quantity, _EPOCH) for quantity in scores)]
    if len(trained) > 1 and scores and all(_SECONDS in r.history.columns for r in trained):
        drawn.insert(2, _chart(trained, scores[0], _SECONDS))
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
    """What a reader must know before comparing curves."""
    trained = [record for record in records if len(record.history)]
    remarks = []
    if any(_kept(record) is not None for record in trained):
        remarks.append("A dot marks the epoch whose weights were kept.")
    losses = {record.name: name for record in trained if (name := loss_name(record)) is not None}
    if len(set(losses.values())) > 1:
        each = listed([f"{system} with {name}" for system, name in losses.items()])
        remarks.append(f"The systems were trained with different losses ({each}), so their losses share no scale.")
    lecture = [record for record in trained if recipe(record) == _LECTURE]
    if lecture:
        remarks.append(_lecture_remark(lecture))
    return tuple(remarks)


def _lecture_remark(lecture: Sequence[RunRecord]) -> str:
    remark = (
        f"Trained by the lecture’s recipe: {listed([record.name for record in lecture])}. The losses here are means "
        "over pixels. The lecture printed the sum of the batch means divided by its 600 patches, which with batches of "
        "10 is a tenth of the mean over pixels. Multiply its printed figures by ten before comparing."
    )
    curves = {part for record in lecture for part, quantity in _curves(record.history).values() if quantity == _LOSS}
    if "test" in curves:
        remark += " The loss on the test images is drawn as the lecture drew it; it chose nothing and is not a score."
    return remark


def _chart(records: Sequence[RunRecord], quantity: str, axis: str) -> Chart | None:
    curves = [
        (hue, record, column, part)
        for hue, record in enumerate(records)
        for column, (part, found) in _curves(record.history).items()
        if found == quantity and any(map(math.isfinite, record.history.columns[column]))
    ]
    parts = tuple(dict.fromkeys(part for *_, part in curves))
    series = [
        Series(
            label=record.name if len(parts) == 1 else f"{record.name}, {_PARTS[part]}",
            x=_epochs(record.history) if axis == _EPOCH else _minutes(record.history),
            y=record.history.columns[column],
            hue=hue,
            # Solid is the training wherever it is drawn; a chart without it has no need of dashes.
            dashed=part != parts[0],
            marked=_kept(record) if part != "train" else None,
        )
        for hue, record, column, part in curves
    ]
    name = "Loss" if quantity == _LOSS else heading(quantity)
    whose = f" ({_PARTS[parts[0]]})" if len(parts) == 1 else ""
    lengths = listed([f"{record.name} {counted(len(record.history), 'epoch')}" for record in records])
    return line_chart(
        f"chart-{quantity}-{axis}",
        f"{name}{whose} by {'epoch' if axis == _EPOCH else 'time'}",
        series,
        x_label="Epoch" if axis == _EPOCH else "Minutes of training",
        description=f"Lines: {listed([one.label for one in series])}. Length: {lengths}. A table below has figures.",
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
