"""The curves of history.csv as charts, all systems in one, and the remark that a comparison of losses needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from retseg.reporting.figures import MOST_CURVES, Series, line_chart
from retseg.reporting.making import epochs_of, kept_row, loss_name, recipe, setting
from retseg.reporting.many_curves import named_chart, small_charts, style
from retseg.reporting.metric_headings import heading
from retseg.reporting.run_files import History, RunRecord
from retseg.reporting.view_models import Cell, Chart, Row, RowGroup, SmallCharts, Table
from retseg.reporting.wording import counted, listed, score, whole

_LECTURE = "lecture"
_PARTS = {"train": "training", "validation": "validation", "test": "test images"}
_LOSS = "loss"
_TRAIN = "train"
_EPOCH = "epoch"
_SECONDS = "seconds"
_AXES = {_EPOCH: "Epoch", _SECONDS: "Minutes of training"}


def charts(records: Sequence[RunRecord]) -> tuple[Chart, ...]:
    """The losses and each validation score by epoch, and of several systems the loss and the first score by time.

    Of more systems than colours tell apart, each part of the data has a chart of its own, with the curves named in it.
    """
    trained = [record for record in records if len(record.history)]
    if len(trained) > MOST_CURVES:
        return _charts_of_many(trained)
    quantities = dict.fromkeys(quantity for r in trained for _, quantity in _curves(r.history).values())
    scores = [quantity for quantity in quantities if quantity != _LOSS]
    drawn = [_chart(trained, _LOSS, _EPOCH)]
    if fair_by_time(trained):
        drawn.append(_chart(trained, _LOSS, _SECONDS))
    for quantity in scores:
        drawn.append(_chart(trained, quantity, _EPOCH))
        if quantity == scores[0] and len(trained) > 1 and _timed(trained):
            drawn.append(_chart(trained, quantity, _SECONDS))
    return tuple(chart for chart in drawn if chart is not None)


def small_loss_charts(records: Sequence[RunRecord]) -> SmallCharts | None:
    """Of many systems, each one's losses by themselves, with the training losses of the others in grey behind."""
    trained = [(number, record) for number, record in enumerate(r for r in records if len(r.history))]
    if len(trained) <= MOST_CURVES:
        return None
    axis = _SECONDS if fair_by_time([record for _, record in trained]) else _EPOCH
    systems = [
        (
            record.name,
            [
                _named_series(number, record, column, _PARTS[part], axis)
                for column, (part, quantity) in _curves(record.history).items()
                if quantity == _LOSS
            ],
        )
        for number, record in trained
    ]
    every = [one for _, curves in systems for one in curves]
    dashed = dict.fromkeys(one.label for one in every if one.dashed and any(map(math.isfinite, one.y)))
    title = f"Loss of each system: {_PARTS[_TRAIN]} solid" + (f", {listed(list(dashed))} dashed" if dashed else "")
    return small_charts("chart-each-loss", title, systems, x_label=_AXES[axis], logarithmic=True)


def fair_by_time(records: Sequence[RunRecord]) -> bool:
    """Whether the trainings were given time rather than epochs, so that only time compares them fairly."""
    epochs = {len(record.history) for record in records}
    budget = any(setting(record, "train", "minutes") is not None for record in records)
    return len(records) > 1 and _timed(records) and (len(epochs) > 1 or budget)


def curve_table(records: Sequence[RunRecord]) -> Table | None:
    """The first, best and last value of each curve, for readers who cannot see the charts."""
    groups = []
    for record in records:
        epochs = epochs_of(record.history)
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
    if any(kept_row(record) is not None for record in trained):
        remarks.append("A dot marks the epoch whose weights were kept.")
    if fair_by_time(trained):
        remarks.append(
            "An epoch takes each system its own time and they were not trained for the same number of epochs, or were "
            "given minutes instead: the charts by time compare them fairly."
        )
    if len(trained) > MOST_CURVES:
        remarks.append("At its end each curve has its name and its last value; the names are sorted by that value.")
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


