"""What each known mistake of protocol would have reported for the same predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retseg.reporting.metric_headings import figure, heading
from retseg.reporting.numbers import mapping_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes, sample_size
from retseg.reporting.view_models import Cell, Chapter, Row, RowGroup, Table
from retseg.reporting.wording import capitalised

_COLUMNS = ("With the mistake", "By the protocol", "Difference")


def trap_chapter(records: Sequence[RunRecord]) -> Chapter | None:
    """A table for each run that was evaluated with its traps; None where none was."""
    tables = tuple(
        _table(record, several=len(records) > 1) for record in records if any(_figures(trap) for trap in _traps(record))
    )
    if not tables:
        return None
    return Chapter(
        id="traps",
        heading="Known protocol mistakes",
        contents="Protocol mistakes",
        remarks=(
            "What each known protocol mistake would have reported for these same predictions. None of the figures in "
            "the first column is a result.",
        ),
        tables=tables,
    )


def _table(record: RunRecord, *, several: bool) -> Table:
    groups = [
        RowGroup(
            capitalised(str(trap.get("title") or trap.get("name"))),
            tuple(_row(name, value, _honest(trap).get(name)) for name, value in _figures(trap).items()),
            note=str(trap.get("says") or ""),
        )
        for trap in _traps(record)
        if _figures(trap)
    ]
    return Table(
        caption=f"The mistakes’ figures{f' for {record.name}' if several else ''}",
        corner="Figure",
        columns=_COLUMNS,
        groups=tuple(groups),
        notes=tuple(protocol_notes([record])),
        aside=sample_size([record]),
    )


def _row(metric: str, value: float | None, honest: float | None) -> Row:
    difference = None if value is None or honest is None else value - honest
    text = figure(metric, difference)
    signed = f"+{text}" if difference is not None and difference > 0 and text.strip("0.") else text
    return Row(heading(metric), (Cell(figure(metric, value)), Cell(figure(metric, honest)), Cell(signed)))


def _traps(record: RunRecord) -> list[Mapping[str, Any]]:
    stored = record.summary.get("traps")
    return [mapping_in(trap) for trap in stored] if isinstance(stored, list) else []


def _figures(trap: Mapping[str, Any]) -> dict[str, float | None]:
    return scores_in(trap.get("figures"))


def _honest(trap: Mapping[str, Any]) -> dict[str, float | None]:
    return scores_in(trap.get("honest"))
