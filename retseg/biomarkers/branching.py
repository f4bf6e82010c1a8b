"""The geometry of bifurcations: the angle between the daughters, and how their widths follow from the parent's."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.forks import Arm, angle_between, daughters
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured

_LEAST_FORKS = 5
"""Fewer bifurcations say nothing about an eye."""
_LEAST_ARM = 2.0
"""Arms shorter than this many of their widths have neither a direction nor a width of their own."""
_NARROWEST = 3.0
"""In pixels: arms narrower than this are wrong by a tenth or more, and exponents by far more."""
_LARGEST = 64.0
"""Exponents beyond it count as infinite: the daughters are then as wide as the parent within 2%."""


def branching_angle(eye: Eye) -> float:
    """The mean angle between daughters in degrees."""
    pairs = [(wider, narrower) for _, wider, narrower in _enough(_with_arms(eye))]
    return math.degrees(float(np.mean([angle_between(one.direction, other.direction) for one, other in pairs])))


def murray_exponent(eye: Eye) -> float:
    """The median over bifurcations of x in d0^x = d1^x + d2^x."""
    found = [exponent(*(arm.calibre for arm in arms)) for arms in _enough(_with_widths(eye))]
    median = float(np.median(found))
    if not math.isfinite(median):
        raise NotMeasured("in half of the bifurcations a branch is as wide as the vessel that it comes from")
    return median


def asymmetry(eye: Eye) -> float:
    """The median over bifurcations of the narrower daughter's width by the wider one's."""
    return float(np.median([narrower.calibre / wider.calibre for _, wider, narrower in _enough(_with_widths(eye))]))


def exponent(parent: float, wider: float, narrower: float) -> float:
    """Solves parent^x = wider^x + narrower^x for x; infinity where a daughter is as wide as the parent."""
    one, other = math.log(parent / wider), math.log(parent / narrower)

    def excess(x: float) -> float:
        return math.exp(-x * one) + math.exp(-x * other) - 1

    if min(one, other) <= 0 or excess(_LARGEST) > 0:
        return math.inf
    return float(brentq(excess, 0.0, _LARGEST))


Branching = tuple[Arm, Arm, Arm]


def _with_arms(eye: Eye) -> list[Branching]:
    """The bifurcations of which each arm is long enough to have a direction."""
    forks = (fork for fork in eye.meetings.bifurcations if fork.complete)
    long = (fork for fork in forks if all(arm.length >= _LEAST_ARM * arm.calibre for arm in fork.arms))
    return [daughters(fork) for fork in long]


def _with_widths(eye: Eye) -> list[Branching]:
    """Those whose arms are wide enough, too, for their widths to be compared."""
    return [arms for arms in _with_arms(eye) if min(arm.calibre for arm in arms) >= _NARROWEST]


def _enough(found: list[Branching]) -> list[Branching]:
    if len(found) < _LEAST_FORKS:
        raise NotMeasured("only {count} bifurcations are clear enough, {least} are needed", count=len(found), least=5)
    return found


_DAUGHTERS = " The daughters are the two arms with the smallest angle between them."
_WIDE_ENOUGH = (
    "Where five or more bifurcations have three arms that are longer than twice their width and at least three pixels"
    " wide. Widths in a mask are whole pixels: in photographs of low resolution it scatters widely."
)

BRANCHING_ANGLE = Measurement(
    name="branching-angle",
    title="Branching angle",
    definition="Mean angle between the two daughters of a bifurcation, each direction by least squares over three"
    " widths (eight pixels at least) from where the vessel is out of the junction." + _DAUGHTERS,
    explanation="How widely the two branches of a vessel spread.\n"
    "About 75 degrees take the least work in a symmetric bifurcation.",
    kind="angle",
    group="Branching",
    citation="Zamir et al., 'Arterial bifurcations in the human retina', Journal of General Physiology 74(4), 1979;"
    " Murray, 'The physiological principle of minimum work applied to the angle of branching', Journal of General"
    " Physiology 9, 1926",
    valid="Where five or more bifurcations have three arms that are longer than twice their width.",
    function=branching_angle,
)

MURRAY_EXPONENT = Measurement(
    name="murray-exponent",
    title="Murray exponent",
    definition="Median over bifurcations of x in d0^x = d1^x + d2^x, d0 being the parent's width and d1, d2 the"
    " daughters'. Where a daughter is as wide as the parent, x counts as infinite and not as missing, so that errors of"
    " the widths to both sides cancel." + _DAUGHTERS,
    explanation="How the widths of the branches follow from that of the vessel they come from: 3 takes the least"
    " work.\n"
    "Lower values mean branches narrower than that, as in hypertension.",
    kind="number",
    group="Branching",
    citation="Murray, 'The physiological principle of minimum work', PNAS 12, 1926; Chapman et al., 'Peripheral"
    " vascular disease is associated with abnormal arteriolar diameter relationships at bifurcations in the human"
    " retina', Clinical Science 103, 2002",
    valid=_WIDE_ENOUGH,
    function=murray_exponent,
)

ASYMMETRY = Measurement(
    name="branching-asymmetry",
    title="Asymmetry of bifurcations",
    definition="Median over bifurcations of the width of the narrower daughter divided by that of the wider one."
    + _DAUGHTERS,
    explanation="How alike the two branches of a vessel are: 1 where they are equally wide.\n"
    "Low values mean side branches that leave a large vessel.",
    kind="fraction",
    group="Branching",
    citation="Zamir et al., 'Arterial bifurcations in the human retina', Journal of General Physiology 74(4), 1979"
    " (bifurcation index)",
    valid=_WIDE_ENOUGH,
    function=asymmetry,
)
