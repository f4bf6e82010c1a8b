"""Who agrees with whom: the observers with each other, and each system with each observer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retseg.reporting.metric_headings import figure, heading
from retseg.reporting.numbers import mapping_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import counted, listed

_METRICS = ("auc", "dice", "iou", "sensitivity", "specificity", "precision", "mcc", "cldice")
_VIEWS = {"pooled": "all pixels", "per_image_mean": "mean over images"}


def agreement_table(records: Sequence[RunRecord]) -> Table | None:
    """Rows of pairs, the first judged with the second as the truth; None where the files have no pairs."""
    humans: dict[tuple[str, str], Mapping[str, Any]] = {}
    systems: dict[tuple[str, str], Mapping[str, Any]] = {}
    for record in records:
        rows = record.summary.get("agreement")
        for row in map(mapping_in, rows if isinstance(rows, list) else ()):
            judged, truth = str(row.get("a")), str(row.get("b"))
            if row.get("kind") == "observers":
                humans.setdefault((judged, truth), row)
            else:
                systems.setdefault((record.name if judged == record.system else judged, truth), row)
    pairs = {**humans, **systems}
    views = [scores_in(row.get(view)) for row in pairs.values() for view in _VIEWS]
    metrics = [name for name in _METRICS if any(values.get(name) is not None for values in views)]
    if not metrics:
        return None
    groups = [
        RowGroup(name, tuple(row for pair, found in part.items() for row in _rows(pair, found, metrics)))
        for name, part in (("Observers with each other", humans), ("Systems with each observer", systems))
        if part
    ]
    return Table(
        caption="Agreement with each observer",
        corner="Whose map against whose drawing",
        columns=tuple(map(heading, metrics)),
        groups=tuple(groups),
        notes=(*_sizes(pairs), *protocol_notes(records)),
    )


def _rows(pair: tuple[str, str], row: Mapping[str, Any], metrics: Sequence[str]) -> list[Row]:
    human = row.get("kind") == "observers"
    rows = []
    for minor, (view, words) in enumerate(_VIEWS.items()):
        values = scores_in(row.get(view))
        if values:
            cells = tuple(Cell(figure(name, values.get(name))) for name in metrics)
            rows.append(Row(f"{pair[0]} against {pair[1]}", cells, words, human=human, minor=bool(minor) and not human))
    return rows


def _sizes(pairs: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[str]:
    """On how many images each pair rests: once where it is the same for all."""
    sizes = {pair: row.get("n_images") for pair, row in pairs.items()}
    known = {pair: size for pair, size in sizes.items() if isinstance(size, int)}
    if not known:
        return []
    if len(set(known.values())) == 1 and len(known) == len(sizes):
        return [f"Each pair is judged on {counted(next(iter(known.values())), 'image')}."]
    return [f"Images: {listed([f'{a} against {b} {n}' for (a, b), n in known.items()])}."]
