"""A part of the retina, or all of it: what measurements are taken from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retseg.biomarkers.box_counting import BoxSums, box_sizes, box_sums
from retseg.biomarkers.course import Course
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.smoothing import FloatArray
from retseg.core.types import BoolArray


@dataclass(frozen=True, eq=False)
class Part:
    """The vessels in one part of the field of view.

    Attributes:
        vessels: (H, W) the vessels' pixels in it.
        field: (H, W) its own pixels.
        courses: The vessels' courses in it.
        typical: Mean width of the vessels of the whole eye in pixels.
    """

    vessels: BoolArray
    field: BoolArray
    courses: tuple[Course, ...]
    typical: float

    @cached_property
    def area(self) -> int:
        """How many pixels it has."""
        return int(np.count_nonzero(self.field))

    @cached_property
    def diameter(self) -> float:
        """Diameter in pixels of the circle that is as large as it."""
        return float(np.sqrt(4 * self.area / np.pi))

    @cached_property
    def length(self) -> float:
        """Length of all courses in pixels."""
        return sum(course.length for course in self.courses)

    @cached_property
    def line(self) -> FloatArray:
        """(N, 2) places about a pixel apart along all courses."""
        if not self.courses:
            return np.empty((0, 2))
        return np.concatenate([course.points for course in self.courses])

    @cached_property
    def boxes(self) -> BoxSums:
        """The sums over boxes along the centrelines, from which the dimensions follow."""
        sizes = box_sizes(self.diameter)
        if len(sizes) < 2:
            raise NotMeasured("the region is too small in pixels for boxes of different sizes")
        if self.length < self.diameter:
            raise NotMeasured("there are too few vessels for a dimension")
        return box_sums(self.line, self.field, sizes)

    @cached_property
    def widths(self) -> FloatArray:
        """(N,) the vessels' widths in pixels, one for about each pixel of length, outside junctions."""
        if not self.courses:
            return np.empty(0)
        return np.concatenate([course.widths for course in self.courses])

    @cached_property
    def lone(self) -> tuple[Course, ...]:
        """The courses where they are out of junctions, as far as they are long enough for their bends to be measured.

        Long enough are six typical widths: a vessel shorter than that has no room for a bend.
        """
        pieces = (course.lone for course in self.courses)
        return tuple(piece for piece in pieces if piece is not None and piece.length >= 6 * self.typical)

    def long_enough(self) -> tuple[Course, ...]:
        """`lone`; raises `NotMeasured` where there is none."""
        if not self.lone:
            raise NotMeasured("no vessel segment is long enough")
        return self.lone

    def within(self, region: BoolArray, inside: Callable[[FloatArray], BoolArray]) -> Part:
        """What lies in a region (H, W); `inside` says for places (N, 2) whether they do."""
        ends = np.cumsum([len(course.points) for course in self.courses])
        kept = np.split(inside(self.line), ends[:-1]) if self.courses else []
        entered = ((course, keep) for course, keep in zip(self.courses, kept, strict=True) if keep.any())
        pieces = tuple(piece for course, keep in entered for piece in course.where(keep))
        return Part(self.vessels & region, self.field & region, pieces, self.typical)
