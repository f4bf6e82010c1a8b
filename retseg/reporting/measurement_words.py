"""Measurements in words: values with their units and intervals, and where they lie against a reference range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retseg.reporting.catalogue import Language
from retseg.reporting.measured_files import Measured, Range

Place = Literal["none", "within", "below", "above"]

PLACES: Mapping[Place, str] = {
    "none": "",
    "within": "within range",
    "below": "below range",
    "above": "above range",
}
SIGNS: Mapping[Place, str] = {"none": "", "within": "", "below": "\N{BLACK DOWN-POINTING TRIANGLE}", "above": "▲"}

_UNITS = {
    "": "",
    "1": "",
    "count": "",
    "fraction": "%",
    "um": "µm",
    "pixel": "px",
    "pixels": "px",
    "deg": "°",
    "degree": "°",
    "degrees": "°",
    "1/mm": "/mm",
    "1/um": "/µm",
    "1/px": "/px",
    "mm/mm2": "mm/mm²",
    "1/px²": "/px²",
    "1/mm²": "/mm²",
    "1/Mpx": "/Mpx",
}
_SCALES = {"fraction": 100.0}
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class SaidValue:
    """A measurement as a page says it. `interval` is empty where none is known."""

    value: str
    unit: str
    interval: str


def shown_unit(unit: str) -> str:
    """A unit as readers write it: `um` is µm, a fraction is told in percent, a count has none."""
    return _UNITS.get(unit, unit)


def scale_of(unit: str) -> float:
    """What values in this unit are multiplied by before they are shown."""
    return _SCALES.get(unit, 1.0)


def said(measured: Measured, language: Language, digits: int | None = None) -> SaidValue | None:
    """A value and its interval with so many decimals, as a rule three significant digits; None without a value."""
    if measured.value is None:
        return None
    scale = _SCALES.get(measured.unit, 1.0)
    value = measured.value * scale
    digits = decimals(value, measured.unit) if digits is None else digits
    interval = ""
    if measured.low is not None and measured.high is not None:
        interval = between(measured.low * scale, measured.high * scale, digits, language)
    return SaidValue(language.number(value, digits), shown_unit(measured.unit), interval)


def shared_decimals(values: Sequence[Measured | None], reference: Range | None) -> dict[str, int]:
    """The decimals of a whole row by unit, so that eyes and reference range can be compared digit by digit."""
    ends = [] if reference is None else [(reference.high, reference.unit)]
    every = [(one.value, one.unit) for one in values if one is not None and one.value is not None] + ends
    digits: dict[str, int] = {}
    for value, unit in every:
        own = decimals(value * _SCALES.get(unit, 1.0), unit)
        digits[unit] = min(own, digits.get(unit, own))
    return digits


def said_range(reference: Range, digits: int, language: Language) -> str:
    """The two ends of a reference range with their unit."""
    scale = _SCALES.get(reference.unit, 1.0)
    ends = between(reference.low * scale, reference.high * scale, digits, language)
    return with_unit(ends, shown_unit(reference.unit))


def with_unit(text: str, unit: str) -> str:
    """Text and unit, held together; a degree sign stands close."""
    if not unit:
        return text
    return f"{text}{unit}" if unit == "°" else f"{text}\N{NO-BREAK SPACE}{unit}"


def between(low: float, high: float, digits: int, language: Language) -> str:
    """`0.11 to 0.13` in the reader's language."""
    return language.say("{low} to {high}", low=language.number(low, digits), high=language.number(high, digits))


def decimals(value: float, unit: str = "") -> int:
    """How many decimals give about three significant digits; counts, and whole numbers without a unit, have none."""
    if unit == "count" or (unit == "" and float(value).is_integer()):
        return 0
    if not value:
        return 2
    return min(_MOST_DIGITS, max(0, 2 - math.floor(math.log10(abs(value)))))


def place(measured: Measured, reference: Range | None) -> tuple[Place, bool]:
    """Where the value lies against the range, and whether an interval of a value outside reaches into the range.

    Nothing is compared across units (a value in pixels has no place in a range in micrometres), nor where the
    photograph shows much more or less of the retina.
    """
    if reference is None or measured.value is None or measured.unit != reference.unit or not measured.comparable:
        return "none", False
    if measured.value < reference.low:
        return "below", measured.high is not None and measured.high >= reference.low
    if measured.value > reference.high:
        return "above", measured.low is not None and measured.low <= reference.high
    return "within", False
