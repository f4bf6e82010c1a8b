"""Vessel segments: the pieces of vessels between junctions, as a graph, and as an id for each pixel of the mask."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Float32Array, UInt16Array
from retseg.imaging.centreline import NO_JUNCTION, IntArray, Stretch, path_length
from retseg.imaging.pinholes import without_pinholes
from retseg.imaging.pruning import Branches, prune
from retseg.imaging.vessels import boundary, local_calibre, nearest_distance, skeleton

MOST_SEGMENTS = int(np.iinfo(np.uint16).max)
"""As many as 16 bits can number; a retina has some hundreds."""


class EndKind(StrEnum):
    """What a segment's end is.

    JUNCTION: it meets others there, at a branching or a crossing. RIM: it leaves the field of view or the frame, so
    nobody knows how it goes on. END_POINT: it ends freely. RING: it has no end; it returns to where it began.
    """

    JUNCTION = "junction"
    RIM = "rim"
    END_POINT = "end point"
    RING = "ring"


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """One end of a segment: its place as (row, column), what it is, and the id of the junction there."""

    place: tuple[int, int]
    kind: EndKind
    junction: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A piece of vessel between two junctions or ends.

    Attributes:
        id: Its number in the id map, from 1.
        path: (N, 2) row and column of its centreline, in order from `start` to `end`. At a junction the path begins or
            ends with a pixel of the junction, so that it reaches all the way.
        calibre: (N,) how wide the vessel is at each pixel of the path, in pixels; see `local_calibre`.
        own: (N,) where the path is out of the junctions' discs (see `Junction.calibre`), which thicker vessels fill.
            In a segment that does not leave them, the place that comes nearest to that.
        start, end: Its ends; `start` comes first in reading order.
        pixels: How many pixels of the mask are its own.
    """

    id: int
    path: IntArray
    calibre: Float32Array
    own: BoolArray
    start: SegmentEnd
    end: SegmentEnd
    pixels: int

    @property
    def is_ring(self) -> bool:
        """Whether it returns to where it began, without a junction."""
        return self.start.kind == EndKind.RING

    @property
    def length(self) -> float:
        """Length along the centreline in pixels: 1 for a step to the side, √2 for one to the corner.

        A ring's goes all round. In directions between those of the steps it is up to 8% too long. A centreline ends
        about half a calibre before the end of its vessel.
        """
        return path_length(self.path, self.is_ring)

    @property
    def chord(self) -> float:
        """Straight distance between the two ends in pixels; 0 for a ring."""
        return 0.0 if self.is_ring else float(np.hypot(*(self.path[-1] - self.path[0])))

    @property
    def mean_calibre(self) -> float:
        """Mean calibre in pixels outside the junctions, whose own width is not this vessel's."""
        return float(self.calibre[self.own].mean())

    @property
    def median_calibre(self) -> float:
        """Median calibre in pixels outside the junctions."""
        return float(np.median(self.calibre[self.own]))


@dataclass(frozen=True, slots=True)
class Junction:
    """A place where three or more segment ends meet: a branching, or a crossing of two vessels.

    `place` is the mean (row, column) of its pixels, `calibre` the width of the largest disc in the vessel there in
    pixels, `segments` the ids of the segments that meet there, twice for one that returns.
    """

    id: int
    place: tuple[float, float]
    calibre: float
    segments: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VesselGraph:
    """The segments and junctions of one mask. `ids` (H, W) holds each mask pixel's segment, 0 off the mask."""

    segments: tuple[Segment, ...]
    junctions: tuple[Junction, ...]
    ids: UInt16Array = field(repr=False)

    def ends(self, kind: EndKind) -> int:
        """How many places are ends of this kind (a dot is one end point) or, for RING, how many rings there are."""
        found = {end.place for one in self.segments for end in (one.start, one.end) if end.kind == kind}
        return len(found)

    @property
    def length(self) -> float:
        """Length of all segments together in pixels."""
        return sum(segment.length for segment in self.segments)

    @property
    def median_calibre(self) -> float:
        """Median calibre along all centrelines outside junctions, in pixels; NaN where there is no segment."""
        if not self.segments:
            return float("nan")
        return float(np.median(np.concatenate([one.calibre[one.own] for one in self.segments])))


