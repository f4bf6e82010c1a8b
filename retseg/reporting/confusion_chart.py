"""The confusion matrix as a heat map: what the pixels of each true class were taken for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from retseg.core.types import Classes
from retseg.reporting.class_bars import NO_TRUTH
from retseg.reporting.class_views import Confusion, ConfusionCell, ConfusionClass
from retseg.reporting.numbers import mapping_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes, sample_size
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import score, whole

Matrix = Sequence[Sequence[int]]

_CHARACTER, _SWATCH = 6.6, 22.0
_SIZE_ROOM, _TOP_ROOM, _BELOW = 96.0, 24.0, 12.0
_GRID, _SMALLEST, _LARGEST = 800.0, 26.0, 72.0
_SLANT = 0.78
"""Share of a name's length that its slanting letters reach upwards."""

_CURVE = 0.6
"""The paint's strength is the share to this power: an error of a twentieth must be seen beside a share of one."""

_DARK = 0.55
_SCALE = (0.01, 0.05, 0.2, 0.5, 1.0)
_LARGEST_SHOWN = 10


def confusion_of(record: RunRecord) -> tuple[tuple[str, ...], Matrix] | None:
    """The class names and the matrix (rows truth, columns prediction), or None where the files have none."""
    found = mapping_in(record.summary.get("confusion"))
    names, matrix = tuple(map(str, found.get("classes") or ())), found.get("matrix") or ()
    if not names or len(matrix) != len(names) or any(len(row) != len(names) for row in matrix):
        return None
    return (names, matrix) if any(map(any, matrix)) else None


def confusion_chart(record: RunRecord, classes: Classes, number: int, *, folded: bool = False) -> Confusion | None:
    """The heat map of one run, or None where the files have no matrix."""
    found = confusion_of(record)
    if found is None:
        return None
    names, matrix = found
    colours = {item.name: item.colour for item in classes.items}
    longest = max(map(len, names)) * _CHARACTER
    cell = min(_LARGEST, max(_SMALLEST, _GRID / len(names)))
    left, top = longest + _SWATCH + 24, longest * _SLANT + _SWATCH + _TOP_ROOM
    side = cell * len(names)
    unseen = set(map(str, record.summary.get("unseen") or ()))
    return Confusion(
        id=f"confusion-{number}",
        title=f"Confusion of the classes by {record.name}",
        description="Rows: the class in the reference; columns: the class that was predicted. The table of the largest "
        "confusions below says the chief part in words.",
        width=left + side + max(_SIZE_ROOM, longest * _SLANT),
        height=top + side + _BELOW,
        left=left,
        top=top,
        cell=cell,
        classes=tuple(
            ConfusionClass(
                name,
                colours.get(name, (128, 128, 128)),
                round(left + index * cell, 1),
                round(top + index * cell, 1),
                whole(sum(matrix[index])),
                "" if any(matrix[index]) else f"N/A: {NO_TRUTH}",
            )
            for index, name in enumerate(names)
        ),
        cells=tuple(chain.from_iterable(_row(names, row, i, left, top, cell, unseen) for i, row in enumerate(matrix))),
        scale=tuple((f"{share:.0%}", round(share**_CURVE, 3)) for share in _SCALE),
        folded=folded,
    )


def largest_confusions(records: Sequence[RunRecord]) -> Table | None:
    """What is most often taken for what, by the share of the true class's pixels."""
    every = [(record, found) for record in records if (found := confusion_of(record)) is not None]
    if not every:
        return None
    groups = tuple(
        RowGroup(record.name if len(every) > 1 else "", tuple(_largest(*found, _most(len(every)))))
        for record, found in every
    )
    columns = ("Share of the true class", "Pixels")
    notes = (*protocol_notes(records), "All numbers stand in confusion.csv.")
    return Table("The largest confusions", "Taken", columns, groups, notes, aside=sample_size(records))


def _most(systems: int) -> int:
    return _LARGEST_SHOWN if systems == 1 else 5


def _largest(names: Sequence[str], matrix: Matrix, most: int) -> list[Row]:
    errors = [
        (count / sum(row), count, names[i], names[j])
        for i, row in enumerate(matrix)
        for j, count in enumerate(row)
        if i != j and count
    ]
    errors.sort(key=lambda one: (-one[0], -one[1]))
    return [
        Row(f"{truth} for {taken}", (Cell(_percent(share)), Cell(whole(count))))
        for share, count, truth, taken in errors[:most]
    ]


def _row(
    names: Sequence[str], row: Sequence[int], index: int, left: float, top: float, cell: float, unseen: set[str]
) -> list[ConfusionCell]:
    total = sum(row)
    cells = []
    for column, count in enumerate(row):
        if not count:
            continue
        share = count / total
        strength = share**_CURVE
        words = "right" if column == index else f"taken for {names[column]}"
        tip = f"{names[index]}, {words}: {_percent(share)} of the class, {whole(count)} pixels"
        if names[index] in unseen:
            tip += "; never seen in training"
        cells.append(
            ConfusionCell(
                x=round(left + column * cell, 1),
                y=round(top + index * cell, 1),
                strength=round(strength, 3),
                right=column == index,
                pale=strength < _DARK,
                text=f"{share * 100:.0f}" if share >= 0.005 else "",
                tip=tip,
            )
        )
    return cells


def _percent(share: float) -> str:
    return "less than 0.1%" if share < 0.001 else f"{score(share * 100, 1)}%"
