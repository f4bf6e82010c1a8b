"""How sure a measurement is: what it would be if the net's doubt about pixels were settled either way.

That alone is too narrow: a person who marks the same vessels by hand differs from the net in more than the pixels that
it doubts. So each measurement's interval is widened by a share of the value, as large as it had to be for 90% of the
training photographs' intervals to hold what was measured on a person's map (benchmarks/interval_margins.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from scipy import ndimage

from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.units import Value
from retseg.core.types import BoolArray, Float32Array

MARGINS = "margins.json"
"""File beside this one: by how much of its value each measurement's interval is widened."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the limits between which a person's map would give it nine times in ten; None where unknown."""

    value: Value
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, Any]:
        """As files hold it."""
        return {"value": self.value.number, "low": self.low, "high": self.high, "unit": self.value.unit}


def doubtful_masks(mask: BoolArray, probability: Float32Array, threshold: float, doubt: float) -> list[BoolArray]:
    """The vessels (H, W) as they would be with a lower and with a higher threshold; none where there is no doubt.

    Both are moved by `doubt` in the logit of the probability (H, W). A lower one lets vessels of the `mask` grow on and
    makes no new ones; a higher one takes away from them.
    """
    if not doubt:
        return []
    logit = np.log(threshold / (1 - threshold)) if 0 < threshold < 1 else 0.0
    lower, higher = (float(1 / (1 + np.exp(-(logit + sign * doubt)))) for sign in (-1, 1))
    grown, count = ndimage.label((probability > lower) | mask, np.ones((3, 3), int))
    kept = np.zeros(count + 1, bool)
    kept[np.unique(grown[mask])] = True
    kept[0] = False
    wider: BoolArray = kept[grown]
    return [wider, mask & (probability > higher)]


def with_interval(
    value: Value | NotMeasured,
    others: Sequence[Mapping[str, Value | NotMeasured]],
    name: str,
    margins: Mapping[str, float],
) -> Interval | NotMeasured:
    """A measurement with the interval that it spans together with the same one of `others`, widened by its margin.

    `margins` are shares of the value, by name.
    """
    if isinstance(value, NotMeasured):
        return value
    numbers = [other.number for one in others if isinstance(other := one[name], Value)]
    if not numbers or len(numbers) < len(others):
        return Interval(value, None, None)
    more = margins.get(name, 0.0) * abs(value.number)
    least = 0.0 if value.number >= 0 else float("-inf")
    return Interval(value, max(least, min(value.number, *numbers) - more), max(value.number, *numbers) + more)


@cache
def shipped_margins() -> Mapping[str, float]:
    """The margins that ship with retseg, for its own model; empty before they were made."""
    path = files("retseg.biomarkers") / MARGINS
    if not path.is_file():
        return {}
    return {str(name): float(share) for name, share in json.loads(path.read_text(encoding="utf-8")).items()}
