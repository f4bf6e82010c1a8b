"""The tables of scores: systems, then human observers. Every number stands in summary.json or metrics.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retseg.core.types import Classes
from retseg.reporting.metric_headings import (
    best_values,
    calibration_metrics,
    figure,
    heading,
    needs_scores,
    pixel_metrics,
    shape_metrics,
)
from retseg.reporting.numbers import Interval, Scores, intervals_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import (
    direction_notes,
    interval_notes,
    intervals_of,
    partial_mean_notes,
    sample_size,
    selection_notes,
    undefined_notes,
)
from retseg.reporting.score_notes import protocol_notes as protocol_notes
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import listed, threshold

_POOLED, _MEAN = "pooled", "per_image_mean"
_VIEWS = {_POOLED: "All pixels of the test images pooled", _MEAN: "Mean over the test images"}
_HUMAN = "human observer"
_FIRST_OF_SEVERAL = ("iou", "accuracy", "ap", "auc", "dice")
"""What a reader of a task with several classes looks for first."""

_MOST_OF_A_CASE = 11
_OF_A_CASE = ("auc", "dice", "sensitivity", "specificity", "precision", "mcc", "cldice", "betti0", "hd95", "nsd", "ece")


def has_scores(record: RunRecord) -> bool:
    """Whether the run was scored at all; a test set without labels is not."""
    return any(value is not None for value in scores_in(record.summary.get(_POOLED)).values())


def metrics_of(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """The metrics that any run reports, in the order of the files.

    Without a threshold the most probable class was taken, or each fold has its own. Of the former nothing is ranked,
    and metrics of ranking have no place. In a task of several classes, a metric without any value is none of it.
    """
    views = [scores_in(record.summary.get(view)) for record in records for view in _VIEWS]
    ranked = any(record.threshold is not None for record in records) or any(
        value is not None and needs_scores(metric) for view in views for metric, value in view.items()
    )
    found = tuple(dict.fromkeys(metric for view in views for metric in view if ranked or not needs_scores(metric)))
    if not any(record.several for record in records):
        return found
    known = [metric for metric in found if any(view.get(metric) is not None for view in views)]
    return tuple(sorted(known, key=lambda m: (*_FIRST_OF_SEVERAL, m).index(m)))


def observers_of(records: Sequence[RunRecord]) -> dict[str, Mapping[str, Any]]:
    """The human observers' figures by name, each from the first run whose files have them."""
    found: dict[str, Mapping[str, Any]] = {}
    for record in records:
        for name, figures in (record.summary.get("observers") or {}).items():
            found.setdefault(name, figures or {})
    return found


def score_tables(records: Sequence[RunRecord]) -> tuple[Table, ...]:
    """Pixels, pooled and as means over images; then shapes, which have means only; then calibration.

    In each table the systems at their threshold and, muted, at 0.5, then humans.
    """
    scored = [record for record in records if has_scores(record)]
    if not scored:
        return ()
    metrics = metrics_of(scored)
    pixels, shapes, calibration = pixel_metrics(metrics), shape_metrics(metrics), calibration_metrics(metrics)
    tables = [_score_table(scored, pixels, caption, {view: ""}) for view, caption in _VIEWS.items() if pixels]
    if shapes:
        caption = "Connectedness and distance of the shapes: mean over the test images"
        tables.append(_score_table(scored, shapes, caption, {_MEAN: ""}))
    if calibration:
        caption = "Calibration: whether a probability can be taken at its word"
        tables.append(_score_table(scored, calibration, caption, _VIEWS))
    return tuple(tables)


def _score_table(records: Sequence[RunRecord], metrics: Sequence[str], caption: str, views: Mapping[str, str]) -> Table:
    """One table with a group of rows for each view (key of summary.json -> heading, empty for none)."""
    groups, marked = [], False
    for view, name in views.items():
        best = best_values([scores_in(record.summary.get(view)) for record in records], metrics)
        marked = marked or bool(best)
        rows = [row for record in records for row in _system_rows(record, metrics, view, best)]
        groups.append(RowGroup(name, (*rows, *_observer_rows(records, metrics, view))))
    shown = [row for group in groups for row in group.rows]
    notes = selection_notes(records)
    if any(cell.small for row in shown for cell in row.cells) or any(intervals_of(r).get("weak") for r in records):
        notes += interval_notes(records)
    notes += undefined_notes(records, metrics, tuple(views))
    if _MEAN in views:
        notes += partial_mean_notes(records, metrics)
    notes += direction_notes(metrics, records[0].several)
    if marked:
        notes.append("Bold: the best system of each column.")
    ranking_names = [heading(name, records[0].several) for name in metrics if needs_scores(name)]
    if ranking_names and any(row.human for row in shown):
        do = "does" if len(ranking_names) == 1 else "do"
        notes.append(
            f"A human observer’s drawing has no probabilities, so {listed(ranking_names)} {do} not apply to it."
        )
    paragraphs = (*protocol_notes(records), *([" ".join(notes)] if notes else ()))
    columns = _headings(metrics, records[0].several)
    return Table(caption, "System", columns, tuple(groups), paragraphs, aside=sample_size(records, intervals=True))


