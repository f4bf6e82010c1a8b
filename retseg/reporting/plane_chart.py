"""Charts of a plane with given axes, as geometry: curves cut to the axes, guides, single points, bars above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from retseg.reporting.figures import Scale, Series, labels, linear, ticks
from retseg.reporting.view_models import HUMAN_HUE, Bar, Chart, Line, Mark, Text, Tick

_WIDTH = 440.0
_LEFT, _RIGHT, _TOP = 44.0, 428.0, 28.0
_BELOW = 46.0
_STRIP, _STRIP_GAP = 22.0, 8.0
_NEAREST = 0.6
"""Points of a curve that are nearer than this to the last drawn one, in the chart's units, are not seen."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high`, with what it shows."""

    label: str
    low: float = 0.0
    high: float = 1.0

    def holds(self, value: float) -> bool:
        """Whether a value lies on it; one that is not finite does not."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Point:
    """A single point in the units of the axes; the rest as in `Mark`."""

    x: float
    y: float
    hue: int = HUMAN_HUE
    shape: str = "dot"
    label: str = ""
    text: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """A straight line that curves are read against, from one point to another.

    `text` stands beside its end; of a level line above it, or below with `below`.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    label: str = ""
    text: str = ""
    hue: int = HUMAN_HUE
    dash: int = 2
    below: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of bars over the chart: `starts` and `ends` on the x axis, `heights` from 0 to 1."""

    starts: Sequence[float]
    ends: Sequence[float]
    heights: Sequence[float]
    hue: int = 0


def plane_chart(
    identifier: str,
    title: str,
    x: Axis,
    y: Axis,
    *,
    description: str,
    series: Sequence[Series] = (),
    points: Sequence[Point] = (),
    guides: Sequence[Guide] = (),
    strips: Sequence[Strip] = (),
    size: float = 300.0,
) -> Chart | None:
    """A chart of what lies within the axes, or None where no curve and no point does.

    Args:
        identifier: The chart's id in the page.
        title: Its caption.
        x: The axis below.
        y: The axis on the left; its label stands above it.
        description: The same in words, for those who cannot see it.
        series: Curves. They are cut where they leave the axes.
        points: Single points; those outside the axes are left out.
        guides: Straight lines to read curves against, cut likewise.
        strips: Rows of bars above the chart, in order from the top.
        size: Height of the plane in units of 440 to the whole width.
    """
    top = _TOP + len(strips) * (_STRIP + _STRIP_GAP)
    bottom = top + size
    across, up = linear(x.low, x.high, _LEFT, _RIGHT), linear(y.low, y.high, bottom, top)
    lines = tuple(line for one in series if (line := _curve(one, x, y, across, up)) is not None)
    marks = tuple(
        Mark(_round(across(p.x)), _round(up(p.y)), p.hue, p.shape, p.label, p.text, p.tip)
        for p in points
        if x.holds(p.x) and y.holds(p.y)
    )
    if not lines and not marks:
        return None
    drawn = [(g, cut) for g in guides if (cut := clipped(g.start, g.end, x, y)) is not None]
    x_ticks, y_ticks = ticks(x.low, x.high, 8), ticks(y.low, y.high, 8)
    return Chart(
        id=identifier,
        title=title,
        description=description,
        x_label=x.label,
        y_label=y.label,
        width=_WIDTH,
        height=bottom + _BELOW,
        left=_LEFT,
        right=_RIGHT,
        top=top,
        bottom=bottom,
        x_ticks=tuple(Tick(_round(across(v)), label) for v, label in zip(x_ticks, labels(x_ticks), strict=True)),
        y_ticks=tuple(Tick(_round(up(v)), label) for v, label in zip(y_ticks, labels(y_ticks), strict=True)),
        lines=lines,
        guides=tuple(Line(g.label, _path([cut], across, up), g.hue, False, dash=g.dash) for g, cut in drawn),
        bars=tuple(bar for i, strip in enumerate(strips) for bar in _bars(strip, i, across)),
        marks=marks,
        texts=tuple(_beside(g, cut, across, up) for g, cut in drawn if g.text),
    )


Place = tuple[float, float]


def clipped(start: Place, end: Place, x: Axis, y: Axis) -> tuple[Place, Place] | None:
    """The part of a straight line that lies within the axes (Liang and Barsky), or None."""
    first, last = 0.0, 1.0
    reach = (end[0] - start[0], end[1] - start[1])
    sides = (
        (-reach[0], start[0] - x.low),
        (reach[0], x.high - start[0]),
        (-reach[1], start[1] - y.low),
        (reach[1], y.high - start[1]),
    )
    for step, room in sides:
        if step == 0:
            if room < 0:
                return None
        elif step < 0:
            first = max(first, room / step)
        else:
            last = min(last, room / step)
    if first > last:
        return None
    at = [(start[0] + t * reach[0], start[1] + t * reach[1]) for t in (first, last)]
    return at[0], at[1]


def _curve(series: Series, x: Axis, y: Axis, across: Scale, up: Scale) -> Line | None:
    """The parts of a curve within the axes as one path, or None where there are none."""
    places = list(zip(series.x, series.y, strict=True))
    pieces = []
    for start, end in pairwise(places):
        if all(map(math.isfinite, (*start, *end))) and (cut := clipped(start, end, x, y)) is not None:
            pieces.append(cut)
    marked = None
    if series.marked is not None and x.holds(series.x[series.marked]) and y.holds(series.y[series.marked]):
        marked = (_round(across(series.x[series.marked])), _round(up(series.y[series.marked])))
    path = _path(pieces, across, up)
    return Line(series.label, path, series.hue, series.dashed, marked, series.dash) if path else None


def _path(pieces: Sequence[tuple[Place, Place]], across: Scale, up: Scale) -> str:
    """Pieces that meet become one stroke; points too near to be told apart are dropped."""
    strokes: list[list[Place]] = []
    previous: Place | None = None
    for start, end in pieces:
        if start != previous:
            strokes.append([start])
        strokes[-1].append(end)
        previous = end
    parts = []
    for stroke in strokes:
        seen = [(across(a), up(b)) for a, b in stroke]
        kept = [seen[0]]
        for place in seen[1:-1]:
            if math.dist(place, kept[-1]) >= _NEAREST:
                kept.append(place)
        kept.append(seen[-1])
        parts += [f"{'L' if i else 'M'}{_round(a)} {_round(b)}" for i, (a, b) in enumerate(kept)]
    return "".join(parts)


def _beside(guide: Guide, cut: tuple[Place, Place], across: Scale, up: Scale) -> Text:
    """The words of a guide at its end, on the side where there is room."""
    place = (across(cut[1][0]), up(cut[1][1]))
    if cut[0][1] == cut[1][1]:
        backwards = cut[1][0] < cut[0][0]
        below = place[1] + (14 if guide.below else -5)
        return Text(_round(place[0]), _round(below), guide.text, "start" if backwards else "end")
    left, down = place[0] < (_LEFT + _RIGHT) / 2, cut[1][1] < cut[0][1]
    across_by, level = (6 if left else -6), place[1] + (-7 if down else 12)
    return Text(_round(place[0] + across_by), _round(level), guide.text, "start" if left else "end")


def _bars(strip: Strip, number: int, across: Scale) -> list[Bar]:
    foot = _TOP + number * (_STRIP + _STRIP_GAP) + _STRIP
    bars = []
    for start, end, height in zip(strip.starts, strip.ends, strip.heights, strict=True):
        left, right, tall = across(start) + 0.75, across(end) - 0.75, height * _STRIP
        if tall > 0:
            bars.append(Bar(_round(left), _round(foot - tall), _round(right - left), _round(tall), strip.hue))
    return bars


def _round(value: float) -> float:
    return round(value, 1)
