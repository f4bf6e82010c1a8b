"""A centreline as a graph of pixels: thinned strictly, cut at its junctions, and traced from one to the next.

Pixels touch by their sides and by their corners (8 neighbours). In a strictly thin line a pixel with one neighbour is
an end, one with two lies on the way, and one with three or more belongs to a junction: no staircase looks like one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from retseg.core.types import BoolArray

IntArray = NDArray[np.intp]

NO_JUNCTION = -1
"""In the place of a junction's number: the stretch ends freely there."""

# Once round a pixel: up, up right, right, ... as steps of (row, column).
_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the centreline between two junctions or free ends.

    `pixels` are numbers of pixels in order; where an end lies at a junction, the first or last is the junction's own
    pixel there. `first` and `last` are the junctions' numbers, or NO_JUNCTION. `closed` says that it is a ring, whose
    last pixel touches its first.
    """

    pixels: IntArray
    first: int
    last: int
    closed: bool = False

    @property
    def inner(self) -> IntArray:
        """Its pixels without those of the junctions."""
        return self.pixels[int(self.first != NO_JUNCTION) : len(self.pixels) - int(self.last != NO_JUNCTION)]


class PixelGraph:
    """A strictly thin centreline.

    Attributes:
        places: (N, 2) row and column of each pixel of the line, in reading order.
        junction: (N,) number of the junction that a pixel belongs to, or NO_JUNCTION. Touching junction pixels are one.
        junctions: How many junctions there are.
    """

    def __init__(self, places: IntArray) -> None:
        self.places = thinned(places)
        self._beside = _neighbours(self.places)
        branching = (self._beside >= 0).sum(axis=1) >= 3
        self.junction, self.junctions = _clusters(self._beside, branching)

    @cached_property
    def stretches(self) -> list[Stretch]:
        """All pieces between junctions and free ends, and the rings; every other pixel is a junction's."""
        junction: list[int] = self.junction.tolist()
        beside = [[other for other in row if other >= 0] for row in self._beside.tolist()]
        free = [number == NO_JUNCTION for number in junction]
        ahead = [
            pixel
            for pixel, others in enumerate(beside)
            if free[pixel] and (len(others) < 2 or not (free[others[0]] and free[others[1]]))
        ]
        found: list[Stretch] = []
        for pixel in (*ahead, *range(len(free))):
            if free[pixel]:
                path = _walk(pixel, beside, free)
                closed = len(path) > 2 and path[0] in beside[path[-1]] and junction[path[0]] == NO_JUNCTION
                closed = closed and junction[path[-1]] == NO_JUNCTION
                found.append(Stretch(np.array(path, np.intp), junction[path[0]], junction[path[-1]], closed))
        return found

    def without(self, stretches: list[Stretch]) -> PixelGraph:
        """The line without these pieces; what is left of their junctions is thinned again."""
        keep = np.ones(len(self.places), bool)
        for stretch in stretches:
            keep[stretch.inner] = False
        return PixelGraph(self.places[keep])

    def length(self, stretch: Stretch) -> float:
        """The length of a piece in pixels."""
        return path_length(self.places[stretch.pixels], stretch.closed)


def path_length(places: IntArray, closed: bool = False) -> float:
    """The length in pixels of a path (N, 2) from pixel to pixel: 1 for a step to the side, √2 for one to the corner."""
    steps = np.diff(places, axis=0, append=places[:1] if closed else places[-1:])
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def thinned(places: IntArray) -> IntArray:
    """The line of the pixels (N, 2), in reading order, with every pixel taken away that it does not need.

    A pixel is needed that holds two others together, that is a free end, or without which a hole would open. Pieces
    and holes stay as they are.
    """
    if not len(places):
        return places
    corner = places.min(axis=0) - 1
    line = np.zeros(places.max(axis=0) - corner + 2, bool)
    line[tuple((places - corner).T)] = True
    width = line.shape[1]
    flat, around = line.ravel(), [row * width + column for row, column in _AROUND]
    changed = True
    while changed:
        changed = False
        for part in range(4):
            # Pixels two apart do not touch, so a quarter of them can be judged at once without harm to the line.
            pixels = np.flatnonzero(flat)
            pixels = pixels[(pixels // width % 2 == part // 2) & (pixels % width % 2 == part % 2)]
            code = sum((flat[pixels + step].astype(np.uint8) << bit) for bit, step in enumerate(around))
            spare = pixels[_SPARE[code]]
            flat[spare] = False
            changed |= bool(len(spare))
    left: IntArray = np.argwhere(line) + corner
    return left


def _spare_codes() -> BoolArray:
    """For each of the 256 surroundings of a pixel whether the line can do without it."""
    spare = np.zeros(256, bool)
    for code in range(256):
        empty = [not code >> bit & 1 for bit in range(8)]
        sides = (0, 2, 4, 6)
        # Yokoi's 8-connectivity number: 1 where neither pieces nor holes change.
        number = sum(empty[k] - (empty[k] and empty[k + 1] and empty[(k + 2) % 8]) for k in sides)
        spare[code] = number == 1 and code.bit_count() >= 2
    return spare


_SPARE = _spare_codes()


def _neighbours(places: IntArray) -> IntArray:
    """The numbers (N, 8) of the pixels around each of the pixels (N, 2), which are in reading order; -1 for none."""
    beside = np.full((len(places), 8), -1, np.intp)
    if not len(places):
        return beside
    width = int(places[:, 1].max()) + 3
    keys = places[:, 0] * width + places[:, 1]
    for side, (row, column) in enumerate(_AROUND):
        wanted = keys + row * width + column
        found = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        beside[:, side] = np.where(keys[found] == wanted, found, -1)
    return beside


def _clusters(beside: IntArray, branching: BoolArray) -> tuple[IntArray, int]:
    """Junction pixels (N,) that touch get one number; NO_JUNCTION elsewhere. And how many numbers there are."""
    numbers = np.full(len(branching), NO_JUNCTION, np.intp)
    pixels = np.flatnonzero(branching)
    if not len(pixels):
        return numbers, 0
    inside = np.full(len(branching) + 1, -1, np.intp)
    inside[pixels] = np.arange(len(pixels))
    one, other = np.repeat(np.arange(len(pixels)), 8), inside[beside[pixels].ravel()]
    one, other = one[other >= 0], other[other >= 0]
    edges = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(pixels), len(pixels)))
    count, labels = connected_components(edges, directed=False)
    numbers[pixels] = labels
    return numbers, int(count)


def _walk(start: int, beside: list[list[int]], free: list[bool]) -> list[int]:
    """The path from an end of a piece to its other end, junction pixels included; marks its pixels as taken."""
    path = [start]
    free[start] = False
    ahead = beside[start]
    touching = [pixel for pixel in ahead if len(beside[pixel]) >= 3]
    if touching:
        path.insert(0, touching[0])
    previous, pixel = path[0], start
    if not touching:
        previous = -1
    while True:
        onward = [other for other in beside[pixel] if other != previous]
        if not onward:
            return path
        previous, pixel = pixel, onward[0]
        if len(beside[pixel]) >= 3:
            path.append(pixel)
            return path
        if not free[pixel]:
            return path
        path.append(pixel)
        free[pixel] = False
