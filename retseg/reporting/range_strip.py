"""A small strip for each measurement: the reference range as a band, each eye's value with its interval on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retseg.reporting.figures import Scale, linear
from retseg.reporting.measured_files import Measured, Range

WIDTH = 168.0
"""Of the strip, in its own units; about a pixel each."""

SHAPES = ("disc", "square", "diamond")
"""The marks of the first, the second and all further eyes: told apart by shape, so that paper needs no colour."""

_SIDE, _LANE, _RIM = 6.0, 11.0, 4.0
_AROUND = 0.7
"""How far the strip goes beyond the range, in widths of the range."""


@dataclass(frozen=True, slots=True)
class StripMark:
    """One eye: where its value stands, from where to where its interval goes, and its shape."""

    x: float
    y: float
    low: float
    high: float
    shape: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The band from `start` to `end`, and the marks; `words` say the same."""

    width: float
    height: float
    start: float
    end: float
    marks: tuple[StripMark, ...]
    words: str


def range_strip(eyes: Sequence[Measured | None], reference: Range | None, words: str) -> Strip | None:
    """The strip of one measurement, or None where there is no range in the unit of the values, or no value.

    Args:
        eyes: One entry for each column of the table, None where that eye was not measured.
        reference: The range.
        words: What a reader hears who cannot see the strip.
    """
    comparable = [
        (number, one)
        for number, one in enumerate(eyes)
        if one is not None and one.value is not None and reference is not None and one.unit == reference.unit
    ]
    if reference is None or not comparable:
        return None
    values = [v for _, one in comparable for v in (one.value, one.low, one.high) if v is not None]
    margin = (reference.high - reference.low) * _AROUND
    low, high = min([reference.low - margin, *values]), max([reference.high + margin, *values])
    across = linear(low, high, _SIDE, WIDTH - _SIDE)
    marks = tuple(_mark(one, lane, number, across) for lane, (number, one) in enumerate(comparable))
    return Strip(
        width=WIDTH,
        height=2 * _RIM + _LANE * len(marks),
        start=round(across(reference.low), 1),
        end=round(across(reference.high), 1),
        marks=marks,
        words=words,
    )


def shape_of(number: int) -> str:
    """The shape of an eye's marks, by its column."""
    return SHAPES[min(number, len(SHAPES) - 1)]


def _mark(one: Measured, lane: int, number: int, across: Scale) -> StripMark:
    value = one.value or 0.0
    return StripMark(
        x=round(across(value), 1),
        y=_RIM + _LANE * (lane + 0.5),
        low=round(across(value if one.low is None else one.low), 1),
        high=round(across(value if one.high is None else one.high), 1),
        shape=shape_of(number),
    )
