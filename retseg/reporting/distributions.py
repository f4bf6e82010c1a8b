"""How each measurement is spread over a cohort, as small charts in which a photograph's place can be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

import numpy as np

from retseg.reporting.catalogue import Language
from retseg.reporting.cohort_views import AxisMark, Distribution
from retseg.reporting.figures import labels, linear, ticks
from retseg.reporting.measured_files import Definition, MeasuredFolder, MeasuredPhotograph, Range
from retseg.reporting.measurement_words import between, decimals, scale_of, shown_unit, with_unit

_WIDTH, _LEFT, _RIGHT = 300.0, 8.0, 292.0
_TOP, _BOTTOM, _HEIGHT = 4.0, 66.0, 96.0
_BINS = 24
_RUG = 6.0


def common_unit(name: str, photographs: Sequence[MeasuredPhotograph]) -> str | None:
    """The unit in which most photographs have this measurement, or None where none has a value."""
    units = Counter(
        one.unit for each in photographs if (one := each.measurements.get(name)) is not None and one.value is not None
    )
    return units.most_common(1)[0][0] if units else None


def value_in(name: str, unit: str, photograph: MeasuredPhotograph) -> float | None:
    """A photograph's value of a measurement in this unit, or None."""
    one = photograph.measurements.get(name)
    return one.value if one is not None and one.unit == unit else None


def distribution(definition: Definition, data: MeasuredFolder, language: Language) -> Distribution | None:
    """The chart of one measurement, or None where fewer than two photographs have a value in one unit."""
    unit = common_unit(definition.name, data.photographs)
    found = [] if unit is None else [value_in(definition.name, unit, one) for one in data.photographs]
    scale = scale_of(unit or "")
    values = [value * scale for value in found if value is not None]
    if unit is None or len(values) < 2:
        return None
    reference = data.ranges.get(definition.name)
    ends = _ends(reference, unit, scale)
    marks = ticks(min([*values, *ends]), max([*values, *ends]), 5, outward=True)
    across = linear(marks[0], marks[-1], _LEFT, _RIGHT)
    title, said = language.say(definition.title), shown_unit(unit)
    return Distribution(
        title=title,
        unit=said,
        count=len(values),
        scale=scale,
        digits=decimals(max(map(abs, values)), unit),
        low=marks[0],
        high=marks[-1],
        left=_LEFT,
        right=_RIGHT,
        width=_WIDTH,
        height=_HEIGHT,
        bottom=_BOTTOM,
        bars=_bars(values, marks[0], marks[-1]),
        rug="".join(f"M{x:g} {_BOTTOM:g}v{_RUG:g}" for x in sorted({round(across(value)) for value in values})),
        band=(round(across(ends[0]), 1), round(across(ends[1]), 1)) if ends else None,
        ticks=tuple(
            AxisMark(round(across(v), 1), language.localised(text))
            for v, text in zip(marks, labels(marks), strict=True)
        ),
        words=_words(title, values, unit, language),
    )


def _ends(reference: Range | None, unit: str, scale: float) -> list[float]:
    if reference is None or reference.unit != unit:
        return []
    return [reference.low * scale, reference.high * scale]


def _bars(values: Sequence[float], low: float, high: float) -> str:
    """The bars of a histogram as one SVG path."""
    counts, _ = np.histogram(values, bins=_BINS, range=(low, high))
    width, most = (_RIGHT - _LEFT) / _BINS, int(counts.max())
    parts = []
    for number, count in enumerate(counts.tolist()):
        if count:
            tall = round((_BOTTOM - _TOP) * count / most, 1)
            parts.append(f"M{_LEFT + number * width:.1f} {_BOTTOM:g}v{-tall:g}h{width - 1:.1f}v{tall:g}z")
    return "".join(parts)


def _words(title: str, values: Sequence[float], unit: str, language: Language) -> str:
    digits, said = decimals(max(map(abs, values)), unit), shown_unit(unit)
    return language.say(
        "{title} of {count} photographs: median {median}, {range}",
        title=title,
        count=str(len(values)),
        median=with_unit(language.number(median(values), digits), said),
        range=with_unit(between(min(values), max(values), digits, language), said),
    )
