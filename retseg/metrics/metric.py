"""What a metric is: a function together with everything a reader needs to know to trust its number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Needs = Literal["counts", "scores", "shapes", "instances"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that can be asked for by name.

    `function` returns a float, NaN where the figure is undefined, as `degenerate` says. What it receives follows from
    `needs`: Counts for "counts" (a decision at one threshold), a ScoreHistogram for "scores" (all thresholds),
    Shapes for "shapes" (the masks themselves, of one image: such a figure is no sum over pixels and has no pooled
    value, only a mean over images), and InstanceSums for "instances" (what was matched to what, of one class and any
    number of images).
    `range` holds the smallest and largest possible value; `math.inf` where there is no upper limit.
    `pinned` names the constants that the number depends on and that nobody can set: the evaluation protocol's.
    """

    name: str
    title: str
    definition: str
    citation: str
    range: tuple[float, float]
    higher_is_better: bool
    needs: Needs
    degenerate: str
    function: Callable[[Any], float]
    pinned: Mapping[str, float | int | str] = field(default_factory=dict, hash=False)
