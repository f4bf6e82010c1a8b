"""People: whole figures on their feet, and faces close to."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.canvas import Material
from retseg.datasets.synthetic.drawing.materials import Colour, mixed, plain, striped, varied
from retseg.datasets.synthetic.drawing.outlines import blob, ellipse, limb, polygon

SKINS: tuple[Colour, ...] = ((0.92, 0.74, 0.62), (0.85, 0.64, 0.5), (0.7, 0.48, 0.34), (0.48, 0.31, 0.22))
_HAIR: tuple[Colour, ...] = ((0.12, 0.09, 0.08), (0.3, 0.18, 0.1), (0.62, 0.45, 0.22), (0.6, 0.58, 0.56))
_CLOTHES: tuple[Colour, ...] = (
    (0.75, 0.13, 0.15),
    (0.16, 0.27, 0.6),
    (0.13, 0.13, 0.15),
    (0.88, 0.87, 0.84),
    (0.2, 0.45, 0.3),
    (0.85, 0.65, 0.2),
    (0.5, 0.25, 0.5),
    (0.3, 0.62, 0.72),
    (0.55, 0.4, 0.3),
    (0.5, 0.52, 0.55),
)
_TROUSERS: tuple[Colour, ...] = ((0.17, 0.22, 0.38), (0.12, 0.12, 0.13), (0.42, 0.36, 0.28), (0.35, 0.37, 0.4))
_SHOE: Colour = (0.1, 0.08, 0.08)


@dataclass(frozen=True, slots=True)
class Person:
    """What someone looks like and does: colours, a skirt or trousers, how far the legs are apart, how broad."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    stripes: bool
    skirt: bool
    long_hair: bool
    stride: float
    swing: float
    girth: float
    bag: bool


def draw_person(rng: Generator) -> Person:
    """Someone by chance."""
    return Person(
        skin=varied(rng, SKINS[int(rng.integers(len(SKINS)))]),
        hair=varied(rng, _HAIR[int(rng.integers(len(_HAIR)))]),
        shirt=varied(rng, _CLOTHES[int(rng.integers(len(_CLOTHES)))], 0.08),
        trousers=varied(rng, _TROUSERS[int(rng.integers(len(_TROUSERS)))], 0.08),
        stripes=bool(rng.random() < 0.2),
        skirt=bool(rng.random() < 0.22),
        long_hair=bool(rng.random() < 0.4),
        stride=float(rng.uniform(0.0, 0.13)),
        swing=float(rng.uniform(-0.02, 0.08)),
        girth=float(rng.uniform(0.88, 1.2)),
        bag=bool(rng.random() < 0.25),
    )


def figure(brush: Brush, person: Person, face: int | None = None) -> None:
    """Someone standing or walking, feet at the origin, 1 high. The head has the label `face` if it is given."""
    brush.shade(ellipse((0.03, 0.0), 0.17, 0.025), 0.55, blur=0.6)
    cloth = plain(person.shirt, 0.25, 0.05)
    if person.stripes:
        pale = mixed(person.shirt, (0.95, 0.95, 0.95), 0.7)
        cloth = striped(person.shirt, pale, 0.055 * brush.place.size, upright=False, soft=0.3)
    _legs(brush, person)
    width = 0.105 * person.girth
    _arm(brush, person, -1, cloth)
    hem = -0.44 if not person.skirt else -0.5
    torso = [(-width, -0.81), (width, -0.81), (0.82 * width, -0.62), (0.9 * width, hem), (-0.9 * width, hem)]
    head = brush if face is None else brush.labelled(face)
    if person.long_hair:
        head.fill(ellipse((-0.005, -0.91), 0.068, 0.105), plain(person.hair, 0.2, 0.08))
    brush.fill(limb((0, -0.8), (0, -0.88), 0.07, 0.06), plain(person.skin))
    brush.fill(polygon([*torso, (-0.82 * width, -0.62)]), cloth)
    brush.fill(limb((-0.8 * width, -0.805), (0.8 * width, -0.805), 0.05, 0.05), cloth)
    _arm(brush, person, 1, cloth)
    _head(head, person)


def _legs(brush: Brush, person: Person) -> None:
    trousers, stride, girth = plain(person.trousers, 0.2, 0.05), person.stride, person.girth
    bare = plain(person.skin) if person.skirt else trousers
    for side in (-1, 1):
        hip, foot = 0.045 * side * girth, (0.05 + stride) * side
        knee = (0.55 * (hip + foot) + 0.02, -0.25)
        brush.fill(limb((hip, -0.47), knee, 0.105 * girth, 0.08), bare)
        brush.fill(limb(knee, (foot, -0.035), 0.08, 0.055), bare)
        brush.fill(limb((foot, -0.018), (foot + 0.045, -0.014), 0.042, 0.032), plain(_SHOE))
    if person.skirt:
        flare = 0.12 + 0.3 * stride
        brush.fill(polygon([(-0.09, -0.54), (0.09, -0.54), (flare, -0.27), (-flare, -0.27)]), trousers)
    else:
        brush.fill(ellipse((0, -0.46), 0.095 * girth, 0.06), trousers)


