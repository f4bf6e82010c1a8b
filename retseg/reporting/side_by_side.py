"""Several systems in one line each: size, speed, validation, test; and the figures at the epoch that was kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from retseg.reporting.making import VALIDATION, epochs_of, fact, kept_row, made_with, photographs_of
from retseg.reporting.metric_headings import best_values, figure, heading, inline
from retseg.reporting.numbers import number_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes, sample_size, selection_notes
from retseg.reporting.score_tables import has_scores
from retseg.reporting.subjects import plural
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import duration, listed, score, whole

_NONE = "\N{EN DASH}"
_TESTED = {"auc": "pooled", "dice": "pooled", "cldice": "per_image_mean"}
"""The test's columns and the view of summary.json that each is taken from; shapes have means over images only."""
_TESTED_OF_SEVERAL = {"iou": "pooled", "accuracy": "pooled", "ap": "pooled"}
_VALIDATED = {"train_loss": "Training loss", "validation_loss": "Validation loss"}
_DICE, _AUC = "dice", "auc"
_LATENCY = "s per image"
_Tell = Callable[[RunRecord], str | None]


def side_by_side(records: Sequence[RunRecord]) -> Table | None:
    """What each system costs and what came of it, for two systems or more; None for one, or without any figure."""
    if len(records) < 2:
        return None
    told: dict[str, list[Cell]] = {}
    for name, tell in _costs().items():
        told[name] = [Cell(tell(record) or _NONE) for record in records]
    validation = [{_DICE: kept_figure(record, f"{VALIDATION}_{_DICE}")} for record in records]
    several = records[0].several
    told[_column("Validation", _DICE, several)] = _marked(validation, _DICE)
    views = _TESTED_OF_SEVERAL if several else _TESTED
    tested = [_test_figures(record, views) for record in records]
    for metric in views:
        told[_column("Test", metric, several)] = _marked(tested, metric)
    shown = {name: cells for name, cells in told.items() if any(cell.text != _NONE for cell in cells)}
    if not shown:
        return None
    rows = tuple(
        Row(record.name, tuple(cells[number] for cells in shown.values())) for number, record in enumerate(records)
    )
    scored = [record for record in records if has_scores(record)]
    return Table(
        caption="Side by side",
        corner="System",
        columns=tuple(shown),
        groups=(RowGroup("", rows),),
        notes=(*(protocol_notes(scored) if scored else ()), " ".join(_notes(records, scored, shown))),
        aside=sample_size(scored) if scored else "",
    )


def validation_table(records: Sequence[RunRecord]) -> Table | None:
    """The figures of the epoch whose weights were kept, where patients were set aside; None where nowhere."""
    known = [r for r in records if kept_row(r) is not None]
    if not any(kept_figure(r, f"{VALIDATION}_{name}") is not None for r in known for name in ("loss", _DICE, _AUC)):
        return None
    told = {"Kept epoch": [Cell(_epoch(record)) for record in known]}
    for column, name in _VALIDATED.items():
        told[name] = [Cell(_score(kept_figure(record, column))) for record in known]
    scores = [{name: kept_figure(record, f"{VALIDATION}_{name}") for name in (_DICE, _AUC)} for record in known]
    for name in (_DICE, _AUC):
        told[_column("Validation", name, known[0].several)] = _marked(scores, name)
    shown = {name: cells for name, cells in told.items() if any(cell.text != _NONE for cell in cells)}
    rows = tuple(
        Row(record.name, tuple(cells[number] for cells in shown.values())) for number, record in enumerate(known)
    )
    sizes = {photographs_of(record, VALIDATION) for record in known}
    notes = [
        f"The {plural(known[0].subject)} set aside from training chose the epoch"
        f"{'' if known[0].several else ' and the threshold'}, so these figures flatter and are no "
        "test. They are of a sample of tiles"
        + (", and Dice is the highest over all thresholds." if any(r.threshold is not None for r in known) else ".")
    ]
    if any(cell.best for cells in shown.values() for cell in cells):
        notes.append("Bold: the best system of each column.")
    if any(cell.text == _NONE for cells in shown.values() for cell in cells):
        notes.append("A dash: not measured.")
    return Table(
        caption="Validation, at the epoch that was kept",
        corner="System",
        columns=tuple(shown),
        groups=(RowGroup("", rows),),
        notes=(" ".join(notes),),
        aside=(next(iter(sizes)) or "") if len(sizes) == 1 else "",
    )


