"""Street scenes with one to eight people, many of whom touch or overlap, and an id map that tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from retseg.core.types import UInt8Array
from retseg.datasets.synthetic.drawing import people, vehicles
from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.canvas import Canvas
from retseg.datasets.synthetic.drawing.landscape import Land
from retseg.datasets.synthetic.drawing.outlines import Place

VERSION = 1
"""Grows with every change of what a seed gives."""

_CROWDED = 0.75
"""Share of the pictures in which people stand or walk in groups."""
_LEAST_SEEN = 0.2
"""Share of someone's pixels. Who is covered further by others in front has no number."""
_NOBODY = dict.fromkeys(("sky", "tree", "grass", "road", "building", "water", "mountain"), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """A photograph (H, W, 3) and its id map (H, W): 0, or the number of the person in front, from the left."""

    image: UInt8Array
    ids: UInt8Array


def draw_street(seed: int, width: int, height: int) -> Street:
    """The street scene that a seed gives, `width` x `height` pixels; at another size it has the same shapes."""
    shapes, light, grain = (np.random.default_rng([seed, stream]) for stream in range(3))
    canvas = Canvas(width, height, grain, 0)
    horizon = _backdrop(shapes, canvas)
    standing = _standing(shapes, canvas, horizon)
    whole: dict[int, int] = {}
    for number, (x, foot, size) in enumerate(standing, start=1):
        brush = Brush(canvas, Place((x, foot), size, mirrored=bool(shapes.random() < 0.5)), number)
        people.figure(brush, people.draw_person(shapes))
        whole[number] = int((canvas.labels == number).sum())
    return Street(canvas.developed(light), _numbered(canvas.labels.astype(np.uint8), whole))


def _backdrop(rng: Generator, canvas: Canvas) -> float:
    """Paints the street and gives where its far edge lies."""
    horizon = float(rng.uniform(0.42, 0.58)) * canvas.height
    land = Land(rng, canvas, _NOBODY, 0)
    land.sky(horizon)
    if rng.random() < 0.35:
        land.woods(horizon)
    land.town(horizon, 0.2, 0.55)
    if rng.random() < 0.4:
        land.tree(float(rng.uniform(0, 1)) * canvas.width, horizon + 0.03, float(rng.uniform(0.4, 0.6)))
    if rng.random() < 0.4:
        land.ground("grass", horizon)
        land.ground("road", horizon + 0.1, uneven=0.0)
    else:
        land.ground("road", horizon, uneven=0.0)
    if rng.random() < 0.3:
        place = Place((float(rng.uniform(0.1, 0.9)) * canvas.width, horizon + 0.07), 0.42)
        vehicles.car(rng, Brush(canvas, place, None))
    land.odds_and_ends(horizon, int(rng.integers(0, 2)))
    return horizon


def _standing(rng: Generator, canvas: Canvas, horizon: float) -> list[tuple[float, float, float]]:
    """Where people stand and how tall they are in the picture, the farthest first."""
    count = int(rng.choice(8, p=[0.14, 0.2, 0.2, 0.16, 0.12, 0.08, 0.05, 0.05])) + 1
    crowded = count > 1 and rng.random() < _CROWDED / 0.86
    result: list[tuple[float, float, float]] = []
    groups = _groups(rng, count) if crowded else [1] * count
    # A group has a stretch of the street to itself, as wide as it needs.
    edges = np.cumsum([0.0, *(0.6 + 0.5 * size for size in groups)])
    edges = edges / edges[-1] * canvas.width
    for size, left, right in zip(groups, edges[:-1], edges[1:], strict=True):
        foot = float(rng.uniform(0.84, 0.98)) * canvas.height
        # Someone whose feet are lower in the picture is nearer, and taller by as much.
        tall = (foot - horizon) * float(rng.uniform(1.5, 2.0))
        tall = min(tall, foot - 0.03, 3.4 * (right - left) / (0.6 + 0.5 * size))
        middle = float(left + (right - left) * rng.uniform(0.42, 0.58))
        pitch = tall * float(rng.uniform(0.17, 0.25))
        for index in range(size):
            x = middle + (index - (size - 1) / 2) * pitch + float(rng.normal(0, 0.01))
            step = float(rng.uniform(-0.03, 0.03))
            result.append((x, min(foot + step, canvas.height - 0.01), tall * float(rng.uniform(0.9, 1.05)) + step))
    return sorted(result, key=lambda person: person[1])


def _groups(rng: Generator, count: int) -> list[int]:
    """The people in groups of two to four, with someone alone here and there."""
    groups = [min(count, int(rng.integers(2, 5)))]
    while (left := count - sum(groups)) > 0:
        groups.append(min(left, int(rng.integers(1, 4))))
    rng.shuffle(groups)
    return groups


def _numbered(ids: UInt8Array, whole: Mapping[int, int]) -> UInt8Array:
    """The id map numbered 1, 2, ... from the left; `whole` is how many pixels each person had before others came."""
    seen = {number: int((ids == number).sum()) for number in whole}
    kept = [number for number in whole if seen[number] > _LEAST_SEEN * whole[number]]
    kept.sort(key=lambda number: float(np.nonzero(ids == number)[1].mean()))
    table = np.zeros(256, np.uint8)
    table[kept] = np.arange(1, len(kept) + 1, dtype=np.uint8)
    return table[ids]


def touching(ids: UInt8Array) -> bool:
    """Whether two people share a border, a corner included, so that connected components count them as one."""
    pairs = (
        (ids[1:], ids[:-1]),
        (ids[:, 1:], ids[:, :-1]),
        (ids[1:, 1:], ids[:-1, :-1]),
        (ids[1:, :-1], ids[:-1, 1:]),
    )
    return any(bool(((one != other) & (one > 0) & (other > 0)).any()) for one, other in pairs)
