"""The fovea in a fundus photograph, seen from the optic disc: a dark place without vessels on the temporal side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.anatomy import Disc, Fovea
from retseg.imaging.light_steps import lit_part, log_brightness, well_inside, without_vessels
from retseg.imaging.scaled_field import ScaledField, check_vessels, scaled_field
from retseg.imaging.vessel_lines import vessel_lines

_SEARCHED = 240
"""Diameter of the field on the copy that is searched."""

# The fovea as seen from the disc's centre, in disc diameters and radians below the horizontal; spreads of eyes and of
# how the head was held.
_DISTANCE, _DISTANCE_SPREAD = 2.4, 0.4
_BELOW, _BELOW_SPREAD = 0.1, 0.17

_RIM, _NEAR_RIM = 0.6, 0.97
"""Share of the fovea's surroundings in the field: what has less is not looked at, what has less is not believed."""

_LEAST_SPREAD = 0.03
"""Of differences in log brightness: on a retina as even as this the darkest place is still no fovea."""

_LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class FoveaEvidence:
    """What speaks for a place being the fovea.

    Attributes:
        darkness: How much darker it is than what surrounds it, in spreads of that difference over the field.
        fit: Logarithm of how usual its place is, seen from the disc: 0 the most usual, -2 two spreads away.
    """

    darkness: float
    fit: float

    @property
    def confidence(self) -> float:
        """How likely the place is the fovea, 0 to 1.

        Fitted by hand to foveas of drawn and of training photographs, some of them out of view or painted over.
        """
        return float(1 / (1 + np.exp(-3.0 * (self.darkness - 1.15) - 0.5 * self.fit)))


def find_fovea(image: UInt8Array, fov: BoolArray, disc: Disc | None, vessels: BoolArray | None = None) -> Fovea | None:
    """The fovea of an (H, W, 3) uint8 photograph with its field of view (H, W); None where none is certain.

    It is looked for on both sides of the `disc`, as far from it as foveas are; without a disc there is None. A vessel
    mask `vessels` (H, W) takes the place of the dark lines that are looked for otherwise.
    """
    found = examine_fovea(image, fov, disc, vessels) if disc is not None else None
    return found[0] if found is not None and found[0].confidence >= _LEAST_CONFIDENCE else None


def examine_fovea(
    image: UInt8Array, fov: BoolArray, disc: Disc, vessels: BoolArray | None = None
) -> tuple[Fovea, FoveaEvidence] | None:
    """The likeliest place, however unlikely, and what speaks for it; None where the field does not reach so far."""
    check_vessels(vessels, fov)
    field = scaled_field(image, fov, _SEARCHED)
    centre, size = field.from_native(disc.row, disc.column), 2 * disc.radius * field.length_scale
    valid = lit_part(field) & well_inside(field, 0.01)
    mask = None if vessels is None else field.shrunk_mask(vessels)
    lines = vessel_lines(log_brightness(field, 1), valid, field.diameter, mask)
    away = [np.arange(length) - at for length, at in zip(valid.shape, centre, strict=True)]
    retina = valid & (np.hypot(away[0][:, None], away[1][None]) > 0.65 * size)
    if not retina.any():
        return None
    darkness, shown = _darkness(field, retina, size)
    density = _mean_near(lines.weight, retina, 0.25 * size)[0] / max(float(lines.weight[valid].mean()), 1e-6)
    fit = _usual_place(away[0] / size, away[1] / size)
    score = np.where(retina & (shown > _RIM), 0.4 * darkness - 0.25 * density + 0.5 * fit, -np.inf)
    left = np.broadcast_to(away[1][None] < 0, score.shape)
    best, highest = None, -np.inf
    for side in (left, ~left):
        place = np.unravel_index(int(np.where(side, score, -np.inf).argmax()), score.shape)
        # What grows darker up to the rim is its shade, or a fovea of which too little is seen.
        if shown[place] > _NEAR_RIM and score[place] > highest:
            best, highest = place, float(score[place])
    if best is None:
        return None
    evidence = FoveaEvidence(float(darkness[best]), float(fit[best]))
    row, column = field.to_native(float(best[0]), float(best[1]))
    return Fovea(row, column, evidence.confidence), evidence


def _darkness(field: ScaledField, retina: BoolArray, size: float) -> tuple[Float32Array, Float32Array]:
    """How much darker each place (h, w) is than what surrounds it; and which share of its nearest is `retina`.

    `size` is a disc's diameter in pixels.
    """
    green, red = (without_vessels(log_brightness(field, channel), 0.2 * size) for channel in (1, 0))
    brightness = green + np.float32(0.5) * red
    near, shown = _mean_near(brightness, retina, 0.22 * size)
    around, _ = _mean_near(brightness, retina, 0.75 * size)
    darker = around - near
    spread = max(1.4826 * float(np.median(np.abs(darker[retina] - np.median(darker[retina])))), _LEAST_SPREAD)
    return darker / np.float32(spread), shown


def _mean_near(values: Float32Array, where: BoolArray, sigma: float) -> tuple[Float32Array, Float32Array]:
    """The mean of values (h, w) near each place, of those pixels that count; and the share of near pixels that do."""
    share = ndimage.gaussian_filter(where.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(where, values, 0).astype(np.float32), sigma)
    return total / np.maximum(share, np.float32(1e-3)), share


def _usual_place(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of how usual the fovea is at each place (h, w), `down` (h,) and `right` (w,) disc diameters away."""
    sideways = np.abs(right)[None]
    distance, below = np.hypot(down[:, None], sideways), np.arctan2(down[:, None], sideways)
    fit: NDArray[np.float64] = -0.5 * (
        ((distance - _DISTANCE) / _DISTANCE_SPREAD) ** 2 + ((below - _BELOW) / _BELOW_SPREAD) ** 2
    )
    return np.maximum(fit, -20)
