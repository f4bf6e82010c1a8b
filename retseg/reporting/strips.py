"""Strips: one dot for each test image, one row for each system and observer, the mean marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from retseg.reporting.figures import labels, linear, ticks
from retseg.reporting.metric_headings import figure, heading
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes
from retseg.reporting.score_tables import observers_of
from retseg.reporting.view_models import HUMAN_HUE, Chapter, Chart, Mark, Text, Tick
from retseg.reporting.wording import counted

METRICS = ("dice", "sensitivity", "specificity", "cldice")
METRICS_OF_SEVERAL = ("iou", "accuracy")
"""What is shown image by image: where one class is marked, and where every pixel is given one of several."""

_WIDTH, _LEFT, _RIGHT, _TOP = 440.0, 14.0, 426.0, 6.0
_ROW, _CAPTION, _BELOW = 58.0, 15.0, 46.0
_LOW_ROW, _MOST_ROWS = 36.0, 8
"""The height of rows where there are more than so many, so that a chart still fits on a printed page."""

_RADIUS = 3.5
_LONGEST = 46


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a strip: who, and each image's value."""

    name: str
    values: Mapping[str, float]
    hue: int


def strip_chapter(records: Sequence[RunRecord], class_name: str) -> Chapter | None:
    """One strip for each metric that metrics.csv has, or None where it has none of them.

    Args:
        records: The runs, in the order of the tables.
        class_name: The class whose lines in metrics.csv are an image's own scores.
    """
    several = records[0].several
    charts = [
        strip_chart(metric, _samples(records, class_name, metric), several)
        for metric in (METRICS_OF_SEVERAL if several else METRICS)
    ]
    drawn = tuple(chart for chart in charts if chart is not None)
    if not drawn:
        return None
    return Chapter(
        id="strips",
        heading="Image by image",
        contents="Image by image",
        remarks=("Each dot is one test image; the upright stroke and the number are their mean.",),
        charts=drawn,
        notes=tuple(protocol_notes(records)),
    )


def strip_chart(metric: str, samples: Sequence[Sample], several: bool = False) -> Chart | None:
    """The strip of one metric, or None where nobody has a value."""
    samples = [sample for sample in samples if sample.values]
    every = [value for sample in samples for value in sample.values.values()]
    if not every:
        return None
    marks = ticks(min(every), max(every), 6, outward=True)
    across = linear(marks[0], marks[-1], _LEFT, _RIGHT)
    row = _ROW if len(samples) <= _MOST_ROWS else _LOW_ROW
    bottom = _TOP + row * len(samples) + 4
    points: list[Mark] = []
    texts: list[Text] = []
    for number, sample in enumerate(samples):
        top = _TOP + number * row
        middle = top + _CAPTION + (row - _CAPTION) / 2
        mean = fmean(sample.values.values())
        texts.append(Text(_LEFT, top + 11, _short(sample.name)))
        texts.append(Text(_RIGHT, top + 11, f"mean {figure(metric, mean)}", "end"))
        room = (row - _CAPTION) / 2 - _RADIUS - 1
        shifts = swarm([across(value) for value in sample.values.values()], room)
        points += [
            Mark(
                round(across(value), 1),
                round(middle + shift, 1),
                sample.hue,
                "small-dot",
                tip=f"{image}: {figure(metric, value)}",
            )
            for (image, value), shift in zip(sample.values.items(), shifts, strict=True)
        ]
        points.append(Mark(round(across(mean), 1), middle, HUMAN_HUE, "bar", tip=f"mean {figure(metric, mean)}"))
    described = [
        f"{s.name}: {counted(len(s.values), 'image')}, mean {figure(metric, fmean(s.values.values()))}, "
        f"{figure(metric, min(s.values.values()))} to {figure(metric, max(s.values.values()))}"
        for s in samples
    ]
    return Chart(
        id=f"chart-strip-{metric}",
        title=f"{heading(metric, several)} of each image",
        description=f"{'; '.join(described)}.",
        x_label=heading(metric, several),
        width=_WIDTH,
        height=bottom + _BELOW,
        left=_LEFT,
        right=_RIGHT,
        top=_TOP,
        bottom=bottom,
        x_ticks=tuple(Tick(round(across(v), 1), label) for v, label in zip(marks, labels(marks), strict=True)),
        y_ticks=tuple(Tick(_TOP + number * row, "") for number in range(1, len(samples))),
        lines=(),
        marks=tuple(points),
        texts=tuple(texts),
    )


def swarm(places: Sequence[float], room: float) -> list[float]:
    """Sideways shifts that keep dots from covering each other, at most `room` either way; beyond that they overlap."""
    shifts = [0.0] * len(places)
    placed: list[int] = []
    steps = [0.0]
    for step in range(1, int(room / (_RADIUS / 2)) + 1):
        steps += [step * _RADIUS / 2, -step * _RADIUS / 2]
    for index in sorted(range(len(places)), key=lambda i: (places[i], i)):
        near = [i for i in placed if places[index] - places[i] < 2 * _RADIUS]

        def crowding(step: float, index: int = index, near: Sequence[int] = tuple(near)) -> float:
            distances = (math.hypot(places[index] - places[i], step - shifts[i]) for i in near)
            return max((2 * _RADIUS - d for d in distances if d < 2 * _RADIUS - 1e-9), default=0.0)

        shifts[index] = min(steps, key=lambda step: (crowding(step), abs(step)))
        placed.append(index)
    return shifts


def _samples(records: Sequence[RunRecord], class_name: str, metric: str) -> list[Sample]:
    found = []
    for number, record in enumerate(records):
        values = {i: record.scores.value(i, record.system, class_name, metric, record.threshold) for i in _ids(record)}
        found.append(Sample(record.name, {i: v for i, v in values.items() if v is not None}, number))
    for name in observers_of(records):
        drawn = {
            image: value
            for record in reversed(records)
            for image in _ids(record)
            if (value := record.scores.value(image, name, class_name, metric)) is not None
        }
        found.append(Sample(f"{name} (human observer)", drawn, HUMAN_HUE))
    return found


def _ids(record: RunRecord) -> list[str]:
    return sorted(record.scores.ids)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
