"""What can be measured of how well a fundus photograph was taken, whatever its size in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.anatomy import Disc
from retseg.imaging.light_steps import is_lit, lit_part, log_brightness
from retseg.imaging.scaled_field import ScaledField, field_diameter, scaled_field
from retseg.imaging.vessel_lines import vessel_lines

_FINE = 720
"""Diameter of the field on the copy where focus and noise are measured. Smaller photographs stay as they are."""

_COARSE = 360
"""Diameter of the field on the copy where all else is measured."""

_FULL = 250
"""Grey levels. Averaged to the small copy, what was 255 here and there still reaches this."""

_ODD = 0.22
"""Difference in log brightness from which something is no mere shade: a fifth darker, a quarter lighter."""

_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
"""Immerkaer's: blind to what is locally a plane, and of the noise's own deviation (CVIU 64(2), 1996)."""


@dataclass(frozen=True, slots=True)
class QualityMeasures:
    """How a photograph was taken.

    Attributes:
        blur: How wide edges are spread: a Gaussian's sigma, in thousandths of the field's diameter.
        brightness: Median of the brightest channel where the field is not black, 0 black to 1 white.
        saturated: Share of the field where any channel is as bright as can be stored.
        burnt: Share of the field where green is as bright as can be stored.
        dim: Share of the field that is less than a third as bright as usual in it.
        evenness: Brightness of its dark parts as a share of that of its bright ones, on a large scale, 0 to 1.
        contrast: How much darker vessels are than what surrounds them, as a share: 0.2 is a fifth.
        noise: Grain on the scale of the smallest vessels, as a share of that contrast.
        shown: Share of the field's whole circle that the photograph shows and that is not black.
        spots: Share of the lit retina, without disc and vessels, that is far lighter or darker than around it.
        blocks: Steps at the borders of JPEG's blocks, as a share of the retina's brightness.
        disc: How surely the optic disc was found, 0 to 1.
    """

    blur: float
    brightness: float
    saturated: float
    burnt: float
    dim: float
    evenness: float
    contrast: float
    noise: float
    shown: float
    spots: float
    blocks: float
    disc: float


def measure_quality(image: UInt8Array, fov: BoolArray, disc: Disc | None) -> QualityMeasures:
    """Measures an (H, W, 3) uint8 photograph inside its field of view (H, W)."""
    coarse = scaled_field(image, fov, _COARSE)
    fine = scaled_field(image, fov, round(min(_FINE, max(field_diameter(fov), 64))))
    lit = _clearly_lit(coarse)
    plain = lit & ~_on_disc(coarse, disc)
    odd = _odd(coarse, plain)
    # Edges of reflexes and lids are no vessels: what they do to the retina is told by `spots` and `shown`.
    retina = plain & ~ndimage.binary_dilation(odd, iterations=3)
    detail = _enlarged(retina, fine.inside.shape)
    contrast = _vessel_contrast(coarse, retina)
    brightest = coarse.pixels.max(axis=2)
    shown = lit_part(coarse)
    typical = float(np.median(brightest[shown])) if shown.any() else 0.0
    wide = _smooth(brightest, coarse.inside, 0.02 * coarse.diameter)[coarse.inside]
    return QualityMeasures(
        blur=_blur(fine, detail),
        brightness=typical / 255,
        saturated=float((brightest[coarse.inside] >= _FULL).mean()),
        burnt=float((coarse.pixels[..., 1][coarse.inside] >= _FULL).mean()),
        dim=float((wide < typical / 3).mean()),
        evenness=_evenness(coarse, lit),
        contrast=contrast,
        noise=_noise(fine, detail) / max(contrast, 0.01),
        shown=min(1.0, float(shown.sum() / (np.pi / 4 * coarse.diameter**2))),
        spots=float(odd[plain].mean()) if plain.any() else 1.0,
        blocks=_blocks(image, fov),
        disc=disc.confidence if disc is not None else 0.0,
    )


def _clearly_lit(field: ScaledField) -> BoolArray:
    """The retina (h, w) that can be judged: away from the rim, and from what is black."""
    bright = _smooth(field.pixels.max(axis=2), field.inside, 0.005 * field.diameter)
    lit = field.inside & is_lit(bright, field.inside)
    depth = ndimage.distance_transform_edt(np.pad(lit, 1))[1:-1, 1:-1]
    clear: BoolArray = depth > 0.025 * field.diameter
    return clear


def _enlarged(mask: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    """A mask of the coarse copy on the fine one."""
    picture = Image.fromarray(mask).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    return np.asarray(picture, np.bool_)


def _on_disc(field: ScaledField, disc: Disc | None) -> BoolArray:
    """The disc and its margin (h, w)."""
    if disc is None:
        return np.zeros(field.inside.shape, np.bool_)
    centre = field.from_native(disc.row, disc.column)
    rows, columns = (np.arange(length) - at for length, at in zip(field.inside.shape, centre, strict=True))
    near: BoolArray = np.hypot(rows[:, None], columns[None]) < 1.3 * disc.radius * field.length_scale
    return near


def _smooth(values: Float32Array, where: BoolArray, sigma: float) -> Float32Array:
    """Values (h, w) averaged over those pixels that count."""
    weight = ndimage.gaussian_filter(where.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(where, values, 0).astype(np.float32), sigma)
    mean: Float32Array = total / np.maximum(weight, np.float32(1e-3))
    return mean


def _blur(field: ScaledField, where: BoolArray) -> float:
    """From how much less steep the steepest edges become when they are blurred once more."""
    if where.sum() < 64:
        return 0.0
    green = log_brightness(field, 1)
    # An edge of spread s has a slope of 1 / sqrt(s^2 + a^2) under a filter of spread a, and likewise for b.
    narrow, wide = 0.0015 * field.diameter, 0.003 * field.diameter
    slopes = [ndimage.gaussian_gradient_magnitude(green, sigma)[where] for sigma in (narrow, wide)]
    steepest = slopes[1] >= np.percentile(slopes[1], 97)
    ratio = float(np.median(slopes[1][steepest] / np.maximum(slopes[0][steepest], 1e-6)))
    squared = (ratio**2 * wide**2 - narrow**2) / max(1 - ratio**2, 0.02)
    return 1000 * float(np.sqrt(max(squared, 0.0))) / field.diameter


def _noise(field: ScaledField, where: BoolArray) -> float:
    """Deviation of the noise in log green, from pixel to pixel of the copy."""
    residual = ndimage.convolve(log_brightness(field, 1), _NOISE_KERNEL)[where]
    return 1.4826 * float(np.median(np.abs(residual))) if residual.size else 0.0


def _vessel_contrast(field: ScaledField, where: BoolArray) -> float:
    green = log_brightness(field, 1)
    weight = vessel_lines(green, where, field.diameter, None).weight
    vessel = weight > 0
    if not vessel.any():
        return 0.0
    around = _smooth(green, where & ~vessel, 0.02 * field.diameter)
    depth = around - ndimage.gaussian_filter(green, 0.002 * field.diameter)
    return float(1 - np.exp(-np.average(depth[vessel], weights=weight[vessel])))


def _evenness(field: ScaledField, where: BoolArray) -> float:
    if not where.any():
        return 0.0
    wide = _smooth(field.pixels.max(axis=2), where, 0.06 * field.diameter)[where]
    low, high = np.percentile(wide, (5, 95))
    return float(low / max(float(high), 1.0))


def _odd(field: ScaledField, where: BoolArray) -> BoolArray:
    """What is a good deal lighter or darker than around it, and no vessel, (h, w)."""
    green = ndimage.gaussian_filter(log_brightness(field, 1), 0.004 * field.diameter)
    closed = ndimage.grey_closing(green, size=round(0.03 * field.diameter))
    around = _smooth(closed, where, 0.05 * field.diameter)
    odd: BoolArray = (np.abs(closed - around) > _ODD) & where
    return odd


def _blocks(image: UInt8Array, fov: BoolArray) -> float:
    """How much greater steps of green are at every eighth column and row than in between, as a share of its brightness.

    Times how much of such a step is due to the border: a smooth photograph has small steps in between, too.
    """
    green = image[..., 1].astype(np.float32)
    found = []
    for values, inside in ((green, fov), (green.T, fov.T)):
        both = inside[:, 1:] & inside[:, :-1]
        step = (np.abs(np.diff(values, axis=1)) * both).sum(axis=0)
        count = both.sum(axis=0)
        phases = [step[phase::8].sum() / max(int(count[phase::8].sum()), 1) for phase in range(8)]
        border, between = max(phases), float(np.median(phases))
        found.append((border - between) * (border - between) / max(border, 1e-3))
    return float(np.mean(found)) / (float(np.median(green[fov])) + 5)
