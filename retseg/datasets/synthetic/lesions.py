"""Lesions: haemorrhages and microaneurysms that darken, exudates, cotton-wool spots and drusen that brighten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from retseg.core.types import Float32Array
from retseg.datasets.synthetic.anatomy import Anatomy, Traits
from retseg.datasets.synthetic.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Lesions:
    """Maps (H, W): `blood` is dark material in micrometres, `lipid` and `pale` are opacities 0..1."""

    blood: Float32Array
    lipid: Float32Array
    pale: Float32Array


@dataclass(frozen=True, slots=True)
class _Spot:
    """One lesion: place and radius in micrometres, how long it is for its width, its direction, and its soft edge."""

    place: tuple[float, float]
    radius: float
    length: float
    angle: float
    softness: float


def draw_lesions(rng: Generator, view: View, anatomy: Anatomy, traits: Traits) -> Lesions:
    """The lesions of one eye, as severe as its patient's disease; empty maps in a healthy eye."""
    maps = [np.zeros(view.camera.shape, np.float32) for _ in range(3)]
    blood, lipid, pale = maps
    severity = traits.retinopathy
    field = 0.5 * view.camera.diameter * view.um_per_pixel
    for spot in _scattered(rng, view, anatomy, int(rng.poisson(22 * severity)), field, (14, 40), 0.4):
        _stamp(rng, blood, view, spot, rng.uniform(25, 90))
    for spot in _scattered(rng, view, anatomy, int(rng.poisson(9 * severity)), field, (45, 190), 0.4):
        _stamp(rng, blood, view, spot, rng.uniform(25, 110))
    for spot in _flames(rng, anatomy, int(rng.poisson(3 * severity))):
        _stamp(rng, blood, view, spot, rng.uniform(60, 150))
    for spot in _clusters(rng, view, anatomy, int(rng.poisson(5 * severity)), field):
        _stamp(rng, lipid, view, spot, rng.uniform(0.5, 1.0))
    for spot in _scattered(rng, view, anatomy, int(rng.poisson(1.5 * severity)), field, (150, 420), 0.6):
        _stamp(rng, pale, view, spot, rng.uniform(0.15, 0.45))
    for spot in _round_fovea(rng, anatomy, int(rng.poisson(70 * traits.drusen))):
        _stamp(rng, pale, view, spot, rng.uniform(0.12, 0.45))
    return Lesions(blood, lipid, pale)


def _scattered(
    rng: Generator,
    view: View,
    anatomy: Anatomy,
    count: int,
    field: float,
    radius: tuple[float, float],
    softness: float,
) -> list[_Spot]:
    spots = []
    for _ in range(count):
        place = _somewhere(rng, view, anatomy, field)
        size = float(np.exp(rng.uniform(*np.log(radius))))
        spots.append(_Spot(place, size, rng.uniform(1.0, 1.6), rng.uniform(0, np.pi), softness))
    return spots


def _somewhere(rng: Generator, view: View, anatomy: Anatomy, field: float) -> tuple[float, float]:
    """A place in the photographed field that is not on the disc."""
    while True:
        angle, far = rng.uniform(0, 2 * np.pi), field * np.sqrt(rng.random())
        x, y = view.gaze[0] + far * np.cos(angle), view.gaze[1] + far * np.sin(angle)
        if np.hypot(x, y) > 1.3 * max(anatomy.disc_radius):
            return float(x), float(y)


def _flames(rng: Generator, anatomy: Anatomy, count: int) -> list[_Spot]:
    """Haemorrhages within the nerve fibre layer: drawn out along the fibres near the disc."""
    spots = []
    for _ in range(count):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(1.3, 3.2) * anatomy.mean_disc_radius
        place = (float(far * np.cos(angle)), float(far * np.sin(angle)))
        spots.append(_Spot(place, rng.uniform(40, 110), rng.uniform(2.5, 5), float(angle + rng.normal(0, 0.2)), 0.3))
    return spots


def _clusters(rng: Generator, view: View, anatomy: Anatomy, count: int, field: float) -> list[_Spot]:
    """Hard exudates: groups of small sharp spots, some of them in a ring."""
    spots = []
    for _ in range(count):
        x, y = _somewhere(rng, view, anatomy, 0.7 * field)
        ring = rng.uniform(250, 700) if rng.random() < 0.4 else 0.0
        for _ in range(int(rng.integers(4, 24))):
            angle, far = rng.uniform(0, 2 * np.pi), ring + rng.normal(0, 130 if ring else 300)
            place = (float(x + far * np.cos(angle)), float(y + far * np.sin(angle)))
            spots.append(_Spot(place, np.exp(rng.uniform(2.3, 4.2)), rng.uniform(1, 2.2), rng.uniform(0, np.pi), 0.42))
    return spots


def _round_fovea(rng: Generator, anatomy: Anatomy, count: int) -> list[_Spot]:
    spots = []
    for _ in range(count):
        x, y = np.array(anatomy.fovea) + rng.normal(0, 1300, 2)
        spots.append(_Spot((float(x), float(y)), rng.uniform(25, 95), rng.uniform(1, 1.3), rng.uniform(0, np.pi), 0.5))
    return spots


def _stamp(rng: Generator, target: Float32Array, view: View, spot: _Spot, strength: float) -> None:
    """Lays one lesion with an irregular outline onto a map; overlapping ones do not add up."""
    waves = [(k, rng.normal(0, 0.32 / k), rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5, 7)]
    radius = spot.radius / view.um_per_pixel
    centre = view.to_pixels(np.array([spot.place]))[0]
    toward = view.to_pixels(np.array([[spot.place[0] + np.cos(spot.angle), spot.place[1] + np.sin(spot.angle)]]))[0]
    direction = (toward - centre) * view.um_per_pixel
    half = int(np.ceil(radius * spot.length * 1.8)) + 2
    height, width = target.shape
    top, left = int(np.rint(centre[1])) - half, int(np.rint(centre[0])) - half
    rows, columns = slice(max(top, 0), min(top + 2 * half, height)), slice(max(left, 0), min(left + 2 * half, width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    y = (np.arange(rows.start, rows.stop) - centre[1]).astype(np.float32)[:, None]
    x = (np.arange(columns.start, columns.stop) - centre[0]).astype(np.float32)[None, :]
    along, across = (x * direction[0] + y * direction[1]) / spot.length, y * direction[0] - x * direction[1]
    angle = np.arctan2(across, along)
    outline = 1 + sum(size * np.cos(k * angle + phase) for k, size, phase in waves)
    inside = (radius * outline - np.hypot(along, across)) / (2 * spot.softness * radius + 0.7) + 0.5
    # A lesion smaller than a pixel covers only part of it.
    share = min(1.0, np.pi * radius**2)
    stamp = (strength * share * np.clip(inside, 0, 1)).astype(np.float32)
    np.maximum(target[rows, columns], stamp, out=target[rows, columns])
