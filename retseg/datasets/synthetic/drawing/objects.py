"""Things at rest: signs, flowers, books and chairs, each with its foot at the origin, about 1 high."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.materials import Colour, lettered, mixed, plain, striped, varied
from retseg.datasets.synthetic.drawing.outlines import Outline, blob, box, ellipse, limb, polygon, turned

_WHITE: Colour = (0.93, 0.93, 0.92)
_INK: Colour = (0.08, 0.08, 0.09)


def sign(rng: Generator, brush: Brush) -> None:
    """A road sign on a pole: octagon, triangle, circle, or a plate with lettering."""
    brush.fill(limb((0, 0), (0, -0.7), 0.035, 0.035), plain((0.5, 0.51, 0.53), 0.1))
    kind, centre = int(rng.integers(4)), (0.0, -0.76)
    red, blue = varied(rng, (0.8, 0.07, 0.1)), varied(rng, (0.08, 0.25, 0.66))
    if kind == 3:
        colour = (blue, varied(rng, (0.93, 0.76, 0.1)), varied(rng, (0.05, 0.42, 0.25)))[int(rng.integers(3))]
        text = _INK if colour[0] > 0.6 else _WHITE
        brush.fill(box(-0.42, -1.02, 0.42, -0.52), plain(_WHITE, 0.05))
        brush.fill(box(-0.4, -1.0, 0.4, -0.54), plain(colour, 0.05))
        for row in (-0.9, -0.73):
            width = rng.uniform(0.18, 0.33)
            _word(brush, -width, row, 2 * width, 0.1, text)
        return
    rim, inside = (red, _WHITE) if kind else (_WHITE, red)
    for reach, colour in ((0.3, rim), (0.27 if kind == 0 else 0.22, inside)):
        brush.fill(_plate(kind, centre, reach), plain(colour, 0.08, 0.01))
    if kind == 0:
        _word(brush, -0.18, -0.82, 0.36, 0.12, _WHITE)
    elif kind == 1:
        brush.fill(limb((0, -0.84), (0, -0.73), 0.05, 0.03), plain(_INK))
        brush.fill(ellipse((0, -0.67), 0.025, 0.025), plain(_INK))
    else:
        _word(brush, -0.11, -0.83, 0.22, 0.15, _INK)


def _plate(kind: int, centre: tuple[float, float], reach: float) -> Outline:
    corners = {0: 8, 1: 3, 2: 32}[kind]
    start = math.pi / 8 if kind == 0 else -math.pi / 2
    wider = 1.2 if kind == 1 else 1.0
    turns = [start + 2 * math.pi * corner / corners for corner in range(corners)]
    return polygon([(centre[0] + wider * reach * math.cos(t), centre[1] + wider * reach * math.sin(t)) for t in turns])


def _word(brush: Brush, left: float, top: float, width: float, height: float, colour: Colour) -> None:
    """Strokes that look like capitals."""
    count = max(2, round(width / height * 1.3))
    pitch = width / count
    for index in range(count):
        x = left + index * pitch
        brush.fill(box(x, top, x + 0.25 * pitch, top + height), plain(colour, 0, 0))
        middle = top + height * (0.0, 0.42, 0.8)[index % 3]
        brush.fill(box(x, middle, x + 0.75 * pitch, middle + 0.2 * height), plain(colour, 0, 0))


def flower(rng: Generator, brush: Brush) -> None:
    """A blossom seen from the front on a stalk: petals round a disc."""
    colours: tuple[Colour, ...] = ((0.93, 0.78, 0.08), (0.85, 0.15, 0.42), (0.62, 0.28, 0.72), (0.95, 0.92, 0.95))
    colour = varied(rng, colours[int(rng.integers(4))], 0.05)
    centre, petals, reach = (0.0, -0.68), int(rng.integers(6, 15)), 0.33
    brush.detail(limb((0.02, 0.05), (0, -0.5), 0.05, 0.035), plain((0.25, 0.45, 0.14)))
    leaf = turned(ellipse((0.14, 0), 0.16, 0.055), -0.5) + np.array((0.0, -0.14))
    brush.detail(leaf, plain((0.22, 0.42, 0.13), 0.4))
    for layer, size in ((0.0, 1.0), (0.5, 0.8)):
        for index in range(petals):
            angle = 2 * math.pi * (index + layer) / petals
            petal = turned(ellipse((reach * 0.58 * size, 0), reach * 0.45 * size, reach * 2.1 / petals), angle)
            shade = mixed(colour, (0.3, 0.05, 0.1), rng.uniform(0.0, 0.22) + 0.1 * (layer == 0))
            brush.fill(petal + np.array(centre), plain(shade, 0.35, 0.02))
    heart = varied(rng, ((0.35, 0.2, 0.07), (0.9, 0.7, 0.15))[int(rng.random() < 0.5 and colour[2] > 0.3)])
    brush.fill(ellipse(centre, 0.1, 0.1), plain(heart, 0.5, 0.2))


def shelf(rng: Generator, brush: Brush, width: float) -> None:
    """A row of books' spines, `width` long, with titles; all of it is labelled as books."""
    x = -width / 2
    while x < width / 2:
        thick, height = rng.uniform(0.08, 0.2), rng.uniform(0.78, 1.0)
        colour = varied(rng, _COVERS[int(rng.integers(len(_COVERS)))], 0.1)
        brush.fill(box(x, -height, x + thick, 0), plain(colour, 0.1, 0.04))
        brush.shade(box(x + 0.85 * thick, -height, x + thick, 0), 0.6)
        title = mixed(colour, _WHITE if sum(colour) < 1.6 else _INK, 0.8)
        top = -height * rng.uniform(0.8, 0.9)
        letters = striped(title, colour, 0.035, upright=False, soft=0.4)
        brush.fill(box(x + 0.35 * thick, top, x + 0.62 * thick, top + height * rng.uniform(0.3, 0.5)), letters)
        brush.fill(box(x, -0.14, x + 0.85 * thick, -0.11), plain(title, 0, 0))
        x += thick


