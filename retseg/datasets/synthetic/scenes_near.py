"""Scenes from near: a face, a pet or a thing that fills the picture, indoors or out."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from retseg.datasets.synthetic.drawing import animals, objects, people, vehicles
from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.materials import foliage, plain, varied
from retseg.datasets.synthetic.drawing.outlines import box
from retseg.datasets.synthetic.setting import LABELS, VOID, Setting


def _portrait(s: Setting) -> None:
    backdrop = s.rng.random()
    if backdrop < 0.5:
        s.land.room(None)
    elif backdrop < 0.75:
        s.land.wall(s.height)
    else:
        s.land.sky(0.5)
        s.land.woods(0.62)
        s.land.ground("grass", 0.6)
    size = s.between(0.5, 0.72)
    chin = s.between(0.62, 0.72) * s.height
    brush = s.brush("face", s.between(0.35, 0.65) * s.width, chin, size)
    people.portrait(s.rng, brush, LABELS["face"], LABELS["body"])


def _flowers(s: Setting) -> None:
    everywhere = box(-0.03, -0.03, s.width + 0.03, s.height + 0.03)
    if s.chance(0.4):
        s.canvas.paint(everywhere, s.land.surface("grass"), LABELS["grass"])
    elif s.chance(0.5):
        s.land.hills(s.height)
        s.land.ground("grass", -0.1)
    else:
        # Leaves out of focus behind a blossom, which nobody labels.
        s.canvas.paint(everywhere, foliage(varied(s.rng, (0.16, 0.28, 0.1), 0.1), 0.3, 0.06), VOID)
    count = int(s.rng.choice([1, 2, 3, 5]))
    for index in range(count):
        size = s.between(0.9, 1.3) * (1.15 if count == 1 else 0.75 if count < 4 else 0.5)
        x, y = (index + s.between(0.35, 0.65)) / count * s.width, s.between(0.4, 0.6) * s.height + 0.65 * size
        objects.flower(s.rng, s.brush("flower", x, y, size))


def _sign(s: Setting) -> None:
    horizon = s.between(0.7, 0.9) * s.height
    s.land.sky(horizon)
    backdrop = s.rng.random()
    if backdrop < 0.35:
        s.land.woods(horizon)
    elif backdrop < 0.65:
        s.land.town(horizon, 0.3, 0.6)
    else:
        s.land.hills(horizon)
    s.land.ground("grass" if s.chance(0.5) else "road", horizon)
    size = min(s.between(0.85, 1.15), horizon + 0.08)
    objects.sign(s.rng, s.brush("sign", s.between(0.3, 0.7) * s.width, horizon + 0.12, size, turn=False))


def _bird(s: Setting) -> None:
    place = s.rng.random()
    x = s.between(0.4, 0.6) * s.width
    if place < 0.3:
        s.land.sky(s.height)
        brush = s.brush("bird", x, s.between(0.75, 0.9) * s.height, s.between(0.75, 1.05))
        animals.bird(s.rng, brush, flying=True)
        return
    s.land.ground("grass" if place < 0.6 else "water" if place < 0.8 else "road", -0.1)
    for index in range(int(s.rng.integers(1, 3))):
        size = s.between(0.8, 1.1) * (0.6 if index else 1)
        foot = s.between(0.72, 0.85) * s.height
        animals.bird(s.rng, s.brush("bird", (x + 0.5 * index) % s.width, foot, size))


def _books(s: Setting) -> None:
    if s.chance(0.5):
        s.land.room(s.between(0.6, 0.8) * s.height)
        foot, size = s.between(0.88, 0.96) * s.height, s.between(0.7, 0.88)
        objects.book(s.rng, s.brush("book", s.between(0.45, 0.55) * s.width, foot, size, turn=False))
        return
    s.land.room(None)
    rows = int(s.rng.integers(1, 4))
    pitch = s.height / rows
    for row in range(rows):
        foot = (row + 0.93) * pitch
        board = box(-0.03, foot, s.width + 0.03, foot + 0.06 * pitch)
        s.canvas.paint(board, plain((0.4, 0.26, 0.15)), VOID)
        objects.shelf(s.rng, s.brush("book", s.width / 2, foot, 0.85 * pitch, turn=False), s.width / (0.85 * pitch))


def _chair(s: Setting) -> None:
    foot = s.between(0.6, 0.72) * s.height
    place = s.rng.random()
    if place < 0.45:
        s.land.room(foot)
    elif place < 0.75:
        s.meadow(foot - 0.1)
    else:
        s.land.wall(foot)
        s.land.ground("road", foot)
    count = 1 + int(s.chance(0.3))
    for index in range(count):
        x = (s.between(0.4, 0.6) if count == 1 else 0.27 + 0.46 * index) * s.width
        objects.chair(s.rng, s.brush("chair", x, s.between(0.86, 0.94) * s.height, s.between(0.72, 0.9)))


def _pet(name: str, draw: Callable[[Generator, Brush], None], sizes: tuple[float, float]) -> Callable[[Setting], None]:
    def scene(s: Setting) -> None:
        place = s.rng.random()
        foot = s.between(0.45, 0.65) * s.height
        if place < 0.35:
            s.land.room(foot)
        elif place < 0.7:
            s.land.ground("grass", -0.1)
        else:
            s.land.wall(foot)
            s.land.ground("road", foot)
        size = s.between(*sizes) * min(1.0, s.width)
        draw(s.rng, s.brush(name, s.between(0.42, 0.58) * s.width, s.between(0.85, 0.95) * s.height, size))

    return scene


def _bicycle(s: Setting) -> None:
    foot = s.between(0.66, 0.78) * s.height
    if s.chance(0.65):
        s.land.wall(foot)
    else:
        s.meadow(foot - 0.2)
    s.land.ground("road" if s.chance(0.7) else "grass", foot, uneven=0.0)
    for index in range(1 + int(s.chance(0.3))):
        place = s.between(0.4, 0.6) + 0.25 * index
        size = s.between(0.75, 1.0) * min(1.1, s.width)
        vehicles.bicycle(s.rng, s.brush("bicycle", place * s.width, foot + 0.08 + 0.05 * index, size))


NEAR: dict[str, Callable[[Setting], None]] = {
    "face": _portrait,
    "bicycle": _bicycle,
    "flowers": _flowers,
    "sign": _sign,
    "bird": _bird,
    "books": _books,
    "chair": _chair,
    "cat": _pet("cat", animals.cat, (0.65, 0.82)),
    "dog": _pet("dog", animals.dog, (0.85, 1.08)),
}
