"""Scenes from afar: meadows, streets, houses, lakes and what stands, drives or walks there."""

from __future__ import annotations

from collections.abc import Callable

from retseg.datasets.synthetic.drawing import animals, vehicles
from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.materials import plain
from retseg.datasets.synthetic.drawing.outlines import Place, polygon
from retseg.datasets.synthetic.setting import LABELS, Setting


def _pasture(s: Setting) -> None:
    horizon = s.between(0.12, 0.42) * s.height
    s.meadow(horizon)
    s.herd("cow", animals.cow, (0.65, 0.95), 5)


def _cow_near(s: Setting) -> None:
    s.land.ground("grass", -0.1)
    if s.chance(0.4):
        s.land.hills(s.between(0.05, 0.2))
        s.land.ground("grass", 0.18)
    s.herd("cow", animals.cow, (0.85, 1.15), 2)


def _horses(s: Setting) -> None:
    s.meadow(s.between(0.25, 0.5) * s.height)
    s.herd("horse", animals.horse, (0.62, 0.8), 2)


def _trees(s: Setting) -> None:
    horizon = s.between(0.55, 0.75) * s.height
    s.land.sky(horizon)
    if s.chance(0.5):
        s.land.hills(horizon)
    s.land.ground("grass" if s.chance(0.8) else "road", horizon)
    for index in range(int(s.rng.integers(1, 4))):
        x = s.between(0.1, 0.9) * s.width
        s.land.tree(x, horizon + 0.04 + 0.06 * index, s.between(0.6, 0.95))
    s.land.odds_and_ends(horizon, int(s.rng.integers(0, 2)))


def _houses(s: Setting) -> None:
    horizon = s.between(0.7, 0.85) * s.height
    s.land.sky(horizon)
    s.land.town(horizon, 0.35, 0.7)
    s.land.ground("road" if s.chance(0.5) else "grass", horizon)
    if s.chance(0.5):
        s.land.tree(s.between(0.05, 0.95) * s.width, horizon + 0.05, s.between(0.4, 0.7))
    s.land.odds_and_ends(horizon, int(s.rng.integers(0, 3)))


def _aeroplane(s: Setting) -> None:
    size, x = s.between(0.9, 1.1) * min(1.25, s.width), s.width * s.between(0.45, 0.55)
    if s.chance(0.35):
        s.land.sky(s.height)
        brush = s.brush("aeroplane", x, s.between(0.5, 0.75) * s.height, size)
        tilted = Place(brush.place.foot, size, mirrored=brush.place.mirrored, tilt=s.between(-0.3, 0.05))
        vehicles.aeroplane(s.rng, Brush(s.canvas, tilted, brush.label), landed=False)
        return
    horizon = s.between(0.45, 0.62) * s.height
    s.land.sky(horizon)
    if s.chance(0.6):
        s.land.hills(horizon)
    s.land.ground("grass", horizon)
    s.land.ground("road", horizon + s.between(0.05, 0.1), uneven=0.0)
    vehicles.aeroplane(s.rng, s.brush("aeroplane", x, s.between(0.72, 0.85) * s.height, size))


def _car(s: Setting) -> None:
    horizon = s.between(0.45, 0.6) * s.height
    s.land.sky(horizon)
    if s.chance(0.6):
        s.land.town(horizon, 0.25, 0.55)
    else:
        s.land.woods(horizon)
    if s.chance(0.4):
        s.land.ground("grass", horizon)
        horizon += s.between(0.06, 0.12)
    s.land.ground("road", horizon, uneven=0.0)
    if s.chance(0.4):
        vehicles.car(s.rng, s.brush("car", s.between(0, 1) * s.width, horizon + 0.06, s.between(0.4, 0.55)))
    size = s.between(0.9, 1.1) * min(1.25, s.width)
    vehicles.car(s.rng, s.brush("car", s.between(0.4, 0.6) * s.width, s.between(0.78, 0.88) * s.height, size))


def _sheep(s: Setting) -> None:
    horizon = s.between(-0.05, 0.35) * s.height
    if horizon > 0.1:
        s.meadow(horizon, woods=0.3)
    else:
        s.land.ground("grass", -0.1)
    s.herd("sheep", animals.sheep, (0.65, 0.9), 5)
    s.land.odds_and_ends(max(horizon, 0.3), int(s.rng.integers(0, 2)))


