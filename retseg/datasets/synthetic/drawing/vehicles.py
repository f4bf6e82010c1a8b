"""Vehicles seen from the side, wheels or keel at the origin, facing right, about 1 long."""

from __future__ import annotations

import math

from numpy.random import Generator

from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.materials import Colour, metal, mixed, plain, varied
from retseg.datasets.synthetic.drawing.outlines import Outline, box, ellipse, limb, polygon, ring

_RUBBER: Colour = (0.09, 0.09, 0.1)
_GLASS: Colour = (0.3, 0.38, 0.45)
_PAINTS: tuple[Colour, ...] = ((0.72, 0.08, 0.09), (0.12, 0.24, 0.58), (0.78, 0.79, 0.8), (0.1, 0.1, 0.12))
_BRIGHT: tuple[Colour, ...] = ((0.85, 0.68, 0.08), (0.07, 0.38, 0.25))


def car(rng: Generator, brush: Brush) -> None:
    """A saloon or an estate car in a shiny colour."""
    colour = varied(rng, (*_PAINTS, *_BRIGHT)[int(rng.integers(6))], 0.06)
    paint = metal(colour)
    brush.shade(ellipse((0, 0.0), 0.56, 0.05), 0.45, blur=0.4)
    tail = rng.uniform(-0.47, -0.34)
    roof = [(-0.46, -0.25), (tail, -0.37), (-0.1, -0.4), (0.1, -0.385), (0.27, -0.24)]
    brush.fill(polygon(roof), paint)
    pane = [(-0.36, -0.26), (max(tail, -0.4) + 0.08, -0.35), (-0.07, -0.375), (-0.07, -0.25)]
    brush.fill(polygon(pane), metal(_GLASS, 0.5))
    brush.fill(polygon([(-0.04, -0.25), (-0.04, -0.375), (0.08, -0.36), (0.2, -0.25)]), metal(_GLASS, 0.5))
    body = [(-0.5, -0.22), (-0.47, -0.26), (0.24, -0.26), (0.44, -0.21), (0.5, -0.15), (0.49, -0.06), (-0.49, -0.06)]
    brush.fill(polygon(body), paint)
    brush.fill(box(-0.5, -0.09, 0.5, -0.055), plain(mixed(colour, _RUBBER, 0.75)))
    brush.detail(limb((-0.055, -0.25), (-0.055, -0.08), 0.008, 0.008), plain(mixed(colour, _RUBBER, 0.6)))
    brush.fill(ellipse((0.465, -0.165), 0.03, 0.022), plain((0.95, 0.93, 0.8), 0, 0))
    brush.fill(box(-0.5, -0.19, -0.475, -0.14), plain((0.8, 0.12, 0.1), 0, 0))
    for x in (-0.3, 0.31):
        brush.fill(ellipse((x, -0.075), 0.085, 0.085), plain(_RUBBER))
        brush.fill(ellipse((x, -0.075), 0.045, 0.045), plain((0.7, 0.71, 0.73), 0.5))


def bicycle(rng: Generator, brush: Brush) -> None:
    """Two wheels and a frame; what shows through is labelled with it, by its outer rim."""
    colour = varied(rng, ((0.75, 0.1, 0.12), (0.1, 0.15, 0.5), (0.12, 0.12, 0.13), (0.8, 0.8, 0.82))[rng.integers(4)])
    frame, tyre = plain(colour, 0.1), plain(_RUBBER, 0.1)
    rear, front, radius = (-0.29, -0.22), (0.3, -0.22), 0.215
    saddle, pedals, steer = (-0.12, -0.52), (-0.04, -0.24), (0.2, -0.56)
    brush.mark(ellipse(rear, radius, radius))
    brush.mark(ellipse(front, radius, radius))
    brush.mark(polygon([rear, (-0.2, -0.56), (0.27, -0.64), front, pedals]))
    brush.shade(ellipse((0, 0), 0.55, 0.02), 0.6, blur=0.5)
    for hub in (rear, front):
        for spoke in range(9):
            angle = spoke * math.pi / 4.5
            rim = (hub[0] + 0.2 * math.cos(angle), hub[1] + 0.2 * math.sin(angle))
            brush.detail(limb(hub, rim, 0.006, 0.006), plain((0.75,) * 3, 0, 0), 0.7)
        brush.detail(ring(hub, radius, radius - 0.032), tyre)
    for start, end in ((rear, saddle), (rear, pedals), (pedals, saddle), (pedals, steer), (saddle, steer)):
        brush.detail(limb(start, end, 0.03, 0.03), frame)
    brush.detail(limb(steer, front, 0.03, 0.026), frame)
    brush.detail(limb(steer, (0.19, -0.62), 0.025, 0.025), tyre)
    brush.detail(limb((0.17, -0.63), (0.27, -0.62), 0.03, 0.03), tyre)
    brush.detail(limb((-0.19, -0.55), (-0.06, -0.54), 0.055, 0.03), tyre)
    brush.detail(limb(pedals, (0.02, -0.16), 0.025, 0.03), tyre)
    if rng.random() < 0.3:
        brush.fill(box(0.2, -0.6, 0.38, -0.46), plain((0.55, 0.4, 0.22)))


