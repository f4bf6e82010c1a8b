"""The course of a vessel segment: a smooth centreline with the vessel's width at each point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retseg.biomarkers.smoothing import FloatArray
from retseg.core.types import BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A segment's centreline in equal steps of about a pixel, or a piece of it.

    Attributes:
        segment: The segment's id in the vessel graph.
        points: (N, 2) row and column in pixels, in the order of the segment's path.
        tangent: (N, 2) unit vectors along it.
        curvature: (N,) signed, in 1/pixel.
        calibre: (N,) the vessel's width in pixels; NaN where it has no two walls.
        own: (N,) where the vessel is on its own: out of junctions, which wider vessels fill, and off blunt ends.
        steady: (N,) where its curvature is known: on its own, and far enough from both ends of the smoothed curve.
        step: Length of a step in pixels.
    """

    segment: int
    points: FloatArray
    tangent: FloatArray
    curvature: FloatArray
    calibre: FloatArray
    own: BoolArray
    steady: BoolArray
    step: float

    @property
    def length(self) -> float:
        """Length along the curve in pixels."""
        return self.step * (len(self.points) - 1)

    @property
    def chord(self) -> float:
        """Straight distance between the two ends in pixels."""
        return float(np.hypot(*(self.points[-1] - self.points[0])))

    @property
    def widths(self) -> FloatArray:
        """The known widths in pixels where the vessel is on its own; one for each step, so that long vessels weigh."""
        return self.calibre[self.own & np.isfinite(self.calibre)]

    def piece(self, start: int, stop: int) -> Course:
        """The points from `start` until before `stop`."""
        part = slice(start, stop)
        return Course(
            self.segment,
            self.points[part],
            self.tangent[part],
            self.curvature[part],
            self.calibre[part],
            self.own[part],
            self.steady[part],
            self.step,
        )

    def where(self, keep: BoolArray) -> list[Course]:
        """The pieces of it, of two points or more, along which `keep` (N,) holds."""
        return [self.piece(start, stop) for start, stop in runs(keep) if stop - start > 1]

    @property
    def lone(self) -> Course | None:
        """From the first to the last point where the vessel is on its own; None where that is no piece at all."""
        places = np.flatnonzero(self.own)
        return self.piece(int(places[0]), int(places[-1]) + 1) if len(places) > 1 else None


def runs(keep: BoolArray) -> list[tuple[int, int]]:
    """The stretches (start, stop) along which `keep` (N,) holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
