"""Instance by instance: how well single things are told apart, beside what connected components would have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retseg.core.types import Classes
from retseg.reporting.instance_files import YARDSTICK, InstanceCounts, InstanceFigures, InstanceMetric, instance_figures
from retseg.reporting.numbers import Interval, Scores
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import interval_notes, protocol_notes, sample_size
from retseg.reporting.view_models import Cell, Chapter, Row, RowGroup, Table
from retseg.reporting.wording import capitalised, counted, listed, score

_FIRST = "map"
"""The metric that the sentences speak of."""

_FEW_IMAGES = 12
_VIEWS = (("All test images together", "pooled"), ("Mean over the test images", "means"))
_Found = Sequence[tuple[RunRecord, InstanceFigures]]


def instance_chapter(records: Sequence[RunRecord], classes: Classes) -> Chapter | None:
    """The figures, the comparison with connected components in words, and the counts of every image."""
    found = [(record, figures) for record in records if (figures := instance_figures(record)) is not None]
    if not found:
        return None
    things = listed([classes.names[index] for index in classes.things])
    noun = "class" if len(classes.things) == 1 else "classes"
    told = f"single instances of the {noun} {things}" if things else "single instances"
    counts = _counts_table(found)
    folded = counts is not None and len(found[0][1].images) > _FEW_IMAGES
    return Chapter(
        id="instances",
        heading="Instances",
        contents="Instances",
        remarks=(
            f"How well {told} are told apart. Connected components are the yardstick: of the same predicted pixels, "
            "whatever hangs together is one instance.",
            *(_compared(record, figures, len(found) > 1) for record, figures in found),
        ),
        tables=(_figures_table(found), *(() if counts is None or folded else (counts,))),
        fold="How many instances each image has, and how many were found",
        folded=(counts,) if counts is not None and folded else (),
    )


def instance_meanings(records: Sequence[RunRecord]) -> tuple[tuple[str, str], ...]:
    """What each metric of instances means, as evaluate wrote it."""
    found = [figures for record in records if (figures := instance_figures(record)) is not None]
    return tuple((metric.title, metric.definition) for metric in found[0].metrics) if found else ()


def _compared(record: RunRecord, figures: InstanceFigures, named: bool) -> str:
    """Which way separates better and by how much, and how often each counts right."""
    whose = f"{record.name}: " if named else ""
    first, metric = figures.first, _spoken_of(figures)
    own, yard = (
        figures.ways[way].pooled.get(metric.name) if way in figures.ways else None for way in (first, YARDSTICK)
    )
    sentences = []
    if first != YARDSTICK and own is not None and yard is not None:
        sentences.append(_better(first, metric, own, yard))
    elif own is not None:
        sentences.append(f"The {metric.title} of {first} is {score(own)}.")
    if right := _right_counts(figures):
        sentences.append(right)
    text = " ".join(sentences)
    return f"{whose}{text}" if text else f"{whose}there are no figures."


def _better(first: str, metric: InstanceMetric, own: float, yard: float) -> str:
    values = f"{metric.title}: {score(own)} against {score(yard)}"
    if score(own) == score(yard):
        return f"{capitalised(first)} and connected components separate equally well ({values})."
    # Of errors, such as that of the count, the smaller is the better.
    better, worse = (first, YARDSTICK) if (own > yard) == metric.higher_is_better else (YARDSTICK, first)
    verb = "separate" if better == YARDSTICK else "separates"
    return f"{capitalised(better)} {verb} better than {worse}, by {score(abs(own - yard))} ({values})."


def _right_counts(figures: InstanceFigures) -> str:
    images = [image for image in figures.images if figures.first in image.found]
    if not images:
        return ""
    ways = [way for way in figures.ways if all(way in image.found for image in images)]
    right = {way: sum(image.found[way] == image.truth for image in images) for way in ways}
    parts = [f"{'' if n else 'the number of instances is right in '}{right[w]} with {w}" for n, w in enumerate(ways)]
    return f"Of {counted(len(images), 'image')}, {listed(parts)}."


def _spoken_of(figures: InstanceFigures) -> InstanceMetric:
    fallback = InstanceMetric(_FIRST, "mean AP", "")
    return next((metric for metric in figures.metrics if metric.name == _FIRST), fallback)


def _figures_table(found: _Found) -> Table:
    metrics = found[0][1].metrics
    records = [record for record, _ in found]
    groups = []
    for caption, view in _VIEWS:
        shown = [(record, figures, way) for record, figures in found for way in figures.ways]
        values: list[Scores] = [getattr(figures.ways[way], view) for _, figures, way in shown]
        if not any(value is not None for one in values for value in one.values()):
            continue
        best = _best(values, metrics)
        rows = tuple(
            Row(
                way if len(found) == 1 else record.name,
                tuple(
                    _cell(m, one.get(m.name), best, figures.ways[way].intervals if view == "means" else {})
                    for m in metrics
                ),
                "" if len(found) == 1 else way,
                minor=way == YARDSTICK,
            )
            for (record, figures, way), one in zip(shown, values, strict=True)
        )
        groups.append(RowGroup(caption, rows))
    lower = [metric.title for metric in metrics if not metric.higher_is_better]
    notes = [*(interval_notes(records) if any(f.ways[w].intervals for _, f in found for w in f.ways) else [])]
    notes += [f"Lower is better for {listed(lower)}."] if lower else []
    notes.append("Bold: the best of each column.")
    paragraphs = (*protocol_notes(records), " ".join(notes))
    columns = tuple(metric.title for metric in metrics)
    corner = "Way" if len(found) == 1 else "System"
    return Table("Single instances", corner, columns, tuple(groups), paragraphs, aside=sample_size(records))


def _best(values: Sequence[Scores], metrics: Sequence[InstanceMetric]) -> dict[str, float]:
    """The best value of each metric; none where all are alike."""
    best = {}
    for metric in metrics:
        known = [value for one in values if (value := one.get(metric.name)) is not None]
        if len(set(known)) > 1:
            best[metric.name] = max(known) if metric.higher_is_better else min(known)
    return best


def _cell(
    metric: InstanceMetric, value: float | None, best: dict[str, float], intervals: Mapping[str, Interval]
) -> Cell:
    digits = 3 if metric.range[1] <= 1 else 2
    known = intervals.get(metric.name) if value is not None else None
    small = "" if known is None else f"[{score(known[0], digits)}, {score(known[1], digits)}]"
    return Cell(score(value, digits), value is not None and best.get(metric.name) == value, small)


def _counts_table(found: _Found) -> Table | None:
    """The counts of every image; a wrong count says by how many."""
    columns = [(record, figures, way) for record, figures in found for way in figures.ways]
    images = list(dict.fromkeys(image.id for _, figures in found for image in figures.images))
    if not images:
        return None
    known = {(record.name, image.id): image for record, figures in found for image in figures.images}
    truths = {image.id: image.truth for _, figures in found for image in figures.images}
    rows = tuple(
        Row(name, (Cell(str(truths[name])), *(_count(known.get((r.name, name)), way) for r, _, way in columns)))
        for name in images
    )
    headings = [capitalised(way) if len(found) == 1 else f"{record.name}, {way}" for record, _, way in columns]
    notes = ("In small type: how many too many (+) or too few (\N{MINUS SIGN}).",)
    return Table("Instances in each image", "Image", ("Reference", *headings), (RowGroup("", rows),), notes)


def _count(image: InstanceCounts | None, way: str) -> Cell:
    if image is None or way not in image.found:
        return Cell("N/A")
    off = image.found[way] - image.truth
    return Cell(str(image.found[way]), small=f"{'+' if off > 0 else chr(0x2212)}{abs(off)}" if off else "")