def boat(rng: Generator, brush: Brush) -> None:
    """A rowing boat, a motor boat or a sailing boat, with its reflection."""
    kind = int(rng.integers(3))
    hull = varied(rng, ((0.9, 0.89, 0.86), (0.62, 0.16, 0.12), (0.12, 0.22, 0.45), (0.45, 0.28, 0.15))[rng.integers(4)])
    brush.shade(ellipse((0, 0.06), 0.5, 0.07), 0.55, blur=0.4)
    if kind == 1:
        brush.fill(polygon([(-0.28, -0.14), (-0.26, -0.33), (0.1, -0.33), (0.2, -0.14)]), plain((0.92, 0.92, 0.9)))
        for x in (-0.2, -0.05):
            brush.fill(box(x, -0.29, x + 0.11, -0.21), plain(_GLASS))
    if kind == 2:
        mast = rng.uniform(0.9, 1.2)
        sail = varied(rng, ((0.95, 0.94, 0.9), (0.8, 0.3, 0.15))[int(rng.random() < 0.25)], 0.03)
        brush.fill(limb((0.02, -0.1), (0.02, -mast), 0.02, 0.012), plain((0.4, 0.3, 0.2)))
        brush.fill(polygon([(-0.01, -mast + 0.03), (-0.01, -0.2), (-0.42, -0.2)]), plain(sail, 0.15))
        brush.fill(
            polygon([(0.05, -mast + 0.1), (0.05, -0.2), (0.36, -0.18)]), plain(mixed(sail, (0.5,) * 3, 0.12), 0.15)
        )
    rim = [(-0.47, -0.16), (0.55, -0.19), (0.36, 0.03), (-0.38, 0.03)]
    brush.fill(polygon(rim), metal(hull, 0.1))
    brush.fill(
        polygon([(-0.47, -0.17), (0.55, -0.2), (0.52, -0.165), (-0.46, -0.13)]), plain(mixed(hull, (0.1,) * 3, 0.5))
    )
    if kind == 0:
        brush.fill(limb((-0.05, -0.2), (-0.55, 0.02), 0.022, 0.03), plain((0.6, 0.45, 0.28)))


def aeroplane(rng: Generator, brush: Brush, landed: bool = True) -> None:
    """An airliner or a fighter in grey, white or a little colour, with its wheels down when it has landed."""
    colour = varied(rng, ((0.9, 0.91, 0.93), (0.62, 0.65, 0.68), (0.86, 0.86, 0.8))[int(rng.integers(3))], 0.03)
    trim = varied(rng, ((0.1, 0.2, 0.55), (0.75, 0.12, 0.12), (0.1, 0.4, 0.45))[int(rng.integers(3))])
    skin, axis = metal(colour, 0.2), -0.2
    if landed:
        brush.shade(ellipse((0, 0), 0.5, 0.03), 0.55, blur=0.5)
        for x in (-0.05, 0.33):
            brush.fill(limb((x, axis), (x, -0.03), 0.022, 0.02), plain((0.3,) * 3))
            brush.fill(ellipse((x, -0.028), 0.03, 0.028), plain(_RUBBER))
    brush.fill(
        polygon([(-0.02, axis), (-0.2, axis - 0.15), (-0.13, axis - 0.15), (0.16, axis - 0.02)]), metal(colour, 0.05)
    )
    brush.fill(
        polygon([(-0.48, axis - 0.3), (-0.38, axis - 0.3), (-0.22, axis - 0.04), (-0.44, axis - 0.03)]), plain(trim)
    )
    brush.fill(_fuselage(axis), skin)
    stripe = box(-0.42, axis - 0.012, 0.44, axis + 0.006)
    brush.fill(stripe, plain(trim, 0, 0))
    for index in range(9):
        x = -0.28 + 0.07 * index
        brush.fill(ellipse((x, axis - 0.03), 0.012, 0.014), plain(_GLASS, 0, 0))
    brush.fill(polygon([(0.4, axis - 0.045), (0.47, axis - 0.025), (0.4, axis - 0.02)]), plain(_GLASS))
    dark = metal(mixed(colour, (0.3, 0.3, 0.33), 0.4), 0.1)
    brush.fill(polygon([(0.12, axis + 0.02), (-0.28, axis + 0.14), (-0.34, axis + 0.13), (-0.1, axis + 0.02)]), dark)
    brush.fill(polygon([(-0.4, axis), (-0.55, axis - 0.05), (-0.58, axis - 0.03), (-0.46, axis + 0.02)]), dark)
    brush.fill(ellipse((0.0, axis + 0.085), 0.07, 0.028), plain(mixed(colour, (0.2,) * 3, 0.5)))


def _fuselage(axis: float) -> Outline:
    """Round at the nose, drawn out at the tail."""
    above = [(-0.52, axis - 0.04), (-0.3, axis - 0.066), (0.35, axis - 0.066), (0.46, axis - 0.045), (0.525, axis)]
    below = [(0.5, axis + 0.03), (0.4, axis + 0.055), (-0.2, axis + 0.06), (-0.5, axis - 0.01)]
    return polygon([*above, *below])