def kept_figure(record: RunRecord, column: str) -> float | None:
    """A column of history.csv at the epoch that was kept, or None where it was not measured."""
    row, values = kept_row(record), record.history.columns.get(column)
    return None if row is None or values is None else number_in(values[row])


def seconds_to_train(record: RunRecord) -> float | None:
    """Time in training without interruptions."""
    told = number_in(fact(record, "training_seconds"))
    column = record.history.columns.get("seconds") or ()
    return told if told is not None else next((s for s in reversed(column) if math.isfinite(s)), None)


def latency(record: RunRecord) -> float | None:
    """Seconds inside the net for a photograph, or None where that was not measured."""
    facts = record.predict.facts if record.predict else {}
    seconds, images = number_in(facts.get("net_seconds")), number_in(facts.get("images"))
    return seconds / images if seconds is not None and images else None


def _costs() -> dict[str, _Tell]:
    def parameters(record: RunRecord) -> str | None:
        count = number_in(fact(record, "parameters"))
        return None if count is None else whole(count)

    def epochs(record: RunRecord) -> str | None:
        return whole(len(record.history)) if len(record.history) else None

    def each_epoch(record: RunRecord) -> str | None:
        seconds = seconds_to_train(record)
        return None if seconds is None or not len(record.history) else _seconds(seconds / len(record.history))

    def training(record: RunRecord) -> str | None:
        seconds = seconds_to_train(record)
        return None if seconds is None else duration(seconds)

    def one_photograph(record: RunRecord) -> str | None:
        seconds = latency(record)
        return None if seconds is None else _seconds(seconds)

    return {
        "Parameters": parameters,
        "Epochs": epochs,
        "s per epoch": each_epoch,
        "Training": training,
        _LATENCY: one_photograph,
    }


def _notes(records: Sequence[RunRecord], scored: Sequence[RunRecord], shown: Mapping[str, Sequence[Cell]]) -> list[str]:
    notes = []
    if _LATENCY in shown:
        devices = dict.fromkeys(str(d) for r in records if latency(r) is not None and (d := _device(r)))
        where = f", on {listed(list(devices))}" if devices else ""
        notes.append(f"{_LATENCY}: seconds inside the net for a photograph at its full working size{where}.")
    validation = _column("Validation", _DICE, records[0].several)
    if validation in shown:
        notes.append(f"{validation}: that of the epoch that was kept; no figure of the test had a part in that.")
    if _column("Test", "cldice") in shown:
        notes.append(f"{heading('cldice')} is a mean over the test images, the other test figures are of all pixels.")
    if scored:
        notes += selection_notes(scored)
    if any(cell.best for cells in shown.values() for cell in cells):
        notes.append("Bold: the best system of each column of scores.")
    if any(cell.text == _NONE for cells in shown.values() for cell in cells):
        notes.append("A dash: not measured.")
    return notes


def _device(record: RunRecord) -> str | None:
    value = made_with(record.predict, "device")
    return None if value is None else str(value)


def _test_figures(record: RunRecord, views: Mapping[str, str]) -> dict[str, float | None]:
    return {metric: scores_in(record.summary.get(view)).get(metric) for metric, view in views.items()}


def _column(part: str, metric: str, several: bool = False) -> str:
    """`Test AUC`, `Validation mean Dice`."""
    return f"{part} {inline(metric, several)}"


def _marked(values: Sequence[Mapping[str, float | None]], metric: str) -> list[Cell]:
    """One column of scores with the best of them marked."""
    best = best_values(values, [metric]).get(metric)
    found = [one.get(metric) for one in values]
    return [Cell(_NONE) if v is None else Cell(figure(metric, v), best is not None and v == best) for v in found]


def _epoch(record: RunRecord) -> str:
    row = kept_row(record)
    assert row is not None
    return f"{whole(epochs_of(record.history)[row])} of {whole(len(record.history))}"


def _score(value: float | None) -> str:
    return _NONE if value is None else score(value)


def _seconds(value: float) -> str:
    """Seconds with about three digits."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3}f}"
