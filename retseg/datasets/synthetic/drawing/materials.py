"""Materials: how surfaces look. Each function takes a colour (red, green, blue; 0 to 1) and gives a `Material`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from retseg.core.types import Float32Array
from retseg.datasets.synthetic.drawing.canvas import Material, Window

Colour = tuple[float, float, float]


def varied(rng: Generator, colour: Colour, spread: float = 0.04) -> Colour:
    """The colour a little lighter or darker, and a little off in its hue."""
    light = rng.normal(0, spread)
    red, green, blue = (float(np.clip(c * (1 + light) + rng.normal(0, spread / 2), 0.02, 0.98)) for c in colour)
    return red, green, blue


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Between two colours: `one` at 0, `other` at 1."""
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return red, green, blue


def _coloured(colour: Colour, light: NDArray[Any]) -> Float32Array:
    lit: Float32Array = np.asarray(colour, np.float32) * light.astype(np.float32, copy=False)[..., None]
    return lit


def _blended(one: Colour, other: Colour, share: NDArray[Any]) -> Float32Array:
    """Between two colours at each pixel, by the `share` (h, w) of the other."""
    weight = share.astype(np.float32, copy=False)[..., None]
    blend: Float32Array = np.asarray(one, np.float32) * (1 - weight) + np.asarray(other, np.float32) * weight
    return blend


def plain(colour: Colour, shading: float = 0.2, grain: float = 0.03) -> Material:
    """A smooth body lit from above."""

    def look(window: Window) -> Float32Array:
        light = 1 + np.float32(shading) * (np.float32(0.45) - window.down)
        return _coloured(colour, light + np.float32(grain) * window.noise(0.03))

    return look


def sky(top: Colour, low: Colour, clouds: float, cloud: Colour = (0.95, 0.95, 0.96)) -> Material:
    """Paler towards the horizon; `clouds` is about how much of it they cover, 0 to 1."""

    def look(window: Window) -> Float32Array:
        blue = _blended(top, low, np.clip(window.down, 0, 1))
        billow = window.noise(0.55, 0.25) + 0.5 * window.noise(0.2, 0.1) + 0.25 * window.noise(0.07, 0.05)
        cover = np.clip(0.5 + 0.45 * (billow + 2.4 * clouds - 1.6), 0, 1)[..., None] * np.float32(0.9)
        white = np.asarray(cloud, np.float32) * (1 - 0.08 * np.clip(billow, -1, 2))[..., None]
        mixture: Float32Array = blue * (1 - cover) + white * cover
        return mixture

    return look


def grass(colour: Colour, blades: float = 0.13, dry: Colour = (0.62, 0.58, 0.3), dryness: float = 0.2) -> Material:
    """Blades, finer far away than near, with patches that are drier."""

    def look(window: Window) -> Float32Array:
        near = np.clip(window.down, 0, 1)
        fine = (1 - near) * window.noise(0.016, 0.012) + near * window.noise(0.014, 0.045)
        light = 0.9 + 0.15 * near + np.float32(blades) * fine + 0.07 * window.noise(0.25, 0.08)
        patch = np.clip(np.float32(dryness) * (0.6 + window.noise(0.35, 0.12)), 0, 0.7)
        meadow: Float32Array = _blended(colour, dry, patch) * light[..., None]
        return meadow

    return look


def water(colour: Colour, waves: float = 0.1, glitter: float = 0.3) -> Material:
    """Ripples that lie flat, longer when near, with glitter on some crests."""

    def look(window: Window) -> Float32Array:
        near = np.clip(window.down, 0, 1)
        ripple = (1 - near) * window.noise(0.1, 0.012) + near * window.noise(0.22, 0.035)
        light = 1.08 - 0.2 * near + np.float32(waves) * ripple
        crest = np.float32(glitter) * np.clip(window.noise(0.06, 0.01) + ripple - 1.9, 0, 1)
        sea: Float32Array = _coloured(colour, light) + crest[..., None]
        return sea

    return look


def road(colour: Colour, grain: float = 0.06) -> Material:
    """Asphalt or paving: grey with fine grain and a few worn patches."""

    def look(window: Window) -> Float32Array:
        light = 0.94 + 0.1 * window.down + np.float32(grain) * window.noise(0.009, 0.006)
        return _coloured(colour, light + 0.05 * window.noise(0.4, 0.07))

    return look


def bricks(colour: Colour, course: float = 0.028, contrast: float = 0.13) -> Material:
    """Rows of bricks with pale joints; `course` is the height of a row."""

    def look(window: Window) -> Float32Array:
        row = np.floor(window.y / np.float32(course))
        along = window.x / np.float32(2.2 * course) + 0.5 * (row % 2)
        joint = ((window.y / np.float32(course)) % 1 < 0.16) | (along % 1 < 0.08)
        # Each brick has a shade of its own, from its place.
        shade = np.sin(np.floor(along) * np.float32(12.9) + row * np.float32(78.2)) * np.float32(contrast)
        light = np.where(joint, np.float32(1.25), 1 + shade) + 0.04 * window.noise(0.1)
        return _coloured(colour, light)

    return look


