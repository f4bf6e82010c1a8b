"""What can be measured of how well a fundus photograph was taken, whatever its size in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.anatomy import Disc
from retseg.imaging.light_steps import log_brightness, well_inside
from retseg.imaging.scaled_field import ScaledField, field_diameter, scaled_field
from retseg.imaging.vessel_lines import vessel_lines

_FINE = 720
"""Diameter of the field on the copy where focus and noise are measured. Smaller photographs stay as they are."""

_COARSE = 360
"""Diameter of the field on the copy where all else is measured."""

_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
"""Immerkaer's: blind to what is locally a plane, and of the noise's own deviation (CVIU 64(2), 1996)."""


@dataclass(frozen=True, slots=True)
class QualityMeasures:
    """How a photograph was taken.

    Attributes:
        blur: How wide edges are spread: a Gaussian's sigma, in thousandths of the field's diameter.
        brightness: Median of the brightest channel inside the field, 0 black to 1 white.
        burnt: Share of the field where green is as bright as can be stored.
        dim: Share of the field that is less than a third as bright as usual in it.
        evenness: Brightness of its dark parts as a share of that of its bright ones, on a large scale, 0 to 1.
        contrast: How much darker vessels are than what surrounds them, as a share: 0.2 is a fifth.
        noise: Grain on the scale of the smallest vessels, as a share of that contrast.
        shown: Share of the field's whole circle that the photograph shows and that is not black.
        spots: Share of the field, without disc and vessels, that is a good deal lighter or darker than around it.
        blocks: Steps at the borders of JPEG's blocks, as a share of the vessels' contrast.
        disc: How surely the optic disc was found, 0 to 1.
    """

    blur: float
    brightness: float
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
    native = field_diameter(fov)
    fine = scaled_field(image, fov, round(min(_FINE, max(native, 64))))
    retina = well_inside(coarse, 0.02) & ~_on_disc(coarse, disc)
    contrast = _vessel_contrast(coarse, retina)
    detail = well_inside(fine, 0.02) & ~_on_disc(fine, disc)
    brightest = coarse.pixels.max(axis=2)
    typical = float(np.median(brightest[coarse.inside]))
    return QualityMeasures(
        blur=_blur(fine, detail),
        brightness=typical / 255,
        burnt=float((coarse.pixels[..., 1][coarse.inside] >= 250).mean()),
        dim=float((_smooth(brightest, coarse.inside, 0.02 * coarse.diameter)[coarse.inside] < typical / 3).mean()),
        evenness=_evenness(coarse, retina),
        contrast=contrast,
        noise=_noise(fine, detail) / max(contrast, 0.01),
        shown=_shown(coarse),
        spots=_spots(coarse, retina),
        blocks=_blocks(image, fov) / max(contrast, 0.01),
        disc=disc.confidence if disc is not None else 0.0,
    )


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


def _shown(field: ScaledField) -> float:
    brightest = field.pixels.max(axis=2)
    lit = field.inside & (brightest > 0.12 * np.median(brightest[field.inside]))
    return min(1.0, float(lit.sum() / (np.pi / 4 * field.diameter**2)))


def _spots(field: ScaledField, where: BoolArray) -> float:
    green = ndimage.gaussian_filter(log_brightness(field, 1), 0.004 * field.diameter)
    closed = ndimage.grey_closing(green, size=round(0.03 * field.diameter))
    # Lighter: against a wide average. Darker: what is still dark when vessels are closed.
    around = _smooth(closed, where, 0.05 * field.diameter)
    odd: NDArray[np.bool_] = np.abs(closed - around)[where] > 0.22
    return float(odd.mean()) if odd.size else 1.0


def _blocks(image: UInt8Array, fov: BoolArray) -> float:
    """How much greater steps of log green are at every eighth column and row than in between."""
    green = image[..., 1].astype(np.float32)
    typical = float(np.median(green[fov]))
    excess = []
    for values, inside in ((green, fov), (green.T, fov.T)):
        step = np.abs(np.diff(values, axis=1))
        count = (inside[:, 1:] & inside[:, :-1]).astype(np.float32)
        profile = (step * count).sum(axis=0)
        weight = count.sum(axis=0)
        columns = np.arange(1, values.shape[1]) % 8
        means = [profile[columns == phase].sum() / max(weight[columns == phase].sum(), 1) for phase in range(8)]
        excess.append(means[0] - float(np.median(means[1:])))
    return max(0.0, float(np.mean(excess))) / (1.15 * typical + 2)
