"""Class by class: how well each is found, and what it is taken for. For tasks without a positive class."""

from __future__ import annotations

from collections.abc import Sequence

from retseg.core.types import Classes
from retseg.reporting.class_bars import class_bars
from retseg.reporting.confusion_chart import confusion_chart, largest_confusions
from retseg.reporting.figures import MOST_CURVES
from retseg.reporting.numbers import scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_tables import per_class_table
from retseg.reporting.view_models import Chapter, Table

_BARS = (
    "The share of overlap between what was predicted as a class and what the reference says: 0 is none, 1 is every "
    "pixel. A class without a figure is N/A and enters no mean, since none found is not the same as none there."
)
_MATRIX = (
    "A row of the confusion matrix is a class in the reference, a column what its pixels were taken for, in % of the "
    "row: blue where that is right, orange where it is not. A pointer on a cell shows the numbers of pixels."
)


def class_chapter(records: Sequence[RunRecord], classes: Classes) -> Chapter | None:
    """The bars and the confusion of a task without a positive class; None for other tasks and without any figure."""
    if classes.positive is not None:
        return None
    drawn = best_of(records)
    bars = class_bars(drawn, classes)
    matrices = tuple(
        chart
        for number, record in enumerate(records, start=1)
        if (chart := confusion_chart(record, classes, number, folded=len(records) > 1)) is not None
    )
    table, largest = per_class_table(records, classes), largest_confusions(drawn)
    if bars is None and not matrices:
        return None
    chosen = f"Drawn are the {len(drawn)} of {len(records)} systems with the largest mean IoU. "
    tables: tuple[Table, ...] = () if largest is None else (largest,)
    return Chapter(
        id="by-class",
        heading="Class by class",
        contents="Class by class",
        remarks=(
            *((f"{chosen if len(drawn) < len(records) else ''}{_BARS}",) if bars else ()),
            *((_MATRIX,) if matrices else ()),
        ),
        bars=bars,
        matrices=matrices,
        tables=tables,
        fold="Every class in figures",
        folded=() if table is None else (table,),
    )


def best_of(records: Sequence[RunRecord]) -> list[RunRecord]:
    """All of a few systems; of many those with the largest mean IoU, in the order of the tables."""
    means = {record.name: scores_in(record.summary.get("pooled")).get("iou") or 0.0 for record in records}
    best = sorted(records, key=lambda record: -means[record.name])[:MOST_CURVES]
    return [record for record in records if record in best]
