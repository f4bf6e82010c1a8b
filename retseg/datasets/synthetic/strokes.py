"""Vessels as strokes on the pixel grid: short straight pieces with a width, and the distance of each pixel to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import BoolArray, Float32Array
from retseg.datasets.synthetic.tree import VesselTree
from retseg.datasets.synthetic.view import View

REACH = 1.5
"""How far beyond a vessel's edge distances are kept, in pixels."""
CHUNK = 1_500_000
"""How many pixel distances are worked out at a time; bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """Pieces of vessels in pixels: `start` and `end` (n, 2), `radius` at both (n, 2), the `node` each comes from."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    radius: NDArray[np.float64]
    node: NDArray[np.int64]

    def chosen(self, keep: BoolArray) -> Strokes:
        """Only the strokes where `keep` is true."""
        return Strokes(self.start[keep], self.end[keep], self.radius[keep], self.node[keep])

    def displaced(self, shift_start: NDArray[np.float64], shift_end: NDArray[np.float64]) -> Strokes:
        """The strokes with their ends moved."""
        return replace(self, start=self.start + shift_start, end=self.end + shift_end)


def tree_strokes(tree: VesselTree, view: View, calibre: NDArray[np.float64]) -> Strokes:
    """The pieces of a tree that the camera sees. `calibre` is each node's drawn radius in micrometres."""
    child = np.flatnonzero(tree.parent >= 0)
    parent = tree.parent[child]
    places = view.to_pixels(tree.points)
    radius = calibre / view.um_per_pixel
    continues = tree.heir[parent] == child
    margin = radius[child] + 24
    near = np.all(
        (places[child] > -margin[:, None]) & (places[child] < np.array(view.camera.shape[::-1]) + margin[:, None]),
        axis=1,
    )
    child, parent, continues = child[near], parent[near], continues[near]
    before = np.where(
        (continues & (tree.parent[parent] >= 0))[:, None],
        places[tree.parent[parent]],
        2 * places[parent] - places[child],
    )
    heir = tree.heir[child]
    after = np.where((heir >= 0)[:, None], places[heir], 2 * places[child] - places[parent])
    # A side branch has its own width from the start; along a vessel the width changes evenly.
    first = np.where(continues, radius[parent], radius[child])
    return _subdivided(before, places[parent], places[child], after, np.column_stack([first, radius[child]]), child)


def _subdivided(
    p0: NDArray[np.float64],
    p1: NDArray[np.float64],
    p2: NDArray[np.float64],
    p3: NDArray[np.float64],
    radius: NDArray[np.float64],
    node: NDArray[np.int64],
) -> Strokes:
    """Cuts the Catmull-Rom curves from p1 to p2 into straight pieces about as long as they are wide."""
    length = np.hypot(*(p2 - p1).T)
    pieces = np.maximum(1, np.ceil(length / np.maximum(1.5, 0.8 * radius[:, 1]))).astype(np.int64)
    curve = np.repeat(np.arange(len(pieces)), pieces)
    order = np.arange(len(curve)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    low, high = order / pieces[curve], (order + 1) / pieces[curve]

    def at(t: NDArray[np.float64]) -> NDArray[np.float64]:
        t = t[:, None]
        a, b, c, d = p0[curve], p1[curve], p2[curve], p3[curve]
        return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)

    widths = radius[curve, 0], radius[curve, 1] - radius[curve, 0]
    return Strokes(
        at(low), at(high), np.column_stack([widths[0] + widths[1] * low, widths[0] + widths[1] * high]), node[curve]
    )


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Strokes on the pixel grid, all (H, W).

    `edge` is the distance to the nearest edge, negative inside, and `radius` the half width there, both in pixels;
    `node` is the node it belongs to, -1 far from any vessel.
    """

    edge: Float32Array
    radius: Float32Array
    node: NDArray[np.int32]

    @property
    def axis(self) -> Float32Array:
        """Distance to the vessel's middle line in pixels."""
        return self.edge + self.radius

    def coverage(self) -> Float32Array:
        """Share of each pixel that the vessels cover, 0..1."""
        covered: Float32Array = np.clip(np.minimum(0.5 - self.edge, 2 * self.radius), 0, 1)
        return covered


