"""Animals seen from the side, feet at the origin, facing right, about 1 long."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.canvas import Material
from retseg.datasets.synthetic.drawing.materials import Colour, coat, mixed, plain, striped, varied, wool
from retseg.datasets.synthetic.drawing.outlines import blob, ellipse, limb, polygon

_DARK: Colour = (0.1, 0.09, 0.09)
_GRAZING = -0.17
"""How low the head's back is when an animal grazes."""


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions of a four-legged animal: lengths relative to its own of about 1."""

    leg: float
    thick: float
    body: tuple[float, float]
    neck: tuple[float, float, float]
    """Where the head is, right of the chest and above the back, and how wide the neck is."""
    head: tuple[float, float]
    tail: float


def stand(rng: Generator, brush: Brush, build: Build, skin: Material, dark: Material, grazing: bool) -> None:
    """Legs, body, neck, head and tail of an animal that stands or grazes; `dark` is for the far legs."""
    length, depth = build.body
    back = -(build.leg + depth)
    middle = -(build.leg + depth / 2)
    brush.shade(ellipse((0, 0.0), 0.62, 0.07), 0.6, blur=0.5)
    for x, material in ((-0.30, dark), (0.22, dark), (-0.37, skin), (0.31, skin)):
        swing = rng.uniform(-0.05, 0.05)
        hip = (x * length, middle + 0.1 * depth)
        brush.fill(limb(hip, (x * length + swing, -0.01), build.thick * 1.7, build.thick), material)
    brush.fill(limb((-0.46 * length, back + 0.12), (-0.55 * length, back + 0.12 + build.tail), 0.05, 0.03), dark)
    brush.fill(blob(rng, (0, middle), length / 2, depth / 2, 0.05), skin)
    brush.fill(ellipse((0.3 * length, middle - 0.02), depth * 0.48, depth * 0.5), skin)
    brush.fill(ellipse((-0.3 * length, middle), depth * 0.46, depth * 0.52), skin)
    reach, lift, width = build.neck
    chest = (0.4 * length, back + 0.35 * depth)
    head = (chest[0] + reach, _GRAZING) if grazing else (chest[0] + reach, back - lift)
    brush.fill(limb(chest, head, width * 1.7, width), skin)


def head_of(build: Build, grazing: bool) -> tuple[float, float]:
    """Where the head's back is."""
    length, depth = build.body
    reach, lift, _ = build.neck
    return 0.4 * length + reach, _GRAZING if grazing else -(build.leg + depth) - lift


_COW = Build(leg=0.26, thick=0.07, body=(1.0, 0.42), neck=(0.14, 0.02, 0.17), head=(0.14, 0.085), tail=0.35)
_HORSE = Build(leg=0.46, thick=0.055, body=(0.86, 0.32), neck=(0.24, 0.26, 0.13), head=(0.15, 0.065), tail=0.4)
_SHEEP = Build(leg=0.17, thick=0.06, body=(0.95, 0.5), neck=(0.08, -0.08, 0.2), head=(0.11, 0.085), tail=0.08)
_DOG = Build(leg=0.3, thick=0.075, body=(0.8, 0.27), neck=(0.14, 0.13, 0.15), head=(0.14, 0.1), tail=-0.22)


def cow(rng: Generator, brush: Brush) -> None:
    """Brown, or black and white."""
    coats: tuple[tuple[Colour, Colour | None], ...] = (
        ((0.42, 0.22, 0.11), None),
        ((0.46, 0.25, 0.13), (0.88, 0.84, 0.78)),
        ((0.13, 0.12, 0.13), (0.9, 0.88, 0.86)),
    )
    colour, patch = coats[int(rng.choice(3, p=[0.45, 0.3, 0.25]))]
    colour = varied(rng, colour, 0.1)
    skin = coat(colour, patch, 0.3, rng.uniform(0.25, 0.5) if patch else 0)
    grazing = bool(rng.random() < 0.5)
    stand(rng, brush, _COW, skin, coat(mixed(colour, _DARK, 0.4)), grazing)
    x, y = head_of(_COW, grazing)
    brush.fill(ellipse((x + 0.06, y + 0.06), 0.14, 0.085, 1.1 if grazing else 0.75), coat(colour))
    brush.fill(ellipse((x + 0.12, y + (0.1 if grazing else 0.14)), 0.06, 0.05, 0.7), plain((0.75, 0.55, 0.5)))
    brush.fill(ellipse((x - 0.05, y - 0.01), 0.07, 0.03, -0.4), coat(mixed(colour, _DARK, 0.3)))
    if rng.random() < 0.5:
        brush.fill(limb((x + 0.01, y - 0.04), (x + 0.06, y - 0.13), 0.035, 0.012), plain((0.85, 0.8, 0.68)))
    brush.fill(ellipse((-0.16, -0.25), 0.09, 0.05), plain((0.85, 0.66, 0.6)))


