"""The optic disc in a fundus photograph: where it is, how large, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retseg.core.types import BoolArray, UInt8Array
from retseg.imaging.anatomy import Disc
from retseg.imaging.disc_margin import fit_margin
from retseg.imaging.disc_search import VESSEL_SHARE, Circle, likeliest_disc
from retseg.imaging.light_steps import lit_part, log_brightness, well_inside, without_vessels
from retseg.imaging.scaled_field import ScaledField, check_vessels, scaled_field
from retseg.imaging.vessel_lines import convergence, vessel_lines

_SEARCHED = 240
"""Diameter of the field on the copy that is searched: a disc is 20 pixels across at least."""

_FITTED = 480
"""Diameter of the field on the copy on which the margin is fitted: a pixel is a twentieth of a disc's radius."""


_LEAST_CONFIDENCE = 0.5

_FEWEST_VESSELS = 0.25
"""Share of directions in which vessels leave at least: the least that any disc of a training photograph had."""


@dataclass(frozen=True, slots=True)
class DiscEvidence:
    """What speaks for a circle being the disc.

    Attributes:
        margin: Share of the circle that is a step towards the light inside, -1 to 1.
        contrast: How much lighter it is than its surroundings, in standard deviations of the retina's brightness.
        spread: Share of directions in which a vessel leaves it, 0 to 1.
        shown: Share of it or of its surroundings, whichever is less, that the photograph shows, 0 to 1.
    """

    margin: float
    contrast: float
    spread: float
    shown: float

    @property
    def confidence(self) -> float:
        """How likely the circle is the disc, 0 to 1.

        A logistic regression on discs, found and missed, of drawn and of training photographs: untouched, spoilt, and
        cropped or painted over so that no disc was left. The latter were half of all; in practice they are fewer, for
        which the constant was raised by a half.
        """
        contrast = float(np.clip(self.contrast, -1, 3))
        evidence = 6.5 * self.margin + 1.5 * contrast + 4.0 * self.spread + 15.0 * self.shown - 20.0
        # However round and bright: without vessels it is a reflex or a scar.
        return float(min(1.0, self.spread / _FEWEST_VESSELS) / (1 + np.exp(-evidence)))


def find_disc(image: UInt8Array, fov: BoolArray, vessels: BoolArray | None = None) -> Disc | None:
    """The optic disc of an (H, W, 3) uint8 photograph with its field of view (H, W); None where none is certain.

    A vessel mask `vessels` (H, W) takes the place of the dark lines that are looked for otherwise. Place and radius are
    in pixels of the photograph.
    """
    found = examine_disc(image, fov, vessels)
    return found[0] if found is not None and found[0].confidence >= _LEAST_CONFIDENCE else None


def examine_disc(
    image: UInt8Array, fov: BoolArray, vessels: BoolArray | None = None
) -> tuple[Disc, DiscEvidence] | None:
    """The likeliest circle, however unlikely, and what speaks for it; None where the field has no room for a disc."""
    check_vessels(vessels, fov)
    small, large = scaled_field(image, fov, _SEARCHED), scaled_field(image, fov, _FITTED)
    valid = lit_part(small) & well_inside(small, 0.01)
    lines = vessel_lines(
        log_brightness(small, 1), valid, small.diameter, None if vessels is None else small.shrunk_mask(vessels)
    )
    guess = likeliest_disc(small, valid, lines)
    if guess is None:
        return None
    ratio = large.length_scale / small.length_scale
    row, column = large.from_native(*small.to_native(guess.row, guess.column))
    start = Circle(row, column, guess.radius * ratio)
    circle, margin = fit_margin(large, lit_part(large) & well_inside(large, 0.008), start)
    row, column = large.to_native(circle.row, circle.column)
    rough = Circle(*small.from_native(row, column), circle.radius / ratio)
    around = convergence(lines, valid, (rough.row, rough.column), rough.radius)
    evidence = DiscEvidence(margin, _contrast(small, valid, rough), around.spread, around.shown)
    return Disc(row, column, circle.radius / large.length_scale, evidence.confidence), evidence


def _contrast(field: ScaledField, valid: BoolArray, circle: Circle) -> float:
    distance = circle.distance(valid.shape) / circle.radius
    inside, around = (distance < 0.9) & valid, (distance > 1.2) & (distance < 2.2) & valid
    if not inside.any() or not around.any():
        return 0.0
    brightness = without_vessels(log_brightness(field, 1), VESSEL_SHARE * circle.radius)
    lighter = float(np.median(brightness[inside]) - np.median(brightness[around]))
    return lighter / max(float(brightness[valid & (distance > 1.2)].std()), 0.02)