_COVERS: tuple[Colour, ...] = (
    (0.6, 0.14, 0.12),
    (0.13, 0.22, 0.48),
    (0.14, 0.36, 0.22),
    (0.85, 0.8, 0.68),
    (0.78, 0.55, 0.14),
    (0.36, 0.2, 0.42),
    (0.12, 0.12, 0.14),
)


def book(rng: Generator, brush: Brush) -> None:
    """One book that stands or lies face up: its cover with a picture and a title, or open at a page."""
    if rng.random() < 0.4:
        for side in (-1, 1):
            page = [(0.01 * side, 0.0), (0.72 * side, -0.05), (0.7 * side, -0.97), (0.01 * side, -0.9)]
            brush.fill(polygon(page), plain((0.9, 0.87, 0.79), 0.1, 0.02))
            block = [(0.1 * side, -0.1), (0.64 * side, -0.13), (0.62 * side, -0.88), (0.1 * side, -0.82)]
            brush.fill(polygon(block), lettered((0.9, 0.87, 0.79), _INK, 0.055 * brush.place.size))
        brush.shade(box(-0.07, -0.91, 0.07, 0), 0.8, blur=0.6)
        return
    colour = varied(rng, _COVERS[int(rng.integers(len(_COVERS)))], 0.1)
    title = mixed(colour, _WHITE if sum(colour) < 1.6 else _INK, 0.85)
    brush.fill(polygon([(0.36, 0), (0.44, -0.04), (0.44, -0.97), (0.36, -1)]), plain((0.88, 0.85, 0.78), 0.1))
    brush.fill(box(-0.36, -1, 0.36, 0), plain(colour, 0.15, 0.03))
    brush.shade(box(-0.36, -1, -0.31, 0), 0.7)
    for row in (-0.92, -0.78):
        width = rng.uniform(0.16, 0.28)
        _word(brush, 0.02 - width, row, 2 * width, 0.09, title)
    motif = mixed(colour, _COVERS[int(rng.integers(len(_COVERS)))], 0.8)
    brush.fill(blob(rng, (0.02, -0.35), 0.22, 0.22, 0.25), plain(motif, 0.4))


def chair(rng: Generator, brush: Brush) -> None:
    """A wooden or plastic chair half from the side; its outer rim is labelled, legs and all."""
    colours: tuple[Colour, ...] = ((0.52, 0.3, 0.13), (0.7, 0.49, 0.27), (0.1, 0.42, 0.3), (0.72, 0.12, 0.1))
    colour = varied(rng, colours[int(rng.integers(4))], 0.08)
    wood, dark = plain(colour, 0.2, 0.05), plain(mixed(colour, _INK, 0.4), 0.2, 0.05)
    brush.mark(polygon([(-0.3, 0), (-0.3, -1.0), (0.12, -1.0), (0.16, -0.5), (0.34, -0.42), (0.34, 0)]))
    brush.shade(ellipse((0.02, -0.01), 0.42, 0.05), 0.65, blur=0.5)
    for x, top, foot in ((0.13, -0.45, 0.17), (-0.17, -0.5, -0.15)):
        brush.detail(limb((x, top), (foot, -0.08), 0.05, 0.045), dark)
    for x, foot in ((-0.26, -0.29), (0.3, 0.31)):
        brush.detail(limb((x, -0.45), (foot, -0.01), 0.06, 0.05), wood)
    brush.detail(limb((-0.27, -0.45), (-0.27, -0.98), 0.055, 0.055), wood)
    brush.detail(limb((0.1, -0.52), (0.09, -0.97), 0.05, 0.05), wood)
    slats = int(rng.integers(2, 5))
    for index in range(slats):
        y = -0.95 + 0.36 * index / (slats - 1)
        brush.detail(limb((-0.26, y), (0.09, y + 0.01), 0.09, 0.08), wood)
    seat = [(-0.3, -0.43), (-0.16, -0.52), (0.16, -0.52), (0.34, -0.44), (0.34, -0.38), (-0.3, -0.37)]
    brush.detail(polygon(seat), plain(mixed(colour, (0.95, 0.85, 0.7), 0.25), 0.5, 0.04))
    brush.detail(polygon([(-0.3, -0.4), (0.34, -0.41), (0.34, -0.37), (-0.3, -0.36)]), dark)