def draw(strokes: Strokes, shape: tuple[int, int]) -> Drawing:
    """Draws strokes on an empty grid; where they overlap, the one whose edge is farther away counts."""
    height, width = shape
    pad = int(np.ceil(strokes.radius.max() * 3)) + 12 if len(strokes.node) else 0
    edge = np.full((height + 2 * pad) * (width + 2 * pad), REACH + 1, np.float32)
    owner = np.full(edge.size, -1, np.int32)
    for index, places, distance in _patches(strokes, pad, shape):
        np.minimum.at(edge, places, distance)
        best = distance <= edge[places]
        owner[places[best]] = index[best]
    inner = (slice(pad, pad + height), slice(pad, pad + width))
    edge2, owner2 = (values.reshape(height + 2 * pad, -1)[inner] for values in (edge, owner))
    hit = owner2 >= 0
    radius = np.zeros(shape, np.float32)
    node = np.full(shape, -1, np.int32)
    radius[hit] = strokes.radius.mean(1).astype(np.float32)[owner2[hit]]
    node[hit] = strokes.node[owner2[hit]]
    return Drawing(np.ascontiguousarray(edge2), radius, node)


def _patches(
    strokes: Strokes, pad: int, shape: tuple[int, int]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64], Float32Array]]:
    """Square patches of pixels round strokes of about one size: stroke numbers, flat pixel numbers, edge distances."""
    height, width = shape
    middle = (strokes.start + strokes.end) / 2
    half = np.ceil(strokes.radius.max(1) + REACH + np.hypot(*(strokes.end - strokes.start).T) / 2).astype(int)
    inside = np.all(
        (middle > half[:, None] - pad) & (middle < np.array([width, height]) - 1 + pad - half[:, None]), axis=1
    )
    for size in np.unique(half[inside]):
        members = np.flatnonzero(inside & (half == size))
        window = np.arange(-size, size + 1)
        per_chunk = max(1, CHUNK // len(window) ** 2)
        for first in range(0, len(members), per_chunk):
            index = members[first : first + per_chunk]
            corner = np.rint(middle[index]).astype(np.int64)
            x = (corner[:, 0, None, None] + window[None, None, :]).astype(np.int64)
            y = (corner[:, 1, None, None] + window[None, :, None]).astype(np.int64)
            distance = _edge_distance(strokes, index, x, y)
            keep = distance < REACH
            places = np.broadcast_to((y + pad) * (width + 2 * pad) + x + pad, distance.shape)
            numbers = np.broadcast_to(index[:, None, None].astype(np.int32), distance.shape)
            yield numbers[keep], places[keep], distance[keep]


def _edge_distance(
    strokes: Strokes, index: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]
) -> Float32Array:
    def column(values: NDArray[np.float64]) -> Float32Array:
        return values[index].astype(np.float32)[:, None, None]

    x0, y0 = column(strokes.start[:, 0]), column(strokes.start[:, 1])
    along_x, along_y = column(strokes.end[:, 0] - strokes.start[:, 0]), column(strokes.end[:, 1] - strokes.start[:, 1])
    from_x, from_y = x.astype(np.float32) - x0, y.astype(np.float32) - y0
    squared = np.maximum(along_x**2 + along_y**2, np.float32(1e-6))
    t = np.clip((from_x * along_x + from_y * along_y) / squared, 0, 1)
    first, last = column(strokes.radius[:, 0]), column(strokes.radius[:, 1])
    distance: Float32Array = np.hypot(from_x - t * along_x, from_y - t * along_y) - (first + (last - first) * t)
    return distance