def _charts_of_many(trained: Sequence[RunRecord]) -> tuple[Chart, ...]:
    found = dict.fromkeys(kind for record in trained for kind in _curves(record.history).values())
    # Losses first, and among them that of the training, as in the charts of few systems.
    kinds = sorted(found, key=lambda kind: (kind[1] != _LOSS, kind[0] != _TRAIN))
    first_score = next((kind for kind in kinds if kind[1] != _LOSS), None)
    drawn = []
    for kind in kinds:
        drawn.append(_chart_of_many(trained, kind, _EPOCH))
        if (kind == (_TRAIN, _LOSS) and fair_by_time(trained)) or (kind == first_score and _timed(trained)):
            drawn.append(_chart_of_many(trained, kind, _SECONDS))
    return tuple(chart for chart in drawn if chart is not None)


def _chart_of_many(records: Sequence[RunRecord], kind: tuple[str, str], axis: str) -> Chart | None:
    part, quantity = kind
    series = [
        _named_series(number, record, column, record.name, axis)
        for number, record in enumerate(records)
        for column, found in _curves(record.history).items()
        if found == kind and any(map(math.isfinite, record.history.columns[column]))
    ]
    return named_chart(
        f"chart-{part}-{quantity}-{axis}",
        f"{_quantity_name(quantity)} ({_PARTS[part]}) by {'epoch' if axis == _EPOCH else 'time'}",
        [replace(one, dashed=False) for one in series],
        x_label=_AXES[axis],
        description=f"Lines: {listed([one.label for one in series])}. {_lengths(records)} A table below has figures.",
        logarithmic=quantity == _LOSS,
    )


def _named_series(number: int, record: RunRecord, column: str, label: str, axis: str) -> Series:
    """A curve of one of many systems, in the colour and dashes of that system alone."""
    part, _ = _curves(record.history)[column]
    hue, dash = style(number)
    marked = kept_row(record) if part != _TRAIN else None
    x, y = _across(record.history, axis), record.history.columns[column]
    return Series(label, x, y, hue, dashed=part != _TRAIN, marked=marked, dash=dash)


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
            x=_across(record.history, axis),
            y=record.history.columns[column],
            hue=hue,
            # Solid is the training wherever it is drawn; a chart without it has no need of dashes.
            dashed=part != parts[0],
            marked=kept_row(record) if part != _TRAIN else None,
        )
        for hue, record, column, part in curves
    ]
    whose = f" ({_PARTS[parts[0]]})" if len(parts) == 1 else ""
    return line_chart(
        f"chart-{quantity}-{axis}",
        f"{_quantity_name(quantity)}{whose} by {'epoch' if axis == _EPOCH else 'time'}",
        series,
        x_label=_AXES[axis],
        description=f"Lines: {listed([one.label for one in series])}. {_lengths(records)} A table below has figures.",
        logarithmic=quantity == _LOSS,
    )


def _lengths(records: Sequence[RunRecord]) -> str:
    lengths = [f"{record.name} {counted(len(record.history), 'epoch')}" for record in records]
    return f"Length: {listed(lengths)}."


def _quantity_name(quantity: str) -> str:
    return "Loss" if quantity == _LOSS else heading(quantity)


def _curves(history: History) -> dict[str, tuple[str, str]]:
    """The columns that are curves: column -> (part of the data, quantity). `validation_dice` is one."""
    found = {}
    for column in history.columns:
        part, _, quantity = column.partition("_")
        if part in _PARTS and quantity:
            found[column] = (part, quantity)
    return found


def _curve_name(part: str, quantity: str) -> str:
    return f"{_quantity_name(quantity)}, {_PARTS[part]}"


def _timed(records: Sequence[RunRecord]) -> bool:
    return all(_SECONDS in record.history.columns for record in records)


def _across(history: History, axis: str) -> tuple[float, ...]:
    """Where each epoch stands on the x axis: its number, or the minutes of training at its end."""
    if axis == _EPOCH:
        return epochs_of(history)
    return tuple(seconds / 60 for seconds in history.columns[_SECONDS])