def horse(rng: Generator, brush: Brush) -> None:
    """Long legs and neck, a mane and a flowing tail; chestnut or bay."""
    colour = varied(rng, ((0.5, 0.24, 0.1), (0.36, 0.19, 0.11), (0.62, 0.38, 0.18))[int(rng.integers(3))], 0.08)
    mane = plain(_DARK if rng.random() < 0.6 else mixed(colour, (0.9, 0.75, 0.5), 0.5), 0.1, 0.1)
    skin, far = coat(colour, hair=0.03), coat(mixed(colour, _DARK, 0.35))
    grazing = bool(rng.random() < 0.3)
    brush.fill(limb((-0.4, -0.74), (-0.54, -0.3), 0.06, 0.11), mane)
    stand(rng, brush, _HORSE, skin, far, grazing)
    brush.fill(ellipse((-0.27, -0.62), 0.16, 0.2, 0.2), skin)
    for x in (-0.35, 0.3):
        brush.fill(limb((x, -0.6), (x, -0.32), 0.15, 0.07), skin)
    x, y = head_of(_HORSE, grazing)
    nose = (x + 0.1, y + 0.06) if grazing else (x + 0.19, y + 0.15)
    poll = (x - 0.05, y - 0.1) if grazing else (x, y)
    brush.fill(limb(poll, nose, 0.13, 0.08), skin)
    brush.fill(ellipse(nose, 0.05, 0.045), plain(mixed(colour, _DARK, 0.5)))
    brush.fill(
        polygon([(poll[0] - 0.05, poll[1]), (poll[0] - 0.03, poll[1] - 0.13), (poll[0] + 0.03, poll[1] - 0.05)]), skin
    )
    brush.fill(ellipse((poll[0] + 0.04, poll[1] - 0.01), 0.016, 0.016), plain(_DARK, 0, 0))
    withers = (0.2, -0.79)
    brush.fill(limb((poll[0] - 0.06, poll[1] - 0.03), withers, 0.05, 0.05), mane)


def sheep(rng: Generator, brush: Brush) -> None:
    """A woolly body on thin dark legs."""
    fleece = wool(varied(rng, (0.84, 0.81, 0.74), 0.05))
    face: Colour = (0.16, 0.14, 0.13) if rng.random() < 0.5 else (0.72, 0.64, 0.56)
    dark, grazing = plain(varied(rng, face, 0.06)), bool(rng.random() < 0.5)
    stand(rng, brush, _SHEEP, fleece, dark, grazing)
    for x in (-0.33, 0.27):
        brush.fill(limb((x, -0.2), (x, -0.01), 0.07, 0.055), dark)
    brush.fill(blob(rng, (-0.02, -0.43), 0.53, 0.3, 0.09, 9), fleece)
    x, y = head_of(_SHEEP, grazing)
    brush.fill(ellipse((x + 0.06, y), 0.14, 0.085, 0.6), dark)
    brush.fill(ellipse((x - 0.05, y - 0.05), 0.07, 0.03, 0.4), dark)
    brush.fill(ellipse((x - 0.06, y - 0.09), 0.09, 0.06), fleece)


def dog(rng: Generator, brush: Brush) -> None:
    """Tan, golden or black and tan; hanging ears, the tail up."""
    colour = varied(rng, ((0.76, 0.52, 0.26), (0.86, 0.68, 0.42), (0.2, 0.15, 0.12))[int(rng.integers(3))], 0.07)
    chest: Colour = (0.92, 0.88, 0.8) if colour[0] > 0.4 else (0.55, 0.33, 0.14)
    skin, ear = coat(colour, chest, 0.3, 0.06), coat(mixed(colour, (0.2, 0.1, 0.05), 0.5))
    stand(rng, brush, _DOG, skin, coat(mixed(colour, _DARK, 0.3)), False)
    brush.fill(limb((-0.34, -0.5), (-0.56, -0.8), 0.08, 0.04), skin)
    x, y = head_of(_DOG, False)
    brush.fill(ellipse((x + 0.02, y), 0.15, 0.13), skin)
    brush.fill(limb((x + 0.08, y + 0.04), (x + 0.22, y + 0.06), 0.13, 0.09), skin)
    brush.fill(ellipse((x + 0.27, y + 0.03), 0.035, 0.03), plain(_DARK))
    brush.fill(ellipse((x - 0.06, y + 0.05), 0.06, 0.14, 0.2), ear)
    brush.fill(ellipse((x + 0.08, y - 0.03), 0.022, 0.022), plain(_DARK))
    brush.detail(limb((0.28, -0.66), (0.4, -0.56), 0.035, 0.035), plain((0.75, 0.1, 0.1)), 0.9)