def vessel_graph(mask: BoolArray, fov: BoolArray) -> VesselGraph:
    """The segments of a vessel mask (H, W) inside the field of view (H, W).

    The mask's skeleton (pinholes filled: see `without_pinholes`) is cut at its junctions and pruned (see `prune`). The
    pixels of the mask are then given to the segments by a watershed: each segment floods the mask from its centreline,
    deep places first, so that a thick vessel keeps its whole width where a thin one joins it.

    Two vessels that touch over a long way are one in a mask, and so are they here.
    """
    if mask.shape != fov.shape:
        raise ValueError(f"mask {mask.shape} and field of view {fov.shape} differ in size")
    mask = mask & fov
    if not mask.any():
        return VesselGraph((), (), np.zeros(mask.shape, np.uint16))
    whole = without_pinholes(mask)
    wall = fov & ~whole
    if not wall.any():
        raise ImageError("the mask fills the whole field of view, so no vessel can be told from another")
    line = skeleton(whole)
    width = local_calibre(whole, line, fov, line)
    branches = prune(np.argwhere(line), lambda places: width[tuple(places.T)])
    if len(branches.stretches) > MOST_SEGMENTS:
        raise ImageError(f"the mask falls into {len(branches.stretches)} segments: that is noise, not a vessel tree")
    drafts = _in_reading_order([_draft(stretch, branches, width) for stretch in branches.stretches])
    ids = np.where(mask, _flooded(whole, wall, drafts), np.uint16(0))
    sizes = np.bincount(ids.ravel(), minlength=len(drafts) + 1)
    away = nearest_distance(np.array([end for draft in drafts for end in draft.ends]), _beyond(fov)).reshape(-1, 2)
    segments = tuple(
        draft.segment(number, int(sizes[number]), tuple(away[number - 1])) for number, draft in enumerate(drafts, 1)
    )
    return VesselGraph(segments, _junctions(branches, segments), ids)


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """A segment before the mask is divided."""

    path: IntArray
    calibre: Float32Array
    own: BoolArray
    junctions: tuple[int | None, int | None]
    closed: bool

    @property
    def ends(self) -> tuple[IntArray, IntArray]:
        return self.path[0], self.path[-1]

    def segment(self, number: int, pixels: int, beyond: tuple[float, float]) -> Segment:
        """The segment; `beyond` is how far its two ends are from what lies outside the field of view."""
        start, end = (self._end(which, beyond[which]) for which in (0, -1))
        if self.closed:
            end = start
        return Segment(number, self.path, self.calibre, self.own, start, end, pixels)

    def _end(self, which: int, beyond: float) -> SegmentEnd:
        place = (int(self.path[which][0]), int(self.path[which][1]))
        if self.closed:
            return SegmentEnd(place, EndKind.RING)
        junction = self.junctions[which]
        if junction is not None:
            return SegmentEnd(place, EndKind.JUNCTION, junction)
        # The centreline of a vessel that runs over the rim ends half its calibre before it, more where it slants.
        return SegmentEnd(place, EndKind.RIM if beyond <= self.calibre[which] + 1 else EndKind.END_POINT)


def _draft(stretch: Stretch, branches: Branches, width: Float32Array) -> _Draft:
    path = branches.graph.places[stretch.pixels]
    calibre = width[tuple(path.T)]
    # How far each pixel is out of the discs of the junctions at both ends.
    out = np.full(len(path), np.inf)
    junctions: list[int | None] = []
    for end, junction in ((path[0], stretch.first), (path[-1], stretch.last)):
        if junction == NO_JUNCTION:
            junctions.append(None)
            continue
        merged = int(branches.merged[junction])
        junctions.append(merged + 1)
        away = path - end
        out = np.minimum(out, np.hypot(away[:, 0], away[:, 1]) - branches.calibre[merged] / 2)
    out[~np.isin(stretch.pixels, stretch.inner)] = -np.inf
    own = out >= min(0.0, out.max())
    if tuple(path[-1]) < tuple(path[0]):
        path, calibre, own, junctions = path[::-1], calibre[::-1], own[::-1], junctions[::-1]
    return _Draft(path, calibre, own, (junctions[0], junctions[1]), stretch.closed)


def _in_reading_order(drafts: list[_Draft]) -> list[_Draft]:
    """By where they start, row by row; what starts at one place by where it goes."""
    return sorted(drafts, key=lambda draft: (draft.path[0].tolist(), draft.path[-1].tolist(), draft.path.tolist()))


def _flooded(mask: BoolArray, wall: BoolArray, drafts: list[_Draft]) -> UInt16Array:
    """The id map (H, W): each pixel of the mask gets the number of the segment whose flood reaches it first."""
    seeds = np.zeros(mask.shape, np.int32)
    for number, draft in enumerate(drafts, 1):
        seeds[tuple(draft.path[draft.own].T)] = number
    height = np.zeros(mask.shape, np.float32)
    # The nearest pixel of the wall is one of its edge.
    height[mask] = -nearest_distance(np.argwhere(mask), np.argwhere(boundary(wall, np.ones_like(wall))))
    flooded: NDArray[np.int32] = watershed(height, seeds, mask=mask, connectivity=2)
    return flooded.astype(np.uint16)


def _beyond(fov: BoolArray) -> IntArray:
    """The places (N, 2) next to the field of view (H, W) that lie outside it or outside the frame."""
    padded = np.pad(fov, 1)
    return np.argwhere(boundary(~padded, np.ones_like(padded))) - 1


def _junctions(branches: Branches, segments: tuple[Segment, ...]) -> tuple[Junction, ...]:
    meeting: list[list[int]] = [[] for _ in branches.pixels]
    for segment in segments:
        for end in (segment.start, segment.end):
            if end.junction is not None:
                meeting[end.junction - 1].append(segment.id)
    junctions = []
    for number, pixels in enumerate(branches.pixels):
        row, column = branches.graph.places[pixels].mean(axis=0)
        place = (float(row), float(column))
        junctions.append(Junction(number + 1, place, float(branches.calibre[number]), tuple(meeting[number])))
    return tuple(junctions)