def render(colour: Colour, stains: float = 0.04) -> Material:
    """A plastered or concrete wall."""

    def look(window: Window) -> Float32Array:
        light = 1.02 - 0.06 * window.down + np.float32(stains) * (window.noise(0.3, 0.5) + 0.5 * window.noise(0.02))
        return _coloured(colour, light)

    return look


def foliage(colour: Colour, depth: float = 0.3, leaf: float = 0.03) -> Material:
    """Leaves in clumps: bright where the light falls, dark between."""

    def look(window: Window) -> Float32Array:
        clump: Float32Array = window.noise(3.5 * leaf) + np.float32(0.9) * window.noise(leaf)
        light = np.clip(1.05 - 0.35 * window.down + np.float32(0.75 * depth) * clump, 0.15, 2)
        sunny = np.clip(clump - 0.6, 0, 1)[..., None] * np.asarray((0.12, 0.12, -0.02), np.float32)
        leaves: Float32Array = _coloured(colour, light) + sunny.astype(np.float32)
        return leaves

    return look


def rock(colour: Colour, snow: float = 0.0) -> Material:
    """A mountain's side, with ridges, hazy at the foot; `snow` is how far down it reaches, 0 to 1."""

    def look(window: Window) -> Float32Array:
        ridge = window.noise(0.14, 0.3) + 0.6 * window.noise(0.04, 0.08)
        light = 0.95 + 0.2 * ridge
        bare = _coloured(colour, light)
        white = np.clip((np.float32(snow) + 0.12 * ridge - window.down) * 14, 0, 1)[..., None]
        haze = np.clip(0.25 * window.down, 0, 0.3)[..., None]
        side = bare * (1 - white) + np.float32(0.93) * (0.9 + 0.08 * light)[..., None] * white
        hazy: Float32Array = side * (1 - haze) + np.asarray((0.65, 0.7, 0.78), np.float32) * haze
        return hazy

    return look


def coat(
    colour: Colour, patch: Colour | None = None, size: float = 0.12, share: float = 0.0, hair: float = 0.06
) -> Material:
    """An animal's coat, darker below; patches of another colour with `share` of it, about `size` across."""

    def look(window: Window) -> Float32Array:
        light = 1.12 - 0.32 * window.down + np.float32(hair) * window.noise(0.03, 0.012)
        if patch is None:
            return _coloured(colour, light)
        other = np.clip((window.noise(size) + np.float32(2.6 * (share - 0.5))) * 6, 0, 1)
        coated: Float32Array = _blended(colour, patch, other) * light[..., None]
        return coated

    return look


def wool(colour: Colour, curl: float = 0.022) -> Material:
    """Curls of wool."""

    def look(window: Window) -> Float32Array:
        light = 1.08 - 0.3 * window.down + 0.1 * window.noise(curl) + 0.06 * window.noise(3 * curl)
        return _coloured(colour, light)

    return look


def striped(colour: Colour, stripe: Colour, period: float, *, upright: bool = True, soft: float = 0.5) -> Material:
    """Stripes, upright or lying, a little bent; `soft` near 0 gives hard rims."""

    def look(window: Window) -> Float32Array:
        along: Float32Array = np.broadcast_to(window.x if upright else window.y, window.shape)
        wave = np.sin((along + 0.1 * np.float32(period) * window.noise(0.2)) * np.float32(2 * np.pi / period))
        base = _blended(colour, stripe, np.clip(0.5 + wave / np.float32(2 * soft), 0, 1))
        light = 1.08 - 0.2 * window.down + 0.03 * window.noise(0.03)
        result: Float32Array = base * light[..., None]
        return result

    return look


def metal(colour: Colour, shine: float = 0.3) -> Material:
    """Painted metal: a bright band where the sky is mirrored, dark below."""

    def look(window: Window) -> Float32Array:
        down = window.down
        gleam = np.float32(shine) * np.exp(-(((down - 0.25) / 0.12) ** 2))
        light = 1.1 - 0.4 * down + 0.02 * window.noise(0.1)
        shiny: Float32Array = _coloured(colour, light) + gleam[..., None] * np.float32(0.6)
        return shiny

    return look


def lettered(paper: Colour, ink: Colour, line: float) -> Material:
    """A page with lines of words, `line` from one to the next."""

    def look(window: Window) -> Float32Array:
        row = np.floor(window.y / np.float32(line))
        inside = (window.y / np.float32(line)) % 1 < 0.5
        gaps = np.sin(window.x * np.float32(2.3 / line) + row * 5.1) + np.sin(window.x * np.float32(5.9 / line) + row)
        words = (inside & (gaps > -0.6)) * np.float32(0.7)
        light = 1 + 0.02 * window.noise(0.2)
        page: Float32Array = _blended(paper, ink, words) * light[..., None]
        return page

    return look
