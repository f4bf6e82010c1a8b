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
    blocks = view.coarse(600.0)
    coarse = view.reduced(blocks)
    clouds = traits.mottling * (coarse.surface(Noise(rng, 5200)) + 0.6 * coarse.surface(Noise(rng, 2300)))
    macula = _macula(rng, coarse, anatomy, traits)
    hue = 0.022 * np.stack([coarse.surface(Noise(rng, 6000)) for _ in range(3)], -1)
    smooth = np.exp(hue - clouds[..., None] * MELANIN - macula[..., None] * XANTHOPHYLL)
    smooth *= np.array(traits.colour, np.float32)

    fine_blocks = view.coarse(110.0)
    fine = view.reduced(fine_blocks)
    choroid = _choroid(rng, fine, anatomy, traits)
    fibres = _fibres(rng, fine, anatomy, traits)
    blotches = 0.3 * traits.mottling * (fine.surface(Noise(rng, 650, 128)) + 0.7 * fine.surface(Noise(rng, 300, 128)))
    grain = traits.granularity * (fine.surface(Noise(rng, 70, 256)) + fine.surface(Noise(rng, 190, 128)))
    result = np.empty((*view.camera.shape, 3), np.float32)
    for c in range(3):
        detail = choroid * CHOROID[c] + fibres * FIBRES[c] - blotches * BLOTCHES[c] + grain * MELANIN[c]
        result[..., c] = view.enlarged(smooth[..., c], blocks)
        result[..., c] *= view.enlarged(np.exp(detail), fine_blocks)
    return result


def _macula(rng: Generator, view: View, anatomy: Anatomy, traits: Traits) -> Float32Array:
    """Optical density of the macula: a broad dark patch with a darker foveola."""
    far = anatomy.fovea_distance(*view.grid())
    wide, narrow = rng.uniform(900, 1700), rng.uniform(220, 420)
    uneven = 1 + 0.25 * view.surface(Noise(rng, 1500))
    patch = 0.75 * np.exp(-((far / wide) ** 2)) * uneven + rng.uniform(0.2, 0.7) * np.exp(-((far / narrow) ** 2))
    density: Float32Array = (traits.macular_pigment * 0.62 * patch).astype(np.float32)
    return density


def _choroid(rng: Generator, view: View, anatomy: Anatomy, traits: Traits) -> Float32Array:
    """Log brightness of the choroid's own vessels: a mesh of bright bands between pigment, away from the macula."""
    if traits.tessellation == 0:
        return np.zeros(view.camera.shape, np.float32)
    block = view.coarse(200.0)
    coarse = view.reduced(block)
    x, y = coarse.grid()
    warped_x, warped_y = (place + np.float32(120) * coarse.surface(Noise(rng, 1600)) for place in (x, y))
    lean, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 2.2)
    cosine, sine = np.float32(np.cos(lean)), np.float32(np.sin(lean))
    along = ((warped_x * cosine + warped_y * sine) / stretch).astype(np.float32)
    across = (warped_y * cosine - warped_x * sine).astype(np.float32)
    bands = np.zeros_like(x)
    for wavelength, share in ((1000.0, 0.55), (620.0, 0.45)):
        ridge = 1 - np.abs(Noise(rng, wavelength, 128).at(along, across))
        bands += np.float32(share) * np.clip(ridge, -0.8, 1)
    spared = smooth_step(anatomy.fovea_distance(x, y), 900, 4200) * smooth_step(anatomy.disc_distance(x, y), 0.9, 2.2)
    patchy = np.clip(0.75 + 0.45 * coarse.surface(Noise(rng, 5000)), 0, 1.6)
    mesh: Float32Array = (traits.tessellation * spared * patchy * (bands - 0.25)).astype(np.float32)
    return view.enlarged(mesh, block)


def fibre_course(anatomy: Anatomy, x: Float32Array, y: Float32Array) -> Float32Array:
    """Which nerve fibre bundle passes through each point, as an angle in radians: equal along a bundle.

    Bundles leave the disc evenly and bend round the fovea, as the field lines of a source and a weaker sink do.
    """
    at_disc = np.arctan2(y, -x)
    at_fovea = np.arctan2(y - np.float32(anatomy.fovea[1]), np.float32(anatomy.fovea[0]) - x)
    course: Float32Array = at_disc - np.float32(0.6) * at_fovea
    return course


def _fibres(rng: Generator, view: View, anatomy: Anatomy, traits: Traits) -> Float32Array:
    """Log brightness of the nerve fibre layer: fine streaks and a glow, strongest above and below the disc."""
    x, y = view.grid()
    streaks = _streaks(rng, anatomy, x, y, 900)
    far = np.hypot(x, y)
    thick = np.exp(-far / np.float32(2600)) * (np.float32(0.35) + np.abs(y) / np.maximum(far, 1))
    thick *= smooth_step(anatomy.fovea_distance(x, y), 500, 2200)
    uneven = np.clip(0.8 + 0.6 * view.surface(Noise(rng, 1300)), 0, 2)
    glow = np.float32(traits.nerve_fibres) * thick * uneven
    result: Float32Array = (glow * (np.float32(2.6) + np.float32(1.1) * streaks)).astype(np.float32)
    return result


def _streaks(rng: Generator, anatomy: Anatomy, x: Float32Array, y: Float32Array, count: int) -> Float32Array:
    """Random light and dark along the nerve fibres' courses, `count` of them round the disc; about -1 to 1."""
    table = rng.standard_normal(count).astype(np.float32)
    table = (table + np.roll(table, 1)) / np.float32(1.4)
    turns = np.mod(fibre_course(anatomy, x, y) / np.float32(2 * np.pi), 1) * count
    streaks: Float32Array = np.interp(turns, np.arange(count + 1), np.append(table, table[0])).astype(np.float32)
    return streaks


def sheen(rng: Generator, view: View, anatomy: Anatomy, traits: Traits) -> Float32Array:
    """Added light of the glistening patches that young retinas show beside their great vessels, (H, W) shares."""
    block = view.coarse(160.0)
    coarse = view.reduced(block)
    x, y = coarse.grid()
    patches = coarse.surface(Noise(rng, 1500, 128)) + 0.4 * coarse.surface(Noise(rng, 500, 256))
    ripple = 0.6 + 0.25 * coarse.surface(Noise(rng, 240, 256)) + 0.12 * _streaks(rng, anatomy, x, y, 400)
    arcade = np.exp(-(((np.abs(y - 200) - 2100) / 1500) ** 2)) * np.exp(-(((x - 900) / 3600) ** 2))
    light = smooth_step(patches, 0.7, 2.6) * np.clip(ripple, 0, 2) * arcade
    light *= smooth_step(anatomy.disc_distance(x, y), 0.95, 1.25)
    ring = np.exp(-(((anatomy.fovea_distance(x, y) - rng.uniform(600, 1100)) / 160) ** 2))
    light += 0.2 * ring * np.clip(coarse.surface(Noise(rng, 900)), 0, 2)
    return view.enlarged((light * np.float32(traits.sheen)).astype(np.float32), block)
