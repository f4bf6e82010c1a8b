"""Where vessels meet: the arms of each junction, and whether it is a branching or a crossing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from retseg.biomarkers.course import Course
from retseg.biomarkers.smoothing import FloatArray
from retseg.imaging.segments import Segment, VesselGraph

_STRAIGHT = math.radians(45)
"""What goes on across a crossing bends less than this there."""
_REACH = 3.0
"""Over how many of its widths an arm's direction is taken."""
_LEAST_REACH = 8.0
"""In pixels, for thin vessels: over less, the stairs of a mask turn the direction by degrees."""
_CALIBRE_REACH = 10.0
"""Over how many of its widths an arm's width is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """A vessel as it leaves a junction.

    Attributes:
        segment: The segment's id.
        direction: (2,) unit vector away from the junction.
        begin: (2,) where the vessel is on its own for the first time, (row, column).
        calibre: Its mean width near the junction in pixels; NaN where it is not known.
        length: How long it is on its own, in pixels.
    """

    segment: int
    direction: FloatArray
    begin: FloatArray
    calibre: float
    length: float


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """A junction and its arms; `complete` says whether all of its arms are known."""

    arms: tuple[Arm, ...]
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class Meetings:
    """All junctions of an eye, told apart.

    `bifurcations` are the junctions of three arms, all known, that are no part of a crossing, `crossings` is how many
    crossings there are, and `branchings` how often a vessel branches: once at a bifurcation, more often where four or
    more meet.
    """

    bifurcations: tuple[Fork, ...] = field(repr=False)
    branchings: int
    crossings: int


def meetings(graph: VesselGraph, courses: tuple[Course, ...]) -> Meetings:
    """Tells the junctions of a graph apart.

    Segments that do not leave the disc of their junction are no arms: where wide vessels lie side by side there are
    many. Four arms make a crossing if they are two pairs that each go straight on. Two junctions that a short segment
    joins are one crossing if their outer arms do so: where vessels cross at a small angle they share a stretch.
    """
    forks = _forks(graph, courses)
    left = {number: len(fork.arms) for number, fork in forks.items()}
    crossings = 0
    for number, fork in forks.items():
        if _holds_crossing(fork.arms):
            crossings += 1
            # The vessel that goes on counts as two arms of what may branch off there, too.
            left[number] -= 2
    stretched: set[int] = set()
    for one, other, shared in _joined(graph, forks):
        if not stretched & {one, other} and _is_stretched_crossing(forks[one], forks[other], shared):
            stretched |= {one, other}
            left[one] = left[other] = 2
            crossings += 1
    return Meetings(
        bifurcations=tuple(
            fork for number, fork in forks.items() if fork.complete and len(fork.arms) == left[number] == 3
        ),
        branchings=sum(max(0, arms - 2) for arms in left.values()),
        crossings=crossings,
    )


def angle_between(one: FloatArray, other: FloatArray) -> float:
    """The angle between two unit vectors (2,) in radians, from 0 to pi."""
    return math.acos(float(np.clip(one @ other, -1, 1)))


def _forks(graph: VesselGraph, courses: tuple[Course, ...]) -> dict[int, Fork]:
    of_segment = {course.segment: course for course in courses}
    arms: dict[int, list[Arm]] = {junction.id: [] for junction in graph.junctions}
    for segment in graph.segments:
        course = of_segment.get(segment.id)
        for end, from_start in ((segment.start, True), (segment.end, False)):
            if end.junction is not None and course is not None:
                arm = _arm(course, from_start)
                if arm is not None:
                    arms[end.junction].append(arm)
    return {
        junction.id: Fork(tuple(arms[junction.id]), len(arms[junction.id]) == len(junction.segments))
        for junction in graph.junctions
    }


def _arm(course: Course, from_start: bool) -> Arm | None:
    lone = course.lone
    if lone is None:
        return None
    order = slice(None, None, 1 if from_start else -1)
    points, calibre = lone.points[order], lone.calibre[order]
    known = np.isfinite(calibre)
    width = float(np.median(calibre[known])) if known.any() else math.nan
    about = width if known.any() else _LEAST_REACH / _REACH
    near = max(2, math.ceil(_CALIBRE_REACH * about / lone.step))
    if known[:near].sum() >= 3:
        width = float(calibre[:near][known[:near]].mean())
    reach = min(len(points) - 1, math.ceil(max(_REACH * about, _LEAST_REACH) / lone.step))
    direction = _line_through(points[: reach + 1])
    return Arm(course.segment, direction, points[0], width, lone.length)


def _line_through(points: FloatArray) -> FloatArray:
    """The direction (2,) of the least squares line through points (N, 2), from the first to the last."""
    away = points - points.mean(axis=0)
    axis: FloatArray = np.linalg.svd(away, full_matrices=False)[2][0]
    return axis if axis @ (points[-1] - points[0]) >= 0 else -axis


def _holds_crossing(arms: tuple[Arm, ...]) -> bool:
    """Whether two pairs of the arms each go straight on."""
    pairs = [pair for pair in combinations(arms, 2) if _goes_on(*pair)]
    return any(not {id(arm) for arm in one} & {id(arm) for arm in other} for one, other in combinations(pairs, 2))


def _is_stretched_crossing(one: Fork, other: Fork, shared: Segment) -> bool:
    """Whether the outer arms of two junctions that share a segment are two vessels that cross there."""
    sides = [[arm for arm in fork.arms if arm.segment != shared.id] for fork in (one, other)]
    if [len(side) for side in sides] != [2, 2]:
        return False
    # Two vessels that touch and part again do not change sides: the one pairing that crosses must be the straighter.
    (a, b), (c, d) = sides
    pairings = (((a, c), (b, d)), ((a, d), (b, c)))
    bends = [sum(math.pi - angle_between(x.direction, y.direction) for x, y in pairs) for pairs in pairings]
    straighter = pairings[int(np.argmin(bends))]
    return all(_goes_on(x, y) for x, y in straighter)


def _goes_on(one: Arm, other: Arm) -> bool:
    """Whether two arms are one vessel: opposite in direction, and in one line but for a vessel's width."""
    if math.pi - angle_between(one.direction, other.direction) > _STRAIGHT:
        return False
    across = other.begin - one.begin
    away = float(np.hypot(*across))
    # Seen from either arm, the other begins straight behind it.
    bends = [angle_between(-arm.direction, sign * across / max(away, 1e-9)) for arm, sign in ((one, 1), (other, -1))]
    return away < 1e-9 or max(bends) <= _STRAIGHT


