"""Numbers out of JSON, which may be missing, undefined or of an unexpected kind in files of older versions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Scores = dict[str, float | None]
Interval = tuple[float, float]


def number_in(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def scores_in(figures: Any) -> Scores:
    """The figures of one view of summary.json by metric; None where undefined."""
    return {name: number_in(value) for name, value in figures.items()} if isinstance(figures, Mapping) else {}


def intervals_in(figures: Any) -> dict[str, Interval]:
    """The intervals of one view by metric; those that are undefined are left out."""
    found = {}
    for name, pair in figures.items() if isinstance(figures, Mapping) else ():
        ends = [number_in(end) for end in pair] if isinstance(pair, Sequence) and len(pair) == 2 else []
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
            found[name] = (ends[0], ends[1])
    return found


def numbers_in(values: Any) -> tuple[float, ...]:
    """A list of numbers, NaN where one is missing."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return ()
    return tuple(math.nan if (value := number_in(item)) is None else value for item in values)


def mapping_in(value: Any) -> Mapping[str, Any]:
    """A JSON object, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}
