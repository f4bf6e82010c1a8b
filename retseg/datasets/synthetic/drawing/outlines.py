"""Outlines: closed curves as points (N, 2), x to the right and y down, in units of the picture's shorter side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Outline = NDArray[np.float64]
"""Points (N, 2) of a closed curve; the last is joined to the first."""

Point = tuple[float, float]


def polygon(points: Sequence[Point]) -> Outline:
    """Straight lines through the points."""
    return np.array(points, np.float64)


def box(left: float, top: float, right: float, bottom: float) -> Outline:
    """An upright rectangle."""
    return polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def ellipse(centre: Point, rx: float, ry: float, angle: float = 0.0, points: int = 36) -> Outline:
    """An ellipse with half axes `rx` and `ry`, turned by `angle` radians (clockwise, as y points down)."""
    turn = np.linspace(0, 2 * math.pi, points, endpoint=False)
    flat = np.stack([rx * np.cos(turn), ry * np.sin(turn)], axis=1)
    result: Outline = turned(flat, angle) + np.array(centre)
    return result


def blob(rng: Generator, centre: Point, rx: float, ry: float, unrest: float = 0.12, waves: int = 6) -> Outline:
    """An ellipse with an uneven rim; `unrest` is about the largest relative change of its radius."""
    turn = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    radius = np.ones_like(turn)
    for wave in range(2, 2 + waves):
        radius += unrest / math.sqrt(waves) * rng.uniform(0.3, 1) * np.sin(wave * turn + rng.uniform(0, 2 * math.pi))
    flat = np.stack([rx * radius * np.cos(turn), ry * radius * np.sin(turn)], axis=1)
    result: Outline = flat + np.array(centre)
    return result


def limb(start: Point, end: Point, first: float, last: float) -> Outline:
    """A tapered bar with round ends: from `start`, `first` wide, to `end`, `last` wide."""
    (x0, y0), (x1, y1) = start, end
    along = math.atan2(y1 - y0, x1 - x0)
    turn = np.linspace(-math.pi / 2, math.pi / 2, 9)
    head = np.stack([np.cos(along + turn), np.sin(along + turn)], axis=1) * last / 2 + np.array(end)
    tail = np.stack([np.cos(along + math.pi + turn), np.sin(along + math.pi + turn)], axis=1) * first / 2
    return np.concatenate([head, tail + np.array(start)])


def ring(centre: Point, outer: float, inner: float) -> Outline:
    """A ring between two circles, as one curve that goes round outside and back inside."""
    turn = np.linspace(0, 2 * math.pi, 49)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    result: Outline = np.concatenate([circle * outer, circle[::-1] * inner]) + np.array(centre)
    return result


def skyline(rng: Generator, width: float, level: float, height: float, bottom: float, detail: int = 6) -> Outline:
    """Everything below an uneven line at about `level` that rises and falls by `height`, down to `bottom`."""
    x = np.linspace(-0.02, width + 0.02, 16 * detail)
    y = np.zeros_like(x)
    for octave in range(1, detail):
        frequency = octave * rng.uniform(0.7, 1.4) * math.pi / width
        y += rng.uniform(0.4, 1) / octave * np.sin(frequency * x + rng.uniform(0, 2 * math.pi))
    line = np.stack([x, level + height * y / 2], axis=1)
    return np.concatenate([line, [[width + 0.02, bottom], [-0.02, bottom]]])


def turned(outline: Outline, angle: float) -> Outline:
    """The outline turned about the origin by `angle` radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    result: Outline = outline @ np.array([[cosine, sine], [-sine, cosine]])
    return result


class Place:
    """Where a figure stands: its own coordinates (feet at the origin, y down) onto those of the picture."""

    def __init__(self, foot: Point, size: float, *, mirrored: bool = False, tilt: float = 0.0) -> None:
        self.foot, self.size, self.mirrored, self.tilt = foot, size, mirrored, tilt

    def __call__(self, outline: Outline) -> Outline:
        """The outline as it stands in the picture."""
        own = turned(outline, self.tilt) * self.size
        if self.mirrored:
            own = own * np.array([-1.0, 1.0])
        result: Outline = own + np.array(self.foot)
        return result
