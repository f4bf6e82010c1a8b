"""Line charts as geometry: nice ticks, scales and SVG paths. Templates draw them, so text stays text and crisp."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retseg.reporting.view_models import Chart, Line, Tick

MOST_CURVES = 5
"""The curves of more systems cannot be told apart by colours alone."""

_MOST_POINTS = 500
_LOG_RATIO = 12.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a chart and where its axes lie, in the chart's own units, and about how many ticks they have."""

    width: float = 440.0
    height: float = 280.0
    left: float = 44.0
    right: float = 428.0
    top: float = 10.0
    bottom: float = 232.0
    x_ticks: int = 8
    y_ticks: int = 5


@dataclass(frozen=True, slots=True)
class Series:
    """A named curve. Points whose value is missing are NaN and break the line.

    `hue` is the index of the system, which chooses the colour; `marked` is the index of a point to mark; `dash` is a
    style of its own for each system.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    hue: int = 0
    dashed: bool = False
    marked: int | None = None
    dash: int = 0


Scale = Callable[[float], float]


def line_chart(
    identifier: str,
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    description: str,
    logarithmic: bool = False,
    frame: Frame = Frame(),
) -> Chart | None:
    """A chart of `series`, or None where no series has a finite point.

    With `logarithmic` the y axis is logarithmic if all values are positive and span more than a decade or so.
    """
    xs = [x for s in series for x, y in zip(s.x, s.y, strict=True) if math.isfinite(y)]
    ys = [y for s in series for y in s.y if math.isfinite(y)]
    if not ys:
        return None
    x_ticks = ticks(min(xs), max(xs), frame.x_ticks, whole=all(float(x).is_integer() for x in xs))
    x_scale = linear(min(xs), max(xs), frame.left, frame.right)
    if logarithmic and min(ys) > 0 and max(ys) / min(ys) > _LOG_RATIO:
        y_ticks = log_ticks(min(ys), max(ys))
        low, high = min(min(ys), y_ticks[0]), max(max(ys), y_ticks[-1])
        y_scale = _logarithmic(low, high, frame.bottom, frame.top)
        title += ", logarithmic scale"
    else:
        y_ticks = ticks(min(ys), max(ys), frame.y_ticks, outward=True)
        y_scale = linear(y_ticks[0], y_ticks[-1], frame.bottom, frame.top)
    return Chart(
        id=identifier,
        title=title,
        description=description,
        x_label=x_label,
        width=frame.width,
        height=frame.height,
        left=frame.left,
        right=frame.right,
        top=frame.top,
        bottom=frame.bottom,
        x_ticks=tuple(Tick(_round(x_scale(v)), label) for v, label in zip(x_ticks, labels(x_ticks), strict=True)),
        y_ticks=tuple(Tick(_round(y_scale(v)), label) for v, label in zip(y_ticks, labels(y_ticks), strict=True)),
        lines=tuple(_line(s, x_scale, y_scale) for s in series if any(map(math.isfinite, s.y))),
    )


def ticks(low: float, high: float, most: int, *, outward: bool = False, whole: bool = False) -> list[float]:
    """Round numbers between `low` and `high`, at most about `most`; with `outward` they enclose the range."""
    if not high > low:
        span = abs(low) * 0.1 or 1.0
        if whole:
            return [low]
        low, high = low - span / 2, high + span / 2
    rough = (high - low) / most
    base: float = 10.0 ** math.floor(math.log10(rough))
    step = next(base * m for m in (1, 2, 5, 10) if base * m >= rough * 0.999)
    if whole:
        step = max(1.0, step)
    first, last = (
        (math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9))
        if outward
        else (math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9))
    )
    return [round(i * step, 10) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1-2-5 steps that enclose the positive range `low`..`high`."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [round(m * 10.0**d, 12) for d in decades for m in (1, 2, 5)]
    first = max((i for i, v in enumerate(steps) if v <= low * 1.0001), default=0)
    last = min((i for i, v in enumerate(steps) if v >= high * 0.9999), default=len(steps) - 1)
    return steps[first : last + 1]


def labels(values: Sequence[float]) -> list[str]:
    """One label for each value, all with the same decimals where they are evenly spaced."""
    gaps = [b - a for a, b in pairwise(values)]
    if gaps and max(gaps) - min(gaps) > 1e-9:
        return [_plain(value) for value in values]
    digits = max(len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in values)
    return [f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") for value in values]


def _plain(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Maps `low`..`high` to `start`..`end`; an empty range to the middle."""
    span = high - low
    if span <= 0:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) / span * (end - start)


def _logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    inner = linear(math.log(low), math.log(high), start, end)
    return lambda value: inner(math.log(value))


def _line(series: Series, x_scale: Scale, y_scale: Scale) -> Line:
    stride = math.ceil(len(series.x) / _MOST_POINTS)
    kept = [i for i in range(len(series.x)) if i % stride == 0 or i in (len(series.x) - 1, series.marked)]
    parts, pen_down = [], False
    for i in kept:
        if not math.isfinite(series.y[i]):
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{_round(x_scale(series.x[i]))} {_round(y_scale(series.y[i]))}")
        pen_down = True
    finite = [i for i in kept if math.isfinite(series.y[i])]
    # A single point has no line to be seen by, so it always gets a marker.
    marked = finite[0] if len(finite) == 1 else series.marked
    marker = None
    if marked is not None and math.isfinite(series.y[marked]):
        marker = (_round(x_scale(series.x[marked])), _round(y_scale(series.y[marked])))
    last = (_round(x_scale(series.x[finite[-1]])), _round(y_scale(series.y[finite[-1]])))
    return Line(series.label, "".join(parts), series.hue, series.dashed, marker, series.dash, last)


def _round(value: float) -> float:
    return round(value, 1)
