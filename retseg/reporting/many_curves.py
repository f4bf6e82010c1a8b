"""The curves of more systems than colours can tell apart: each named at its end, and each once in front of the others.

A system's curve has a colour and a style of dashes that no other has, so that a print in grey can be read as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from retseg.reporting.figures import Frame, Series, line_chart
from retseg.reporting.view_models import Chart, Line, LineEnd, SmallCharts, Tick
from retseg.reporting.wording import score

HUES = 6
"""The colours of the style sheet; after so many systems they begin again, with other dashes."""

_WIDTH, _TOP, _BELOW = 960.0, 12.0, 48.0
_LEAST_HEIGHT = 300.0
_SPACING = 16.0
_CHARACTER = 6.6
_MOST_CHARACTERS = 34
_ELBOW, _SAMPLE, _BESIDE = 22.0, 26.0, 6.0
_SMALL = Frame(width=232, height=150, left=34, right=224, top=8, bottom=116, x_ticks=4, y_ticks=4)
_MOST_SMALL_TICKS = 5


def style(number: int) -> tuple[int, int]:
    """The colour and the dashes of a system by its number."""
    return number % HUES, number // HUES


def named_chart(
    identifier: str,
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    description: str,
    logarithmic: bool = False,
) -> Chart | None:
    """A chart over the page's whole width whose curves are named, with their last value, at their ends.

    The names stand in the order of the ends, so they are a key that is sorted by the last value. None where no series
    has a finite point.
    """
    # The value first: all have the same width, so that the names begin below each other.
    words = [f"{score(_last(one.y))} {_cut(one.label)}" for one in series]
    margin = _ELBOW + _SAMPLE + _BESIDE + _CHARACTER * max(map(len, words), default=0)
    tall = max(_LEAST_HEIGHT, _SPACING * len(series))
    frame = Frame(_WIDTH, _TOP + tall + _BELOW, 48, _WIDTH - margin, _TOP, _TOP + tall, 10, 6)
    chart = line_chart(
        identifier, title, series, x_label=x_label, description=description, logarithmic=logarithmic, frame=frame
    )
    if chart is None:
        return None
    told = {one.label: text for one, text in zip(series, words, strict=True)}
    heights = spread([line.last[1] for line in chart.lines if line.last], _SPACING, _TOP, _TOP + tall)
    lines = tuple(_named(line, told[line.label], y, frame) for line, y in zip(chart.lines, heights, strict=True))
    return replace(chart, lines=lines, wide=True)


def small_charts(
    identifier: str,
    title: str,
    systems: Sequence[tuple[str, Sequence[Series]]],
    *,
    x_label: str,
    logarithmic: bool = False,
) -> SmallCharts | None:
    """A small chart of each system's curves, the first curve of every other system in grey behind it.

    All have the same axes. Curves that are dashed are the second of their system. None without a finite point.
    """
    every = [one for _, curves in systems for one in curves]
    whole = line_chart(identifier, title, every, x_label=x_label, description="", logarithmic=logarithmic, frame=_SMALL)
    if whole is None:
        return None
    drawn = iter(whole.lines)
    charts, behind = [], []
    for number, (name, curves) in enumerate(systems):
        shown = [one for one in curves if any(map(math.isfinite, one.y))]
        lines = tuple(next(drawn) for _ in shown)
        behind += [line.path for line in lines[:1]]
        last = [f"{one.label} {score(_last(one.y))}" for one in shown]
        charts.append(
            replace(
                whole,
                id=f"{identifier}-{number}",
                title=name,
                description=f"At the end: {', '.join(last)}." if last else "Nothing was measured.",
                x_ticks=_thinned(whole.x_ticks),
                y_ticks=_thinned(whole.y_ticks),
                lines=lines,
            )
        )
    note = f"Across: {x_label.lower()}. Grey: the others."
    return SmallCharts(identifier, whole.title, note, "".join(behind), tuple(charts))


def spread(wanted: Sequence[float], spacing: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones that keep their order, a spacing apart and between `low` and `high`.

    Where there is no room for that, the spacing is what there is room for.
    """
    spacing = min(spacing, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Each block of touching places stands where its members' wanted places are on average.
    blocks: list[tuple[float, int]] = []
    for index in order:
        blocks.append((min(max(wanted[index], low), high), 1))
        while len(blocks) > 1 and blocks[-1][0] - blocks[-2][0] < (blocks[-1][1] + blocks[-2][1]) / 2 * spacing:
            (below, fewer), (above, members) = blocks.pop(), blocks.pop()
            count = members + fewer
            half = (count - 1) / 2 * spacing
            middle = (above * members + below * fewer) / count
            blocks.append((min(max(middle, low + half), high - half), count))
    places = [middle + (i - (count - 1) / 2) * spacing for middle, count in blocks for i in range(count)]
    return [place for _, place in sorted(zip(order, places, strict=True))]


def _named(line: Line, words: str, y: float, frame: Frame) -> Line:
    assert line.last is not None
    x, end = line.last
    elbow, level = frame.right + _ELBOW, round(y, 1)
    leader = f"M{x} {end}L{round(frame.right, 1)} {end}L{round(elbow, 1)} {level}"
    sample = f"M{round(elbow, 1)} {level}L{round(elbow + _SAMPLE, 1)} {level}"
    full = "" if words.endswith(line.label) else line.label
    return replace(line, end=LineEnd(leader, sample, round(elbow + _SAMPLE + _BESIDE, 1), level, words, full))


def _thinned(found: Sequence[Tick]) -> tuple[Tick, ...]:
    """At most a few of the ticks, evenly chosen."""
    return tuple(found[:: math.ceil(len(found) / _MOST_SMALL_TICKS)])


def _last(values: Sequence[float]) -> float | None:
    return next((value for value in reversed(values) if math.isfinite(value)), None)


def _cut(name: str) -> str:
    return name if len(name) <= _MOST_CHARACTERS else f"{name[: _MOST_CHARACTERS - 1]}…"
