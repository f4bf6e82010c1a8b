"""The tables of scores: systems, then human observers. Every number stands in summary.json or metrics.csv."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from retseg.core.types import Classes
from retseg.reporting.metric_headings import best_values, heading, needs_scores
from retseg.reporting.run_files import RunRecord
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import counted, listed, score, threshold

Scores = dict[str, float | None]

_VIEWS = (("pooled", "All pixels of the test images pooled"), ("per_image_mean", "Mean over the test images"))
_HUMAN = "human observer"


def scores_in(figures: Any) -> Scores:
    """The figures of one view of summary.json; None where undefined."""
    return {name: _number(value) for name, value in figures.items()} if isinstance(figures, Mapping) else {}


def has_scores(record: RunRecord) -> bool:
    """Whether the run was scored at all; a test set without labels is not."""
    return any(value is not None for value in scores_in(record.summary.get("pooled")).values())


def metrics_of(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """The metrics that any run reports, in the order of the files.

    Without a threshold the most probable class was taken; then nothing is ranked, and metrics of ranking have no place.
    """
    views = [scores_in(record.summary.get(view)) for record in records for view, _ in _VIEWS]
    ranked = any(record.threshold is not None for record in records)
    return tuple(dict.fromkeys(metric for view in views for metric in view if ranked or not needs_scores(metric)))


def observers_of(records: Sequence[RunRecord]) -> dict[str, Mapping[str, Any]]:
    """The human observers' figures by name, each from the first run whose files have them."""
    found: dict[str, Mapping[str, Any]] = {}
    for record in records:
        for name, figures in (record.summary.get("observers") or {}).items():
            found.setdefault(name, figures or {})
    return found


def score_tables(records: Sequence[RunRecord]) -> tuple[Table, ...]:
    """One table of pooled scores, one of means over images: each system at its threshold and at 0.5, then humans."""
    scored = [record for record in records if has_scores(record)]
    metrics = metrics_of(scored)
    return tuple(_score_table(scored, metrics, view, caption) for view, caption in _VIEWS if scored)


def _score_table(records: Sequence[RunRecord], metrics: Sequence[str], view: str, caption: str) -> Table:
    best = best_values([scores_in(record.summary.get(view)) for record in records], metrics)
    rows: list[Row] = []
    for record in records:
        figures = scores_in(record.summary.get(view))
        rows.append(Row(record.name, _cells(figures, metrics, best), _at(record.threshold)))
        half = scores_in((record.summary.get("at_half") or {}).get(view))
        if half:
            # Ranking does not depend on the threshold, so the file may leave it out of the second row.
            ranking = {name: figures.get(name) for name in metrics if needs_scores(name)}
            rows.append(Row(record.name, _cells(ranking | half, metrics), _at(0.5), minor=True))
    rows += [
        Row(name, _cells(scores_in(figures.get(view)), metrics), _HUMAN, human=True)
        for name, figures in observers_of(records).items()
    ]
    notes = [*protocol_notes(records), *_selection_notes(records)]
    if view == "per_image_mean":
        notes += _undefined_notes(records, metrics)
    if best:
        notes.append("Bold: the best system of each column.")
    ranking_names = [heading(name) for name in metrics if needs_scores(name)]
    if ranking_names and any(row.human for row in rows):
        notes.append(f"A human observer’s drawing has no probabilities, so {listed(ranking_names)} do not apply to it.")
    return _table(caption, "System", metrics, (RowGroup("", tuple(rows)),), notes)


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
    return _table("Each class against all others", "Class" if len(scored) == 1 else "System", metrics, groups, notes)


def case_table(
    image: str, records: Sequence[RunRecord], observers: Sequence[str], class_name: str, metrics: Sequence[str]
) -> Table | None:
    """One image's own scores, or None where it has none."""
    rows: list[Row] = []
    for record in records:
        values = {m: record.scores.value(image, record.system, class_name, m, record.threshold) for m in metrics}
        if any(value is not None for value in values.values()):
            rows.append(Row(record.name, _cells(values, metrics), _at(record.threshold)))
    for name in observers if rows else ():
        values = {m: _observer_value(records, image, name, class_name, m) for m in metrics}
        if any(value is not None for value in values.values()):
            rows.append(Row(name, _cells(values, metrics), _HUMAN, human=True))
    if not rows:
        return None
    return _table(f"Scores of {image}", "System", metrics, (RowGroup("", tuple(rows)),), protocol_notes(records))


def protocol_notes(records: Sequence[RunRecord]) -> list[str]:
    """How the figures came about, as evaluate wrote it: what holds for all systems once, then what differs."""
    parts = {r.name: str(r.summary.get("protocol") or "").rstrip(". ").split("; ") for r in records}
    lines = list(parts.values())
    shared = [part for part in lines[0] if part and all(part in line for line in lines)]
    own = {name: [part for part in line if part and part not in shared] for name, line in parts.items()}
    sentences = ["; ".join(shared), *(f"{name}: {'; '.join(rest)}" for name, rest in own.items() if rest)]
    text = " ".join(f"{sentence}." for sentence in sentences if sentence)
    return [f"Protocol: {text}"] if text else []


def _selection_notes(records: Sequence[RunRecord]) -> list[str]:
    """Says so where the systems were not scored on the same number of images or patients."""
    counts = {r.name: (r.summary.get("n_images"), r.summary.get("n_patients")) for r in records}
    if len(set(counts.values())) < 2:
        return []
    parts = [
        f"{name} on {counted(int(images or 0), 'image')} of {counted(int(patients or 0), 'patient')}"
        for name, (images, patients) in counts.items()
    ]
    return [f"The systems were not scored on the same images: {listed(parts)}."]


def _undefined_notes(records: Sequence[RunRecord], metrics: Sequence[str]) -> list[str]:
    """Says for which figures some image is left out of the mean, because the figure is undefined there."""
    notes = []
    for record in records:
        total, counts = record.summary.get("n_images"), record.summary.get("per_image_n") or {}
        fewer = [
            f"{heading(name)} over {number}" for name, number in counts.items() if name in metrics and number != total
        ]
        if fewer:
            means = f"{listed(fewer)} of {total} images"
            notes.append(f"{record.name}: where a figure is undefined, the mean leaves the image out ({means}).")
    return notes


def _table(
    caption: str, corner: str, metrics: Sequence[str], groups: tuple[RowGroup, ...], notes: Sequence[str]
) -> Table:
    return Table(caption, corner, tuple(map(heading, metrics)), groups, tuple(notes))


def _at(value: float | None) -> str:
    return "" if value is None else f"threshold\N{NO-BREAK SPACE}{threshold(value)}"


def _observer_value(
    records: Sequence[RunRecord], image: str, observer: str, class_name: str, metric: str
) -> float | None:
    values = (record.scores.value(image, observer, class_name, metric) for record in records)
    return next((value for value in values if value is not None), None)


def _cells(values: Scores, metrics: Sequence[str], best: Mapping[str, float] | None = None) -> tuple[Cell, ...]:
    marks = best or {}
    return tuple(Cell(score(values.get(m)), m in marks and values.get(m) == marks[m]) for m in metrics)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
