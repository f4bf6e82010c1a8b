"""Vessels drawn from vector geometry, so that what they measure is known and turning them does no harm."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.random import SeedSequence, default_rng
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from retseg.biomarkers.eye import Eye
from retseg.core.types import BoolArray
from retseg.datasets.synthetic.anatomy import Anatomy, Traits, draw_anatomy, draw_traits
from retseg.datasets.synthetic.cameras import Camera
from retseg.datasets.synthetic.growth import Domain, grow
from retseg.datasets.synthetic.strokes import draw, tree_strokes
from retseg.datasets.synthetic.tree import VesselTree
from retseg.datasets.synthetic.view import View
from retseg.imaging.anatomy import Disc, Fovea

Line = NDArray[np.float64]
"""(N, 2) row and column, close together."""


def straight(length: float, angle: float, middle: tuple[float, float]) -> Line:
    """A line through `middle`; the angle in degrees from the column axis towards the row axis."""
    return ray(length, angle, middle) - length / 2 * towards(angle)


def ray(length: float, angle: float, start: tuple[float, float]) -> Line:
    """A line that begins at `start`."""
    return np.array(start) + np.linspace(0, length, int(8 * length))[:, None] * towards(angle)


def towards(angle: float) -> NDArray[np.float64]:
    return np.array([math.sin(math.radians(angle)), math.cos(math.radians(angle))])


def sine(length: float, wavelength: float, amplitude: float, angle: float, middle: tuple[float, float]) -> Line:
    """A line that winds around a straight one."""
    along = np.linspace(-length / 2, length / 2, int(12 * length))
    aside = amplitude * np.sin(2 * np.pi * along / wavelength)
    return np.array(middle) + along[:, None] * towards(angle) + aside[:, None] * towards(angle + 90)


def vessels(size: int, *lines: tuple[Line, float]) -> BoolArray:
    """A mask (size, size) of lines with their widths, with round ends."""
    mask = np.zeros((size, size), bool)
    for points, width in lines:
        low = np.floor(points.min(axis=0) - width).astype(int).clip(0)
        high = np.ceil(points.max(axis=0) + width).astype(int).clip(max=size - 1) + 1
        places = np.moveaxis(np.indices(tuple(high - low), np.float64), 0, -1) + low
        near, _ = cKDTree(points).query(places.reshape(-1, 2), distance_upper_bound=width / 2 + 1e-9)
        mask[low[0] : high[0], low[1] : high[1]] |= np.isfinite(near).reshape(places.shape[:2])
    return mask


def eye_of(mask: BoolArray, **known: object) -> Eye:
    """An eye with nothing but these vessels in a field of view that is the whole frame."""
    return Eye(mask, np.ones_like(mask), **known)  # type: ignore[arg-type]


NARROWEST = 30.0
"""Vessels that are drawn are at least so many micrometres wide: four pixels at the coarsest scale."""


@cache
def grown(seed: int, radius: float) -> tuple[Anatomy, Traits, tuple[VesselTree, ...], tuple[float, float]]:
    """Anatomy, traits and trees that grow from a seed in a field of this radius in micrometres, and its centre."""
    person = default_rng(SeedSequence([1, seed]))
    traits, anatomy = draw_traits(person), draw_anatomy(person, "left")
    gaze = (0.45 * anatomy.fovea[0], 0.45 * anatomy.fovea[1])
    trees = grow(person, anatomy, traits, Domain(gaze, 1.16 * radius, 1.02 * radius))
    return anatomy, traits, tuple(trees), gaze


def grown_eye(seed: int, angle: float = 0.0, scale: float = 1.0, size: int = 1300, field: float = 33.0) -> Eye:
    """A grown eye's exact arteries and veins as a camera sees them that is turned by `angle` degrees.

    `scale` enlarges the photograph, drawn anew from the geometry.
    """
    side = round(size * scale)
    camera = Camera("test", side, side, 0.96 * side, ((side - 1) / 2, (side - 1) / 2))
    um_per_pixel = field * 290 / (0.96 * size) / scale
    anatomy, _, trees, gaze = grown(seed, 0.5 * 0.96 * size * um_per_pixel * scale)
    view = View(camera, um_per_pixel, gaze, math.radians(angle), False)
    masks = []
    fov = camera.field_of_view()
    for tree in trees:
        strokes = tree_strokes(tree, view, tree.radius)
        wide = strokes.radius.min(axis=1) * um_per_pixel >= NARROWEST / 2
        masks.append((draw(strokes.chosen(wide), camera.shape).edge <= 0) & fov)
    (disc, fovea) = view.to_pixels(np.array([[0.0, 0.0], anatomy.fovea]))
    return Eye(
        masks[0] | masks[1],
        fov,
        um_per_pixel,
        Disc(disc[1], disc[0], anatomy.mean_disc_radius / um_per_pixel, 1.0),
        Fovea(fovea[1], fovea[0], 1.0),
        masks[0],
        masks[1],
    )


def without_scale(eye: Eye) -> Eye:
    return replace(eye, um_per_pixel=None)
