"""The retina without its vessels: pigment and choroid, the darkening of the macula, nerve fibres and their sheen.

Colours are shares of full scale, (H, W, 3) float32, as a display would show them under even light.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from retseg.core.types import Float32Array
from retseg.datasets.synthetic.anatomy import Anatomy, Traits
from retseg.datasets.synthetic.texture import Noise, smooth_step
from retseg.datasets.synthetic.view import View

# How strongly each layer shows in red, green and blue.
MELANIN = np.array([0.55, 1.0, 1.1], np.float32)
CHOROID = np.array([0.7, 1.0, 0.7], np.float32)
XANTHOPHYLL = np.array([0.4, 1.0, 1.5], np.float32)
BLOTCHES = np.array([1.0, 0.8, 0.4], np.float32)
FIBRES = np.array([0.35, 1.0, 1.1], np.float32)


def retina(rng: Generator, view: View, anatomy: Anatomy, traits: Traits) -> Float32Array:
    """The retina's own colour everywhere in the photograph."""
    coarse = view.coarse(600.0)
    x, y = view.grid(coarse)
    clouds = traits.mottling * (Noise(rng, 5200).at(x, y) + 0.6 * Noise(rng, 2300).at(x, y))
    macula = _macula(rng, anatomy, traits, x, y)
    density = clouds[..., None] * MELANIN + macula[..., None] * XANTHOPHYLL
    hue = 0.022 * np.stack([Noise(rng, 6000).at(x, y) for _ in range(3)], -1)
    smooth = np.array(traits.colour, np.float32) * np.exp(hue - density)

    fine = view.coarse(110.0)
    x, y = view.grid(fine)
    detail = _choroid(rng, anatomy, traits, x, y)[..., None] * CHOROID
    detail += _fibres(rng, anatomy, traits, x, y)[..., None] * FIBRES
    blotches = 0.3 * traits.mottling * (Noise(rng, 650, 128).at(x, y) + 0.7 * Noise(rng, 300, 128).at(x, y))
    detail -= blotches[..., None] * BLOTCHES
    grain = traits.granularity * (Noise(rng, 70, 256).at(x, y) + Noise(rng, 190, 128).at(x, y))
    detail += grain[..., None] * MELANIN
    detail = np.exp(detail)
    layers = [view.enlarged(smooth[..., c], coarse) * view.enlarged(detail[..., c], fine) for c in range(3)]
    return np.stack(layers, -1)


def _macula(rng: Generator, anatomy: Anatomy, traits: Traits, x: Float32Array, y: Float32Array) -> Float32Array:
    """Optical density of the macula: a broad dark patch with a darker foveola."""
    far = anatomy.fovea_distance(x, y)
    wide, narrow = rng.uniform(900, 1700), rng.uniform(220, 420)
    uneven = 1 + 0.25 * Noise(rng, 1500).at(x, y)
    patch = 0.75 * np.exp(-((far / wide) ** 2)) * uneven + rng.uniform(0.2, 0.7) * np.exp(-((far / narrow) ** 2))
    density: Float32Array = (traits.macular_pigment * 0.62 * patch).astype(np.float32)
    return density


def _choroid(rng: Generator, anatomy: Anatomy, traits: Traits, x: Float32Array, y: Float32Array) -> Float32Array:
    """Log brightness of the choroid's own vessels, seen as a mesh of bright bands between pigment away from the macula."""
    if traits.tessellation == 0:
        return np.zeros_like(x)
    warp = 120 * Noise(rng, 1600).at(x, y), 120 * Noise(rng, 1600).at(x, y)
    lean = rng.uniform(0, np.pi)
    along = (x + warp[0]) * np.float32(np.cos(lean)) + (y + warp[1]) * np.float32(np.sin(lean))
    across = (y + warp[1]) * np.float32(np.cos(lean)) - (x + warp[0]) * np.float32(np.sin(lean))
    stretch = rng.uniform(1.0, 2.2)
    bands = np.zeros_like(x)
    for wavelength, share in ((1000.0, 0.55), (620.0, 0.45)):
        ridge = 1 - np.abs(Noise(rng, wavelength, 128).at(along / np.float32(stretch), across))
        bands += np.float32(share) * np.clip(ridge, -0.8, 1)
    spared = smooth_step(anatomy.fovea_distance(x, y), 900, 4200) * smooth_step(anatomy.disc_distance(x, y), 0.9, 2.2)
    patchy = np.clip(0.75 + 0.45 * Noise(rng, 5000).at(x, y), 0, 1.6)
    result: Float32Array = (traits.tessellation * spared * patchy * (bands - 0.25)).astype(np.float32)
    return result


def fibre_course(anatomy: Anatomy, x: Float32Array, y: Float32Array) -> Float32Array:
    """Which nerve fibre bundle passes through each point, as an angle in radians: equal along a bundle.

    Bundles leave the disc evenly and bend round the fovea, as the field lines of a source and a weaker sink do.
    """
    at_disc = np.arctan2(y, -x)
    at_fovea = np.arctan2(y - np.float32(anatomy.fovea[1]), np.float32(anatomy.fovea[0]) - x)
    course: Float32Array = at_disc - np.float32(0.6) * at_fovea
    return course


def _fibres(rng: Generator, anatomy: Anatomy, traits: Traits, x: Float32Array, y: Float32Array) -> Float32Array:
    """Log brightness of the nerve fibre layer: fine streaks and a glow, strongest above and below the disc."""
    table = rng.standard_normal(900).astype(np.float32)
    table = (table + np.roll(table, 1)) / np.float32(1.4)
    course = fibre_course(anatomy, x, y)
    turns = np.mod(course / np.float32(2 * np.pi), 1) * 900
    streaks = np.interp(turns, np.arange(901), np.append(table, table[0])).astype(np.float32)
    far = np.hypot(x, y)
    thick = np.exp(-far / np.float32(2600)) * (np.float32(0.35) + np.abs(np.sin(np.arctan2(y, x))))
    thick *= smooth_step(anatomy.fovea_distance(x, y), 500, 2200)
    uneven = np.clip(0.8 + 0.6 * Noise(rng, 1300).at(x, y), 0, 2)
    glow = np.float32(traits.nerve_fibres) * thick * uneven
    result: Float32Array = (glow * (np.float32(2.6) + np.float32(1.1) * streaks)).astype(np.float32)
    return result


def sheen(rng: Generator, view: View, anatomy: Anatomy, traits: Traits) -> Float32Array:
    """Added light of the glistening patches that young retinas show beside their great vessels, (H, W) shares."""
    reduce = view.coarse(160.0)
    x, y = view.grid(reduce)
    patches = smooth_step(Noise(rng, 1500, 128).at(x, y) + 0.5 * Noise(rng, 420, 256).at(x, y), 1.0, 2.4)
    ripple = 0.6 + 0.4 * Noise(rng, 150, 256).at(x, y)
    arcade = np.exp(-(((np.abs(y - 200) - 2100) / 1500) ** 2)) * np.exp(-(((x - 900) / 3600) ** 2))
    light = patches * np.clip(ripple, 0, 2) * arcade * smooth_step(anatomy.disc_distance(x, y), 0.95, 1.25)
    ring = np.exp(-(((anatomy.fovea_distance(x, y) - rng.uniform(600, 1100)) / 160) ** 2))
    light += 0.2 * ring * np.clip(Noise(rng, 900).at(x, y), 0, 2)
    return view.enlarged((light * np.float32(traits.sheen)).astype(np.float32), reduce)
