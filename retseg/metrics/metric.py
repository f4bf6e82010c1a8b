"""What a metric is: a function together with everything a reader needs to know to trust its number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that can be asked for by name.

    `function` receives Counts where `needs` is "counts" (a decision at one threshold) and a ScoreHistogram where it is
    "scores" (all thresholds), and returns a float; NaN where the figure is undefined, as `degenerate` says.
    `range` holds the smallest and largest possible value.
    """

    name: str
    title: str
    definition: str
    citation: str
    range: tuple[float, float]
    higher_is_better: bool
    needs: Literal["counts", "scores"]
    degenerate: str
    function: Callable[[Any], float]