def _arm(brush: Brush, person: Person, side: int, cloth: Material) -> None:
    shoulder = (0.1 * person.girth * side, -0.785)
    elbow = (shoulder[0] + (0.03 + person.swing) * side, -0.62)
    hand = (elbow[0] + 0.6 * person.swing + 0.01 * side, -0.46)
    brush.fill(limb(elbow, hand, 0.05, 0.038), plain(person.skin))
    brush.fill(limb(shoulder, elbow, 0.065, 0.055), cloth)
    brush.fill(limb(elbow, ((elbow[0] + hand[0]) / 2, (elbow[1] + hand[1]) / 2), 0.055, 0.05), cloth)
    if person.bag and side > 0:
        leather = mixed(person.trousers, (0.3, 0.15, 0.08), 0.6)
        x, y = hand
        brush.fill(
            polygon([(x - 0.05, y + 0.03), (x + 0.05, y + 0.03), (x + 0.06, y + 0.14), (x - 0.06, y + 0.14)]),
            plain(leather),
        )
        brush.fill(limb(hand, (x, y + 0.04), 0.012, 0.03), plain(leather))
    brush.detail(limb(shoulder, elbow, 0.008, 0.008), plain(mixed(person.shirt, (0, 0, 0), 0.6)), 0.4)


def _head(brush: Brush, person: Person) -> None:
    hair = plain(person.hair, 0.2, 0.08)
    brush.fill(ellipse((0, -0.945), 0.056, 0.07), hair)
    brush.fill(ellipse((0.006, -0.925), 0.046, 0.056), plain(person.skin, 0.25, 0.02))
    for x in (-0.012, 0.026):
        brush.fill(ellipse((x, -0.932), 0.008, 0.006), plain(_SHOE, 0, 0))


def portrait(rng: Generator, brush: Brush, face: int, body: int) -> None:
    """Head and shoulders from the front, the chin at about the origin, the head about 1 high."""
    person = draw_person(rng)
    skin, hair = plain(person.skin, 0.3, 0.025), plain(person.hair, 0.3, 0.12)
    cloth = plain(person.shirt, 0.3, 0.05)
    dark = mixed(person.skin, (0.25, 0.1, 0.08), 0.45)
    shoulders = [(-0.2, 0.1), (-0.75, 0.3), (-0.9, 0.9), (-0.9, 2), (0.9, 2), (0.9, 0.9), (0.75, 0.3), (0.2, 0.1)]
    head = brush.labelled(face)
    if person.long_hair:
        head.fill(blob(rng, (0, -0.38), 0.5, 0.66, 0.05), hair)
    brush.labelled(body).fill(polygon(shoulders), cloth)
    head.fill(limb((0, -0.25), (0, 0.16), 0.36, 0.4), plain(mixed(person.skin, dark, 0.35)))
    head.fill(blob(rng, (0, -0.58), 0.43, 0.5, 0.05), hair)
    for side in (-1, 1):
        head.fill(ellipse((0.38 * side, -0.45), 0.06, 0.11), skin)
    head.fill(ellipse((0, -0.46), 0.37, 0.5), skin)
    fringe = [(-0.37, -0.6), (-0.3, -0.92), (0, -1.05), (0.3, -0.92), (0.37, -0.6), (0.22, -0.78), (-0.1, -0.8)]
    head.fill(polygon(fringe), hair)
    _features(rng, head, person, dark)


def _features(rng: Generator, head: Brush, person: Person, dark: Colour) -> None:
    shadow = plain(dark, 0, 0)
    for side in (-1, 1):
        x = 0.15 * side
        head.fill(limb((x - 0.07, -0.63), (x + 0.07, -0.64), 0.03, 0.025), plain(person.hair, 0, 0))
        head.fill(ellipse((x, -0.53), 0.07, 0.036), plain((0.93, 0.92, 0.9), 0, 0))
        head.fill(ellipse((x, -0.53), 0.033, 0.036), plain((0.2, 0.16, 0.12), 0, 0))
        head.shade(ellipse((0.24 * side, -0.34), 0.09, 0.08), 0.95)
    head.detail(polygon([(0, -0.5), (0.06, -0.32), (-0.05, -0.32)]), shadow, 0.45)
    smile = rng.uniform(-0.01, 0.05)
    lips = [(-0.14, -0.2 - smile), (0, -0.18), (0.14, -0.2 - smile), (0.07, -0.13), (-0.07, -0.13)]
    head.fill(polygon(lips), plain(mixed(dark, (0.8, 0.25, 0.28), 0.6), 0, 0))
    if rng.random() < 0.25:
        for side in (-1, 1):
            head.detail(ellipse((0.15 * side, -0.53), 0.11, 0.085), plain((0.1, 0.1, 0.12), 0, 0), 0.55)
        head.detail(limb((-0.05, -0.53), (0.05, -0.53), 0.02, 0.02), plain((0.1, 0.1, 0.12), 0, 0))
