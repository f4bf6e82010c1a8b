"""Scores by vessel width, since thin vessels are where methods differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retseg.reporting.metric_headings import best_values, figure, heading
from retseg.reporting.numbers import Scores, mapping_in, number_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes, sample_size
from retseg.reporting.score_tables import observers_of
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import capitalised

BANDS = ("thin", "medium", "thick")
_EDGES = (5.0, 10.0)
_VIEWS = {"pooled": "all pixels", "per_image_mean": "mean over images"}


def width_table(records: Sequence[RunRecord]) -> Table | None:
    """A group of rows for each band, in it every system pooled and as a mean over images; None without such figures."""
    scored = [record for record in records if any(_band(record.summary, band) for band in BANDS)]
    metrics = tuple(
        dict.fromkeys(
            metric
            for record in scored
            for band in BANDS
            for view in _VIEWS
            for metric in scores_in(_band(record.summary, band).get(view))
        )
    )
    if not metrics:
        return None
    groups = [_group(scored, band, metrics) for band in BANDS if any(_band(r.summary, band) for r in scored)]
    notes = [
        "Width is the local calibre of the vessel: of the reference’s for what is found or missed, of the system’s own "
        "for what it marks falsely.",
        *protocol_notes(scored),
    ]
    if any(cell.best for group in groups for row in group.rows for cell in row.cells):
        notes.append("Bold: the best system of each column in its group.")
    return Table(
        caption="By vessel width",
        corner="System",
        columns=tuple(map(heading, metrics)),
        groups=tuple(groups),
        notes=tuple(notes),
        aside=sample_size(scored),
    )


def width_in_words(band: str, edges: Sequence[float]) -> str:
    """`narrower than 5 ‰ of the field of view’s diameter`."""
    low, high = (f"{edge:g}" for edge in edges)
    of = "‰ of the field of view’s diameter"
    return {
        "thin": f"narrower than {low} {of}",
        "medium": f"from {low} to below {high} {of}",
        "thick": f"{high} {of} and wider",
    }[band]


def _group(records: Sequence[RunRecord], band: str, metrics: Sequence[str]) -> RowGroup:
    best = {
        view: best_values([scores_in(_band(record.summary, band).get(view)) for record in records], metrics)
        for view in _VIEWS
    }
    rows = [
        Row(r.name, _cells(scores_in(_band(r.summary, band).get(view)), metrics, best[view]), words, minor=bool(minor))
        for r in records
        for minor, (view, words) in enumerate(_VIEWS.items())
        if scores_in(_band(r.summary, band).get(view))
    ]
    for name, figures in observers_of(records).items():
        rows += [
            Row(name, _cells(values, metrics, {}), f"human observer, {words}", human=True)
            for view, words in _VIEWS.items()
            if (values := scores_in(_band(figures, band).get(view)))
        ]
    share = number_in(_band(records[0].summary, band).get("share"))
    words = [width_in_words(band, _edges(records))]
    if share is not None:
        words.append(f"{share:.0%} of all vessel pixels")
    return RowGroup(capitalised(band), tuple(rows), note="; ".join(words))


def _edges(records: Sequence[RunRecord]) -> Sequence[float]:
    stored = records[0].summary.get("width_edges")
    known = [number_in(edge) for edge in stored] if isinstance(stored, list) and len(stored) == 2 else []
    edges = [edge for edge in known if edge is not None]
    return edges if len(edges) == 2 else _EDGES


def _band(figures: Mapping[str, Any], band: str) -> Mapping[str, Any]:
    return mapping_in(mapping_in(figures.get("by_width")).get(band))


def _cells(values: Scores, metrics: Sequence[str], best: Mapping[str, float]) -> tuple[Cell, ...]:
    return tuple(
        Cell(figure(name, values.get(name)), name in best and values.get(name) == best[name]) for name in metrics
    )