def cat(rng: Generator, brush: Brush) -> None:
    """Sitting, seen from the front: pointed ears, whiskers, a curled tail; grey, ginger or black, often striped."""
    colour = varied(rng, ((0.5, 0.5, 0.52), (0.78, 0.46, 0.2), (0.17, 0.17, 0.19))[int(rng.integers(3))], 0.06)
    fur = striped(colour, mixed(colour, _DARK, 0.45), 0.09 * brush.place.size, upright=False, soft=0.8)
    pale = coat(mixed(colour, (0.95, 0.93, 0.9), 0.6))
    brush.shade(ellipse((0, 0), 0.5, 0.07), 0.6, blur=0.5)
    brush.fill(limb((0.25, -0.08), (0.55, -0.14), 0.12, 0.1), fur)
    brush.fill(limb((0.55, -0.14), (0.6, -0.4), 0.1, 0.06), fur)
    brush.fill(blob(rng, (0, -0.33), 0.32, 0.36, 0.04), fur)
    brush.fill(ellipse((0, -0.38), 0.15, 0.22), pale)
    for side in (-1, 1):
        brush.fill(limb((0.11 * side, -0.3), (0.12 * side, -0.03), 0.13, 0.12), fur)
        ear = [(0.05, -0.9), (0.2, -1.14), (0.25, -0.8)]
        brush.fill(polygon([(x * side, y) for x, y in ear]), fur)
        inner = [(0.12, -0.92), (0.19, -1.06), (0.21, -0.86)]
        brush.fill(polygon([(x * side, y) for x, y in inner]), plain((0.82, 0.58, 0.55)))
    brush.fill(ellipse((0, -0.8), 0.26, 0.22), fur)
    brush.fill(ellipse((0, -0.7), 0.12, 0.09), pale)
    for side in (-1, 1):
        brush.fill(ellipse((0.11 * side, -0.83), 0.055, 0.045), plain((0.72, 0.8, 0.25), 0, 0))
        brush.fill(ellipse((0.11 * side, -0.83), 0.018, 0.045), plain(_DARK, 0, 0))
        for slope in (-0.05, 0.03):
            brush.detail(limb((0.06 * side, -0.7), (0.36 * side, -0.7 + slope), 0.012, 0.006), plain((0.95,) * 3), 0.7)
    brush.fill(polygon([(-0.03, -0.75), (0.03, -0.75), (0, -0.71)]), plain((0.8, 0.45, 0.45)))


def bird(rng: Generator, brush: Brush, flying: bool = False) -> None:
    """A bird on thin legs, or in flight: blue, or black and white; a yellow beak."""
    colour = varied(rng, ((0.2, 0.34, 0.62), (0.12, 0.13, 0.17), (0.62, 0.2, 0.14))[int(rng.integers(3))], 0.06)
    feathers, belly = coat(colour, hair=0.08), coat(mixed(colour, (0.95, 0.93, 0.88), 0.75))
    if not flying:
        brush.shade(ellipse((0, 0), 0.35, 0.05), 0.65, blur=0.5)
        for x in (-0.03, 0.07):
            brush.fill(limb((x, -0.25), (x + 0.02, 0), 0.03, 0.025), plain((0.75, 0.5, 0.15)))
    brush.fill(polygon([(-0.3, -0.42), (-0.72, -0.36), (-0.7, -0.24), (-0.25, -0.28)]), feathers)
    brush.fill(ellipse((0, -0.4), 0.36, 0.2, -0.3), feathers)
    brush.fill(ellipse((0.1, -0.36), 0.23, 0.14, -0.3), belly)
    brush.fill(limb((0.25, -0.5), (0.34, -0.64), 0.22, 0.2), feathers)
    brush.fill(polygon([(0.42, -0.7), (0.62, -0.62), (0.42, -0.58)]), plain((0.93, 0.7, 0.12)))
    brush.fill(ellipse((0.37, -0.67), 0.025, 0.025), plain((0.95, 0.95, 0.9), 0, 0))
    dark = coat(mixed(colour, _DARK, 0.4))
    if flying:
        lift = rng.uniform(0.5, 0.9)
        brush.fill(polygon([(0.15, -0.5), (-0.1, -0.5 - lift), (-0.3, -0.45 - lift), (-0.2, -0.42)]), dark)
        brush.fill(polygon([(0.2, -0.42), (0.1, -0.15 + 0.3 * lift), (-0.1, -0.1 + 0.3 * lift), (-0.15, -0.4)]), dark)
    else:
        brush.fill(ellipse((-0.08, -0.42), 0.26, 0.11, -0.15), dark)
