"""What the central retinal artery and vein measure, by the six largest arteries and veins around the disc."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.part import Part

ARTERIES, VEINS = 0.88, 0.95
"""Branching coefficients of arterioles and venules: Knudtson et al., 2003."""
_LARGEST = 6
_CIRCLES = 11
"""Circles through the zone on which vessels are looked for."""


def central_equivalent(widths: Sequence[float], coefficient: float) -> float:
    """The width of the one vessel that these come from, by Knudtson's revised formula.

    Over and over the largest is paired with the smallest, the second largest with the second smallest and so on, and
    each pair becomes a vessel of coefficient * sqrt(w1² + w2²). An odd one in the middle is carried over.
    """
    left = sorted(widths)
    while len(left) > 1:
        half = len(left) // 2
        middle = left[half : len(left) - half]
        pairs = zip(left[:half], reversed(left[-half:]), strict=True)
        left = sorted([*(coefficient * float(np.hypot(small, large)) for small, large in pairs), *middle])
    return left[0]


def _equivalent(near: Eye, coefficient: float) -> float:
    """The central equivalent in pixels, as the mean over circles through the zone.

    A vessel that branches within the zone counts on each circle as what it is there: as the one or as the two.
    """
    part, region = near.zone_b, near.zone_b_region
    found: list[float] = []
    counts: list[int] = []
    for radius in np.linspace(region.inner, region.outer, _CIRCLES + 2)[1:-1]:
        widths = _widths_on_circle(part, region.centre, float(radius))
        counts.append(len(widths))
        if len(widths) >= _LARGEST:
            found.append(central_equivalent(widths[:_LARGEST], coefficient))
    if 2 * len(found) < _CIRCLES:
        raise NotMeasured(
            "only {count} vessels of the kind cross zone B, {least} are needed",
            count=int(np.median(counts)),
            least=_LARGEST,
        )
    return float(np.mean(found))


def _widths_on_circle(part: Part, centre: tuple[float, float], radius: float) -> list[float]:
    """The mean widths in the zone of the segments that cross a circle, the largest first."""
    widths = []
    for segment in sorted({course.segment for course in part.courses}):
        courses = [course for course in part.courses if course.segment == segment]
        known = np.concatenate([course.widths for course in courses])
        away = [np.hypot(*(course.points - centre).T) - radius for course in courses]
        if len(known) and any((side[1:] * side[:-1] <= 0).any() for side in away):
            widths.append(float(known.mean()))
    return sorted(widths, reverse=True)


def crae(eye: Eye) -> float:
    """Central retinal artery equivalent in pixels."""
    return _equivalent(eye.arteries_near_disc, ARTERIES)


def crve(eye: Eye) -> float:
    """Central retinal vein equivalent in pixels."""
    return _equivalent(eye.veins_near_disc, VEINS)


def artery_vein_ratio(eye: Eye) -> float:
    """CRAE by CRVE."""
    return crae(eye) / crve(eye)


_FORMULA = (
    " Of the six largest in zone B the largest is paired with the smallest and so on, each pair becomes one vessel of"
    " {coefficient} * sqrt(w1² + w2²), and so on until one is left. Widths are means over the zone; the result is the"
    " mean over eleven circles through the zone, so that a vessel that branches in it counts as what it is on each."
)
_CITATION = (
    "Knudtson et al., 'Revised formulas for summarizing retinal vessel diameters', Current Eye Research 27(3), 2003"
)
_VALID = (
    "Needs an artery/vein map and the optic disc, and six vessels of the kind in zone B. It is the width of what the"
    " segmentation marked, not of the blood column that a person would measure. Without the scale it is in pixels."
)

CRAE = Measurement(
    name="crae",
    title="Central retinal artery equivalent (CRAE)",
    definition="Knudtson's revised CRAE." + _FORMULA.format(coefficient=ARTERIES),
    explanation="One number for the width of the arterioles around the disc.\n"
    "Lower values go with high blood pressure.",
    kind="length",
    group="Arteries and veins",
    citation=_CITATION,
    valid=_VALID,
    function=crae,
)

CRVE = Measurement(
    name="crve",
    title="Central retinal vein equivalent (CRVE)",
    definition="Knudtson's revised CRVE." + _FORMULA.format(coefficient=VEINS),
    explanation="One number for the width of the venules around the disc.\n"
    "Higher values go with inflammation and diabetes.",
    kind="length",
    group="Arteries and veins",
    citation=_CITATION,
    valid=_VALID,
    function=crve,
)

AVR = Measurement(
    name="avr",
    title="Arteriovenous ratio (AVR)",
    definition="CRAE divided by CRVE, both by Knudtson's revised formulas.",
    explanation="How wide the arterioles are compared with the venules; it needs no scale.\n"
    "Lower values mean narrow arterioles or wide venules, which the ratio alone does not tell apart.",
    kind="number",
    group="Arteries and veins",
    citation=_CITATION,
    valid=_VALID,
    function=artery_vein_ratio,
)
