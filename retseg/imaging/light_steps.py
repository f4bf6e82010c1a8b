"""Where the retina grows lighter and darker, whatever the exposure: brightness without vessels, and its steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.morphology import disk

from retseg.core.types import BoolArray, Float32Array
from retseg.imaging.scaled_field import ScaledField, filled

_RED_SHARE = 0.7
"""How much a step in red counts against one in green. The cup hardly differs from the rim in red, the disc does."""

_CLEAR_STEP = 80
"""Percentile of all steps. One so steep counts half; so a bright reflex counts hardly more than a pale margin."""


_DARK = 0.09
"""Share of the bright parts' brightness below which nothing of the retina is seen: lids, lashes, what was blackened."""


@dataclass(frozen=True, slots=True, eq=False)
class LightSteps:
    """How steeply brightness grows down and to the right, each (h, w): 0 even, towards 1 or -1 at any clear edge."""

    down: Float32Array
    right: Float32Array


def log_brightness(field: ScaledField, channel: int) -> Float32Array:
    """The logarithm of a channel (h, w), so that shade and exposure only add to it; outside as at the rim."""
    values = field.pixels[..., channel]
    typical = np.float32(np.median(values[field.inside]))
    # The offset keeps the darkest parts, which are mostly noise, from counting most.
    return filled(np.log(values + np.float32(0.15) * typical + np.float32(2)), field.inside)


def lit_part(field: ScaledField) -> BoolArray:
    """Which pixels (h, w) of the field show more than darkness."""
    brightest = field.pixels.max(axis=2)
    return field.inside & is_lit(brightest, field.inside)


def is_lit(brightness: Float32Array, inside: BoolArray) -> BoolArray:
    """Where a brightness (h, w) is more than darkness. The bright parts tell: a lid may cover most of the field."""
    lit: BoolArray = brightness > _DARK * np.percentile(brightness[inside], 90)
    return lit


def well_inside(field: ScaledField, share: float) -> BoolArray:
    """The pixels (h, w) more than `share` of the diameter away from the rim and from the frame."""
    depth = ndimage.distance_transform_edt(np.pad(field.inside, 1))[1:-1, 1:-1]
    inner: BoolArray = depth > share * field.diameter + 1
    return inner


def without_vessels(brightness: Float32Array, width: float) -> Float32Array:
    """Brightness (h, w) with dark lines up to `width` pixels wide closed; bright things keep their outline."""
    closed: Float32Array = ndimage.grey_closing(brightness, footprint=disk(max(1, round(width / 2))))
    return closed


def light_steps(field: ScaledField, valid: BoolArray, vessel_width: float, smooth: float) -> LightSteps:
    """The steps of green and red light where `valid` (h, w); vessels up to `vessel_width` pixels make none.

    `smooth` is the sigma, in pixels, over which brightness is averaged first.
    """
    down, right = np.zeros(valid.shape, np.float32), np.zeros(valid.shape, np.float32)
    for channel, share in ((1, 1.0), (0, _RED_SHARE)):
        closed = without_vessels(log_brightness(field, channel), vessel_width)
        by_row, by_column = np.gradient(ndimage.gaussian_filter(closed, smooth))
        steepness = np.hypot(by_row, by_column)
        typical = np.percentile(steepness[valid], _CLEAR_STEP) + 1e-4 if valid.any() else 1.0
        gain = np.where(valid, share / (1 + _RED_SHARE) / (steepness + typical), 0).astype(np.float32)
        down, right = down + by_row * gain, right + by_column * gain
    return LightSteps(down, right)