def _system_rows(record: RunRecord, metrics: Sequence[str], view: str, best: Mapping[str, float]) -> list[Row]:
    """The system at its frozen threshold with intervals, and at 0.5 without."""
    figures = scores_in(record.summary.get(view))
    decided = [name for name in metrics if not needs_scores(name)]
    cells = _cells(figures, metrics, best, intervals_in(intervals_of(record).get(view)))
    rows = [Row(record.name, cells, _at(record.threshold) if decided else "")]
    half = scores_in((record.summary.get("at_half") or {}).get(view))
    if any(half.get(name) is not None for name in decided):
        # Ranking does not depend on the threshold, so the file may leave it out of the second row.
        ranking = {name: figures.get(name) for name in metrics if needs_scores(name)}
        rows.append(Row(record.name, _cells(half | ranking, metrics), _at(0.5), minor=True))
    return rows


def _observer_rows(records: Sequence[RunRecord], metrics: Sequence[str], view: str) -> list[Row]:
    """The human observers; one without any of these figures has no row."""
    rows = []
    for name, figures in observers_of(records).items():
        values = scores_in(figures.get(view))
        if any(values.get(metric) is not None for metric in metrics):
            intervals = intervals_in((figures.get("intervals") or {}).get(view))
            rows.append(Row(name, _cells(values, metrics, intervals=intervals), _HUMAN, human=True))
    return rows


def per_class_table(records: Sequence[RunRecord], classes: Classes) -> Table | None:
    """Each class's scores by system; a class without a pixel in the test set is N/A."""
    scored = [record for record in records if has_scores(record)]
    tables = [{n: scores_in(f) for n, f in (record.summary.get("per_class") or {}).items()} for record in scored]
    names = tuple(dict.fromkeys(name for table in tables for name in table))
    metrics = tuple(dict.fromkeys(m for table in tables for figures in table.values() for m in figures))
    if not names or not metrics:
        return None
    colours = {item.name: item.colour for item in classes.items}
    if len(scored) == 1:
        rows = tuple(Row(name, _cells(tables[0].get(name, {}), metrics)) for name in names)
        groups: tuple[RowGroup, ...] = (RowGroup("", rows),)
    else:
        groups = tuple(
            RowGroup(
                name,
                tuple(Row(r.name, _cells(t.get(name, {}), metrics)) for r, t in zip(scored, tables, strict=True)),
                colours.get(name) if classes.positive is None else None,
            )
            for name in names
        )
    rules = dict.fromkeys(str(rule) for record in scored if (rule := record.protocol.get("per_class")))
    notes = [*(f"Decided here by {rule}." for rule in rules), *protocol_notes(scored)]
    corner = "Class" if len(scored) == 1 else "System"
    caption = "Each class against all others"
    return Table(caption, corner, _headings(metrics), groups, tuple(notes), aside=sample_size(scored))


def case_table(
    image: str, records: Sequence[RunRecord], observers: Sequence[str], class_name: str, metrics: Sequence[str]
) -> Table | None:
    """One image's own scores, or None where it has none. Of many metrics the chief ones are shown."""
    shown = metrics if len(metrics) <= _MOST_OF_A_CASE else [name for name in metrics if name in _OF_A_CASE]
    rows: list[Row] = []
    for record in records:
        values = {m: record.scores.value(image, record.system, class_name, m, record.threshold) for m in shown}
        if any(value is not None for value in values.values()):
            rows.append(Row(record.name, _cells(values, shown), _at(record.threshold)))
    for name in observers if rows else ():
        values = {m: _observer_value(records, image, name, class_name, m) for m in shown}
        if any(value is not None for value in values.values()):
            rows.append(Row(name, _cells(values, shown), _HUMAN, human=True))
    if not rows:
        return None
    notes = protocol_notes(records)
    if len(shown) < len(metrics):
        notes.append("All further figures of this image are in metrics.csv.")
    columns = _headings(shown, records[0].several)
    return Table(f"Scores of {image}", "System", columns, (RowGroup("", tuple(rows)),), tuple(notes))


def _headings(metrics: Sequence[str], several: bool = False) -> tuple[str, ...]:
    return tuple(heading(name, several) for name in metrics)


def _at(value: float | None) -> str:
    return "" if value is None else f"threshold\N{NO-BREAK SPACE}{threshold(value)}"


def _observer_value(
    records: Sequence[RunRecord], image: str, observer: str, class_name: str, metric: str
) -> float | None:
    values = (record.scores.value(image, observer, class_name, metric) for record in records)
    return next((value for value in values if value is not None), None)


def _cells(
    values: Scores,
    metrics: Sequence[str],
    best: Mapping[str, float] | None = None,
    intervals: Mapping[str, Interval] | None = None,
) -> tuple[Cell, ...]:
    marks, known = best or {}, intervals or {}
    return tuple(
        Cell(
            figure(name, values.get(name)),
            name in marks and values.get(name) == marks[name],
            _between(name, known[name]) if name in known and values.get(name) is not None else "",
        )
        for name in metrics
    )


def _between(metric: str, interval: Interval) -> str:
    return f"[{figure(metric, interval[0])}, {figure(metric, interval[1])}]"
