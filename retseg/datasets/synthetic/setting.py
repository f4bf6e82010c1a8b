"""The classes of everyday scenes, and what a scene is set up with: chance, the land, and places for figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from retseg.datasets.synthetic.drawing import people
from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.canvas import Canvas
from retseg.datasets.synthetic.drawing.landscape import Land
from retseg.datasets.synthetic.drawing.outlines import Place

NAMES = (
    "building",
    "grass",
    "tree",
    "cow",
    "horse",
    "sheep",
    "sky",
    "mountain",
    "aeroplane",
    "water",
    "face",
    "car",
    "bicycle",
    "flower",
    "sign",
    "bird",
    "book",
    "chair",
    "road",
    "cat",
    "dog",
    "body",
    "boat",
)
"""The classes; a scene's labels are places in this tuple."""

VOID = 255
LABELS = {name: index for index, name in enumerate(NAMES)}


class Setting:
    """What a scene is set up with: chance, the land, and figures placed by their feet."""

    def __init__(self, rng: Generator, canvas: Canvas) -> None:
        self.rng, self.canvas = rng, canvas
        self.land = Land(rng, canvas, LABELS, VOID)
        self.width, self.height = canvas.width, canvas.height

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """Any number of that range."""
        return float(self.rng.uniform(low, high))

    def brush(self, name: str, x: float, y: float, size: float, *, turn: bool = True) -> Brush:
        """For a figure of class `name`, feet at (`x`, `y`), `size` large, facing either way if `turn`."""
        mirrored = turn and self.chance(0.5)
        return Brush(self.canvas, Place((x, y), size, mirrored=mirrored), LABELS[name])

    def meadow(self, horizon: float, *, woods: float = 0.5) -> None:
        """Sky, trees or a far wood, and grass."""
        self.land.sky(horizon)
        if self.chance(woods):
            self.land.woods(horizon)
        else:
            self.land.hills(horizon)
        self.land.ground("grass", horizon)

    def herd(self, name: str, draw: Callable[[Generator, Brush], None], sizes: tuple[float, float], most: int) -> None:
        """One to `most` animals on the ground, the farthest first and smallest; one alone is large."""
        count = int(self.rng.integers(1, most + 1))
        low, high = sizes
        scale = 1.0 if count == 1 else 0.62 if count < 4 else 0.48
        feet = sorted(self.between(0.62, 0.93) * self.height for _ in range(count))
        places = (np.arange(count) + 0.5) / count + self.rng.uniform(-0.12, 0.12, count)
        self.rng.shuffle(places)
        for foot, place in zip(feet, places, strict=True):
            size = self.between(low, high) * scale * (0.55 + 0.5 * foot / self.height)
            draw(self.rng, self.brush(name, float(place) * self.width, foot, min(size, 0.95 * self.width)))

    def crowd(self, count: int, foot: float, size: float) -> None:
        """People on their feet, with faces."""
        for index in range(count):
            x = (index + self.between(0.25, 0.75)) / count * self.width
            brush = self.brush("body", x, foot + self.between(-0.03, 0.03), size * self.between(0.9, 1.08))
            people.figure(brush, people.draw_person(self.rng), LABELS["face"])
