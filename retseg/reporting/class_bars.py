"""How well each class is found: a bar of its colour for one system, a dot each for several, and words where neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retseg.core.types import Classes
from retseg.reporting.class_views import BarDot, BarTick, ClassBar, ClassBars
from retseg.reporting.figures import linear
from retseg.reporting.metric_headings import figure, heading
from retseg.reporting.numbers import mapping_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.wording import NOT_AVAILABLE, whole

_WIDTH, _LEFT, _RIGHT, _TOP = 900.0, 150.0, 700.0, 26.0
_ROW, _THICK, _BELOW = 24.0, 15.0, 44.0
_SHAPES = ("dot", "diamond", "square", "triangle", "small-dot")
_CHARACTER, _LETTER_ROOM = 6.6, 40.0
NO_TRUTH = "not in the test truth"
_NO_TRAINING = "never seen in training"


def class_bars(records: Sequence[RunRecord], classes: Classes, metric: str = "iou") -> ClassBars | None:
    """The metric of each class in the order of the class table, or None where no run has it of any class.

    Args:
        records: The runs; one is drawn as bars, several as dots.
        classes: The class table of the set.
        metric: A metric between 0 and 1.
    """
    values = [_values(record, metric) for record in records]
    names = [classes.names[index] for index in classes.scored if any(classes.names[index] in one for one in values)]
    if not any(value is not None for one in values for value in one.values()):
        return None
    sizes = class_sizes(records)
    left = max(_LEFT, max(map(len, names)) * _CHARACTER + _LETTER_ROOM)
    across = linear(0.0, 1.0, left, _RIGHT)
    rows = tuple(_row(number, name, records, classes, values, sizes, metric, left) for number, name in enumerate(names))
    said = [f"{row.name} {_told(row)}" for row in rows]
    bottom = _TOP + _ROW * len(rows)
    return ClassBars(
        id="class-bars",
        title=f"{heading(metric)} of each class",
        description=f"{'; '.join(said)}.",
        x_label=heading(metric),
        width=_WIDTH,
        height=bottom + _BELOW,
        left=left,
        right=_RIGHT,
        top=_TOP,
        bottom=bottom,
        thick=_THICK,
        ticks=tuple(BarTick(round(across(i / 5), 1), f"{i / 5:.1f}") for i in range(6)),
        rows=rows,
        key=tuple((n, _SHAPES[n % len(_SHAPES)], r.name) for n, r in enumerate(records)) if len(records) > 1 else (),
    )


def class_sizes(records: Sequence[RunRecord]) -> dict[str, int]:
    """The number of test pixels of each class, from the first run whose files have a confusion matrix."""
    for record in records:
        found = mapping_in(record.summary.get("confusion"))
        names, matrix = found.get("classes") or (), found.get("matrix") or ()
        if names and len(names) == len(matrix):
            return {str(name): int(sum(row)) for name, row in zip(names, matrix, strict=True)}
    return {}


def reason_for_none(name: str, records: Sequence[RunRecord], sizes: Mapping[str, int]) -> str:
    """Why a class has no figure in any of these runs."""
    unseen = all(name in (record.summary.get("unseen") or ()) for record in records)
    reasons = [NO_TRUTH] * (sizes.get(name) == 0) + [_NO_TRAINING] * unseen
    return ", ".join(reasons) or "no figure in the files"


def _row(
    number: int,
    name: str,
    records: Sequence[RunRecord],
    classes: Classes,
    values: Sequence[Mapping[str, float | None]],
    sizes: Mapping[str, int],
    metric: str,
    left: float,
) -> ClassBar:
    across = linear(0.0, 1.0, left, _RIGHT)
    colour = classes.items[classes.names.index(name)].colour
    middle = _TOP + (number + 0.5) * _ROW
    size = f"{whole(sizes[name])}\N{NO-BREAK SPACE}px" if name in sizes else ""
    own = [(n, value) for n, one in enumerate(values) if (value := one.get(name)) is not None]
    if not own:
        reason = f"{NOT_AVAILABLE}: {reason_for_none(name, records, sizes)}"
        return ClassBar(name, colour, middle, reason=reason, size=size)
    if len(records) == 1:
        value = own[0][1]
        return ClassBar(name, colour, middle, round(across(value) - left, 1), figure(metric, value), size=size)
    dots = tuple(
        BarDot(round(across(v), 1), n, _SHAPES[n % len(_SHAPES)], f"{records[n].name}: {figure(metric, v)}")
        for n, v in own
    )
    return ClassBar(name, colour, middle, dots=dots, size=size)


def _values(record: RunRecord, metric: str) -> dict[str, float | None]:
    """The metric by class; None for a class that has none."""
    per_class = mapping_in(record.summary.get("per_class"))
    return {str(name): scores_in(figures).get(metric) for name, figures in per_class.items()}


def _told(row: ClassBar) -> str:
    return row.reason or row.value or ", ".join(dot.tip for dot in row.dots)
