"""How vessels look: blood that takes up light along its depth, and the bright reflex along the middle of a vessel."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from retseg.core.types import Float32Array
from retseg.datasets.synthetic.anatomy import Traits
from retseg.datasets.synthetic.strokes import Drawing
from retseg.datasets.synthetic.texture import Noise, smooth_step
from retseg.datasets.synthetic.tree import VesselTree


def drawn_calibre(rng: Generator, tree: VesselTree) -> NDArray[np.float64]:
    """Radii in micrometres as they are drawn: Murray's radii, a little wider here and narrower there."""
    x, y = tree.points.astype(np.float32).T
    return tree.radius * (1 + 0.05 * np.clip(Noise(rng, 900).at(x, y), -2, 2))


def visibility(rng: Generator, tree: VesselTree) -> NDArray[np.float64]:
    """How much of each node's blood shows, 0..1: some vessels lie deeper, and deepest far out on thin branches."""
    x, y = tree.points.astype(np.float32).T
    depth = 0.08 * np.clip(Noise(rng, 1800).at(x, y), -2, 2)
    vessel = rng.uniform(0.82, 1.05, int(tree.vessel.max()) + 1)[tree.vessel]
    return np.clip(vessel + depth, 0.4, 1.1) * (0.55 + 0.45 * np.clip(_to_tip(tree) / 5, 0, 1))


def _to_tip(tree: VesselTree) -> NDArray[np.float64]:
    """How many nodes follow on each node's vessel before it ends."""
    left = [0.0] * len(tree.parent)
    for node, heir in reversed(list(enumerate(tree.heir.tolist()))):
        if heir >= 0:
            left[node] = left[heir] + 1
    return np.array(left)


def blood_depth(drawing: Drawing, visible: NDArray[np.float64], um_per_pixel: float) -> Float32Array:
    """Micrometres of blood under each pixel, (H, W): a round vessel's mean chord, times how much of it shows."""
    inside = drawing.node >= 0
    radius, axis = drawing.radius[inside], drawing.axis[inside]
    chord = _blood_beside(axis + np.float32(0.5), radius) - _blood_beside(axis - np.float32(0.5), radius)
    depth = np.zeros(drawing.node.shape, np.float32)
    depth[inside] = chord * visible.astype(np.float32)[drawing.node[inside]] * np.float32(um_per_pixel)
    return depth


def _blood_beside(place: Float32Array, radius: Float32Array) -> Float32Array:
    """Cross-section of a round vessel from its middle to `place`, in square pixels."""
    t = np.clip(place / np.maximum(radius, 1e-6), -1, 1)
    return np.asarray(radius**2 * (t * np.sqrt(1 - t**2) + np.arcsin(t)), np.float32)


def reflex(rng: Generator, drawing: Drawing, strength: float, width: float, um_per_pixel: float) -> Float32Array:
    """Share of the blood's darkness that the central light reflex takes away, (H, W); only wide vessels show it."""
    inside = drawing.node >= 0
    radius = drawing.radius[inside]
    rows, columns = np.nonzero(inside)
    patchy = np.clip(0.8 + 0.35 * _along(rng, rows, columns, 60.0 / um_per_pixel * 12), 0.2, 1.4)
    stripe = np.exp(-((drawing.axis[inside] / (width * np.maximum(radius, 0.3))) ** 2) / 2)
    wide = smooth_step(radius * np.float32(um_per_pixel), 16, 42)
    result = np.zeros(drawing.node.shape, np.float32)
    result[inside] = np.clip(strength * patchy * stripe * wide, 0, 0.95)
    return result


def _along(rng: Generator, rows: NDArray[np.int64], columns: NDArray[np.int64], wavelength: float) -> Float32Array:
    return Noise(rng, max(wavelength, 4.0)).at(columns.astype(np.float32), rows.astype(np.float32))


def blood_colour(traits: Traits) -> tuple[Float32Array, Float32Array]:
    """Absorbance per micrometre in red, green and blue, of arterial and of venous blood."""
    artery = traits.absorbance * traits.artery_absorbance
    colours = [
        np.array([base * red, base, base * traits.blue_absorbance], np.float32)
        for base, red in ((artery, traits.red_absorbance[0]), (traits.absorbance, traits.red_absorbance[1]))
    ]
    return colours[0], colours[1]