def _joined(graph: VesselGraph, forks: dict[int, Fork]) -> Iterator[tuple[int, int, Segment]]:
    """Pairs of junctions with the one short segment that joins them, shortest first."""
    of_junction = {junction.id: set(junction.segments) for junction in graph.junctions}
    for segment in sorted(graph.segments, key=lambda segment: segment.length):
        one, other = segment.start.junction, segment.end.junction
        if one is None or other is None or one == other or len(of_junction[one] & of_junction[other]) > 1:
            continue
        outer = [arm.calibre for end in (one, other) for arm in forks[end].arms if arm.segment != segment.id]
        # Vessels of one width that cross at 25 degrees share nearly five times their width.
        if segment.length < 5 * max(outer, default=0.0):
            yield one, other, segment


def daughters(fork: Fork) -> tuple[Arm, Arm, Arm]:
    """Parent and daughters of a bifurcation, the wider daughter first.

    The daughters are the two arms with the smallest angle between them: blood does not turn back. Widths would tell
    them apart less surely, because the parent is often hardly wider than its larger daughter.
    """
    one, other = min(combinations(fork.arms, 2), key=lambda pair: angle_between(pair[0].direction, pair[1].direction))
    parent = next(arm for arm in fork.arms if arm is not one and arm is not other)
    wider, narrower = sorted((one, other), key=lambda arm: arm.calibre, reverse=True)
    return parent, wider, narrower
