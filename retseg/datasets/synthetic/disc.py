"""The optic disc: a bright rim, a paler cup, a scleral edge or pigment crescent on one side."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from retseg.core.types import Float32Array
from retseg.datasets.synthetic.anatomy import Anatomy
from retseg.datasets.synthetic.texture import Noise, smooth_step
from retseg.datasets.synthetic.view import View


def add_disc(rng: Generator, scene: Float32Array, view: View, anatomy: Anatomy) -> None:
    """Paints the optic disc onto the retina, (H, W, 3) shares of full scale. Its colours follow the retina's own."""
    centre = view.to_pixels(np.zeros((1, 2)))[0]
    reach = 2.4 * max(anatomy.disc_radius) / view.um_per_pixel
    height, width = view.camera.shape
    columns = slice(int(max(centre[0] - reach, 0)), int(min(centre[0] + reach, width)))
    rows = slice(int(max(centre[1] - reach, 0)), int(min(centre[1] + reach, height)))
    if rows.start < rows.stop and columns.start < columns.stop:
        scene[rows, columns] = _painted(rng, scene[rows, columns], view.window(rows, columns), anatomy)


def _painted(rng: Generator, retina: Float32Array, view: View, anatomy: Anatomy) -> Float32Array:
    x, y = view.grid()
    wobble = 1 + 0.02 * view.surface(Noise(rng, 1700))
    out = anatomy.disc_distance(x, y) * wobble
    temporal = (0.5 + 0.5 * x / np.maximum(np.hypot(x, y), 1)).astype(np.float32)
    # The nasal margin is blurred by thick fibres, the temporal one is crisp.
    softness = rng.uniform(0.05, 0.12) * (1.6 - temporal)
    on_disc = np.clip(0.5 - (out - 1) / (2 * softness), 0, 1)
    on_disc = (on_disc * on_disc * (3 - 2 * on_disc))[..., None]

    base = np.median(retina[::3, ::3].reshape(-1, 3), axis=0)
    pallor = rng.uniform(0.0, 1.0)
    white = np.array([1.0, 0.66 + 0.26 * pallor, 0.22 + 0.42 * pallor + rng.uniform(-0.1, 0.1)], np.float32)
    white *= np.clip(0.45 + 0.75 * base[0], 0.6, 1.05)
    rim_light, cup_light = rng.uniform(0.2, 0.58), rng.uniform(0.88, 1.08)
    rim = base * (1 - rim_light) * 1.4 + white * rim_light
    cup = white * cup_light
    pale = (rim_light * 0.35 * smooth_step(temporal, 0.35, 1.0))[..., None]
    colour = rim * (1 - pale) + cup * pale
    in_cup = smooth_step(anatomy.cup_distance(x, y) * wobble, 1.0 + rng.uniform(0.1, 0.5), rng.uniform(0.4, 0.75))
    colour = colour * (1 - in_cup[..., None]) + cup * in_cup[..., None]
    colour = colour * (1 + 0.015 * view.surface(Noise(rng, 150)) + 0.035 * view.surface(Noise(rng, 800)))[..., None]

    around = retina * _surroundings(rng, out, temporal)
    painted: Float32Array = (around * (1 - on_disc) + colour * on_disc).astype(np.float32)
    return painted


def _surroundings(rng: Generator, out: Float32Array, temporal: Float32Array) -> Float32Array:
    """What multiplies the retina round the disc: a glow, and in some eyes a pale or a pigmented crescent."""
    glow = rng.uniform(0.0, 0.35) * np.exp(-((np.maximum(out - 1, 0) / 0.5) ** 2))
    factor = 1 + glow[..., None] * np.array([0.5, 1.0, 0.9], np.float32)
    kind, width = rng.random(), rng.uniform(0.08, 0.3)
    side = smooth_step(temporal, rng.uniform(0.2, 0.6), 0.95)
    crescent = side * smooth_step(out, 1 + width, 1 + 0.6 * width)
    if kind < 0.25:
        factor = factor + crescent[..., None] * np.array([0.25, 0.6, 0.7], np.float32) * rng.uniform(0.3, 1.0)
    elif kind < 0.4:
        factor = factor * (1 - crescent[..., None] * np.array([0.35, 0.35, 0.25], np.float32) * rng.uniform(0.3, 1.0))
    shaded: Float32Array = factor.astype(np.float32)
    return shaded
