"""Turns: the pieces of a vessel along which it bends to one side."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from retseg.biomarkers.course import Course

_LEAST_TURN = math.radians(10)
"""A smaller turn is not told from the stairs of a mask: on drawn straight vessels none reaches it."""


def turns(course: Course) -> list[tuple[int, int]]:
    """The first and last point of each turn; the last of one is the first of the next.

    The course is cut where its curvature changes sign, but for turns by less than 10 degrees, which belong to their
    neighbours.
    """
    steady = np.flatnonzero(course.steady)
    if len(steady) < 2:
        return []
    first, last = int(steady[0]), int(steady[-1])
    signs = np.sign(course.curvature)
    changes = np.flatnonzero(signs[1:] * signs[:-1] < 0) + 1
    cuts = [first, *changes[(changes > first) & (changes < last)].tolist(), last]
    heading = np.concatenate([[0.0], np.cumsum((course.curvature[1:] + course.curvature[:-1]) / 2 * course.step)])
    # Wiggles go smallest first, each with both of its inflections, so that the turn around it becomes whole.
    while len(cuts) > 2:
        size = np.abs(np.diff(heading[cuts]))
        least = int(size.argmin())
        if size[least] >= _LEAST_TURN:
            break
        ends = {least, least + 1} - {0, len(cuts) - 1}
        cuts = [cut for number, cut in enumerate(cuts) if number not in ends]
    return list(pairwise(cuts))


def turn_excess(course: Course) -> list[float]:
    """By how much each turn is longer than its chord, as a share of the chord; empty where its bends are not known."""
    found = []
    for start, stop in turns(course):
        chord = float(np.hypot(*(course.points[stop] - course.points[start])))
        if stop > start and chord > 0:
            found.append(max(0.0, course.step * (stop - start) / chord - 1))
    return found
