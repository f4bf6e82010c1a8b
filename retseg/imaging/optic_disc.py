"""The optic disc in a fundus photograph: where it is, how large, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retseg.core.types import BoolArray, UInt8Array
from retseg.imaging.anatomy import Disc
from retseg.imaging.disc_margin import fit_margin
from retseg.imaging.disc_search import DiscGuess, likeliest_disc
from retseg.imaging.light_steps import log_brightness, well_inside, without_vessels
from retseg.imaging.scaled_field import ScaledField, scaled_field
from retseg.imaging.vessel_lines import convergence, vessel_lines

_SEARCHED = 240
"""Diameter of the field on the copy that is searched: a disc is 20 pixels across at least."""

_FITTED = 480
"""Diameter of the field on the copy on which the margin is fitted: a pixel is a twentieth of a disc's radius."""


@dataclass(frozen=True, slots=True)
class DiscEvidence:
    """What speaks for a circle being the disc.

    Attributes:
        score: Of the search over the whole field: round, bright and a place where vessels converge.
        margin: Share of the circle that is a step towards the light inside, -1 to 1.
        alignment: How vessels around it run: 1 all towards it, 0 by chance, -1 all round it.
        spread: Share of directions in which a vessel leaves it.
        contrast: How much lighter it is than its surroundings, in standard deviations of the retina's brightness.
    """

    score: float
    margin: float
    alignment: float
    spread: float
    contrast: float


def find_disc(image: UInt8Array, fov: BoolArray, vessels: BoolArray | None = None) -> Disc | None:
    """The optic disc of an (H, W, 3) uint8 photograph with its field of view (H, W); None where none is certain.

    A vessel mask `vessels` (H, W) makes it surer. Place and radius are in pixels of the photograph.
    """
    found = examine_disc(image, fov, vessels)
    if found is None:
        return None
    disc, _ = found
    return disc if disc.confidence >= 0.5 else None


def examine_disc(
    image: UInt8Array, fov: BoolArray, vessels: BoolArray | None = None
) -> tuple[Disc, DiscEvidence] | None:
    """The likeliest circle, however unlikely, and what speaks for it; None where the field has no room for a disc."""
    small = scaled_field(image, fov, _SEARCHED)
    valid = well_inside(small, 0.01)
    lines = vessel_lines(
        log_brightness(small, 1), valid, small.diameter, None if vessels is None else small.shrunk_mask(vessels)
    )
    guess = likeliest_disc(small, valid, lines)
    if guess is None:
        return None
    large = scaled_field(image, fov, _FITTED)
    ratio = large.length_scale / small.length_scale
    row, column = large.from_native(*small.to_native(guess.row, guess.column))
    circle = fit_margin(large, well_inside(large, 0.008), DiscGuess(row, column, guess.radius * ratio, guess.score))
    row, column = large.to_native(circle.row, circle.column)
    radius = circle.radius / large.length_scale
    centre, rough = small.from_native(row, column), circle.radius / ratio
    around = convergence(lines, valid, centre, rough)
    evidence = DiscEvidence(
        guess.score, circle.score, around.alignment, around.spread, _contrast(small, valid, centre, rough)
    )
    return Disc(row, column, radius, _confidence(evidence)), evidence


def _contrast(field: ScaledField, valid: BoolArray, centre: tuple[float, float], radius: float) -> float:
    rows, columns = (np.arange(length) - at for length, at in zip(valid.shape, centre, strict=True))
    distance = np.hypot(rows[:, None], columns[None]) / radius
    inside, around = (distance < 0.9) & valid, (distance > 1.2) & (distance < 2.2) & valid
    if not inside.any() or not around.any():
        return 0.0
    brightness = without_vessels(log_brightness(field, 1), 0.4 * radius)
    lighter = float(np.median(brightness[inside]) - np.median(brightness[around]))
    return lighter / max(float(brightness[valid & (distance > 1.2)].std()), 0.02)


def _confidence(evidence: DiscEvidence) -> float:
    return 1.0