def _street(s: Setting) -> None:
    horizon = s.between(0.45, 0.58) * s.height
    s.land.sky(horizon)
    s.land.town(horizon, 0.2, 0.45)
    if s.chance(0.5):
        s.land.woods(horizon)
    s.land.ground("grass" if s.chance(0.5) else "road", horizon)
    vanish, near = s.between(0.4, 0.6) * s.width, s.height + 0.05
    way = [(vanish - 0.03, horizon), (vanish + 0.03, horizon), (s.width * 1.1, near), (-0.1 * s.width, near)]
    s.canvas.paint(polygon(way), s.land.surface("road"), LABELS["road"])
    _lane(s, vanish, horizon)
    for index in range(int(s.rng.integers(0, 3))):
        foot = horizon + s.between(0.06, 0.12) + 0.12 * index
        vehicles.car(s.rng, s.brush("car", s.between(0.1, 0.9) * s.width, foot, 0.2 + 0.9 * (foot - horizon)))
    if s.chance(0.35):
        s.crowd(int(s.rng.integers(1, 3)), 0.9 * s.height, 0.5)


def _lane(s: Setting, vanish: float, horizon: float) -> None:
    """A broken line along the middle of a road."""
    depth = s.height - horizon
    for near in (0.06, 0.14, 0.28, 0.5, 0.8):
        top, foot = horizon + near * depth, horizon + 1.35 * near * depth
        half = [0.014 * near * 1.5, 0.014 * near * 2]
        dash = [(vanish - half[0], top), (vanish + half[0], top), (vanish + half[1], foot), (vanish - half[1], foot)]
        s.canvas.paint(polygon(dash), plain((0.88, 0.88, 0.84), 0, 0.02), LABELS["road"])


def _boats(s: Setting) -> None:
    horizon = s.between(0.3, 0.5) * s.height
    s.land.sky(horizon)
    if s.chance(0.5):
        s.land.hills(horizon)
    elif s.chance(0.4):
        s.land.town(horizon, 0.08, 0.2)
    s.land.ground("water", horizon)
    count = int(s.rng.integers(1, 4))
    for index in range(count):
        foot = horizon + s.between(0.1, 0.16) + 0.12 * index
        size = s.between(0.65, 0.95) * (0.6 + 0.9 * (foot - horizon) / s.height + (0.3 if count == 1 else 0))
        vehicles.boat(s.rng, s.brush("boat", s.between(0.15, 0.85) * s.width, foot, size))


def _people(s: Setting) -> None:
    horizon = s.between(0.4, 0.55) * s.height
    s.land.sky(horizon)
    if s.chance(0.5):
        s.land.town(horizon, 0.3, 0.55)
    else:
        s.land.woods(horizon)
    s.land.ground("grass" if s.chance(0.5) else "road", horizon)
    s.crowd(int(s.rng.integers(1, 4)), s.between(0.92, 1.0) * s.height, s.between(0.68, 0.9) * s.height)


def _lake(s: Setting, mountain: bool) -> None:
    horizon = s.between(0.4, 0.55) * s.height
    s.land.sky(horizon)
    if mountain:
        s.land.mountain(horizon)
    if s.chance(0.4):
        s.land.hills(horizon)
    s.land.ground("water", horizon)
    if s.chance(0.5):
        s.land.ground("grass", s.between(0.78, 0.9) * s.height)
    elif s.chance(0.5):
        vehicles.boat(s.rng, s.brush("boat", s.between(0.3, 0.7) * s.width, horizon + 0.2, s.between(0.35, 0.5)))
    if s.chance(0.35):
        s.land.tree(s.between(0.05, 0.2) * s.width, s.height * 0.95, s.between(0.7, 0.95))


AFAR: dict[str, Callable[[Setting], None]] = {
    "pasture": _pasture,
    "trees": _trees,
    "houses": _houses,
    "aeroplane": _aeroplane,
    "cow": _cow_near,
    "car": _car,
    "sheep": _sheep,
    "street": _street,
    "boats": _boats,
    "people": _people,
    "lake": lambda s: _lake(s, mountain=False),
    "horses": _horses,
    "mountains": lambda s: _lake(s, mountain=True),
}
