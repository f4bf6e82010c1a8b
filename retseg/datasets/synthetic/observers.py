"""What people mark: the exact reference, and a second observer who overlooks thin vessels and draws a little off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from retseg.core.types import BoolArray, UInt8Array
from retseg.datasets.synthetic.strokes import Drawing, Strokes, draw
from retseg.datasets.synthetic.texture import Noise
from retseg.datasets.synthetic.tree import VesselTree

MARKED_COVERAGE = 0.5
"""A pixel is vessel where a vessel covers at least this share of it."""
NARROWEST_MARK = 1.0
"""Vessels narrower than this many pixels are marked as wide as this: nobody marks less than a pixel."""
NARROWEST_SEEN = 0.6
"""Vessels narrower than this many pixels are in the photograph but not in the labels: nobody sees them."""


def marked(drawing: Drawing) -> BoolArray:
    """The exact label of one tree, (H, W), by the three constants above."""
    half = np.maximum(drawing.radius, NARROWEST_MARK / 2)
    seen = (drawing.node >= 0) & (2 * drawing.radius >= NARROWEST_SEEN)
    return np.asarray(seen & (drawing.axis - half <= 0.5 - MARKED_COVERAGE))


def artery_vein(arteries: BoolArray, veins: BoolArray) -> UInt8Array:
    """0 no vessel, 1 artery, 2 vein, 3 where they cross, (H, W)."""
    return (arteries.astype(np.uint8) + 2 * veins.astype(np.uint8)).astype(np.uint8)


def second_observer(
    rng: Generator, trees: list[tuple[VesselTree, Strokes]], um_per_pixel: float, shape: tuple[int, int]
) -> BoolArray:
    """The mark of a second, human observer, (H, W).

    He overlooks thin vessels, more of them the thinner they are, and all that branches off those; he stops before the
    end of others; his lines lie up to a pixel off, and are by and large a little wider or narrower.
    """
    hand = rng.uniform(0.74, 1.24)
    care = rng.uniform(0.6, 1.4)
    mark = np.zeros(shape, bool)
    for tree, strokes in trees:
        keep = _noticed(rng, tree, um_per_pixel, care)[strokes.node]
        seen = strokes.chosen(keep)
        if not len(seen.node):
            continue
        wavelength = 900 / um_per_pixel
        drift = [Noise(rng, max(wavelength, 12.0)) for _ in range(2)]
        own_hand = rng.normal(1, 0.12, len(tree.parent))[tree.vessel[seen.node]]
        moved = seen.displaced(_shift(drift, seen.start), _shift(drift, seen.end))
        width = np.maximum(moved.radius * (hand * own_hand)[:, None] + rng.normal(0, 0.12), NARROWEST_MARK / 2)
        mark |= marked(draw(replace(moved, radius=width), shape))
    return mark


def _shift(drift: list[Noise], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a hand strays to, at most one pixel."""
    x, y = places.astype(np.float32).T
    shift = np.column_stack([noise.at(x, y) for noise in drift]).astype(np.float64) * 0.36
    return np.asarray(shift / np.maximum(np.hypot(shift[:, 0], shift[:, 1]), 1.0)[:, None])


def _noticed(rng: Generator, tree: VesselTree, um_per_pixel: float, care: float) -> BoolArray:
    """Which nodes the observer marks."""
    vessel = tree.vessel
    count = int(vessel.max()) + 1
    start = np.full(count, len(vessel))
    np.minimum.at(start, vessel, np.arange(len(vessel)))
    width = 2 * tree.radius[start]
    thin = np.clip((64 - width) / 44, 0, 1)
    chosen = rng.random(count) > 0.34 * care * thin
    length = np.bincount(vessel, minlength=count)
    stop = length * np.where(rng.random(count) < 0.3 * care * thin, rng.uniform(0.3, 1.0, count), 2.0)
    seen = np.ones(len(vessel), bool)
    place = np.zeros(len(vessel), np.int64)
    for node, parent in enumerate(tree.parent.tolist()):
        own = vessel[node]
        if parent >= 0:
            place[node] = place[parent] + 1 if vessel[parent] == own else 0
            seen[node] = seen[parent] and chosen[own] and place[node] <= stop[own]
    return seen & (2 * tree.radius / um_per_pixel >= NARROWEST_SEEN)
