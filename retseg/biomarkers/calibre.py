"""How wide the vessels are, and how their widths are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.part import Part
from retseg.biomarkers.smoothing import FloatArray
from retseg.biomarkers.units import Value, in_units


def widths(part: Part) -> FloatArray:
    """All widths in a part in pixels, one for about each pixel of length; raises `NotMeasured` where there is none."""
    if not len(part.widths):
        raise NotMeasured("no vessel runs far enough out of junctions to have a width")
    return part.widths


def mean_calibre(part: Part) -> float:
    """The mean width along all vessels of a part in pixels."""
    return float(widths(part).mean())


@dataclass(frozen=True, slots=True, eq=False)
class CalibreDistribution:
    """How much of the vessels' length is how wide: `edges` (N + 1,) of bins in `unit`, and `shares` (N,) of length."""

    edges: FloatArray
    shares: FloatArray
    unit: str


def calibre_distribution(eye: Eye, bins: int = 40) -> CalibreDistribution:
    """The distribution of the widths of an eye's vessels, for a plot."""
    counts, edges = np.histogram(widths(eye.cropped.whole), bins)
    one = in_units(1.0, "length", eye.um_per_pixel)
    return CalibreDistribution(edges * one.number, counts / counts.sum(), one.unit)


def calibre_by_distance(
    eye: Eye, edges: Sequence[float] = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
) -> list[tuple[float, float, Value | None]]:
    """The mean width in rings around the disc: from and to in disc diameters from its margin, and the width there.

    None where no vessel has a width in a ring.
    """
    eye = eye.cropped
    disc, courses = eye.found_disc, eye.whole.courses
    away = [np.hypot(*(course.points - (disc.row, disc.column)).T) for course in courses]
    known = [course.own & np.isfinite(course.calibre) for course in courses]
    if not courses:
        raise NotMeasured("no vessel runs far enough out of junctions to have a width")
    distance = np.concatenate([place[keep] for place, keep in zip(away, known, strict=True)])
    margin = (distance / disc.radius - 1) / 2
    found: list[tuple[float, float, Value | None]] = []
    for start, stop in pairwise(edges):
        ring = eye.whole.widths[(margin >= start) & (margin < stop)]
        found.append((start, stop, in_units(float(ring.mean()), "length", eye.um_per_pixel) if len(ring) else None))
    return found


def _mean(eye: Eye) -> float:
    return mean_calibre(eye.whole)


def _median(eye: Eye) -> float:
    return float(np.median(widths(eye.whole)))


def _spread(eye: Eye) -> float:
    low, high = np.percentile(widths(eye.whole), (25, 75))
    return float(high - low)


_WIDTHS = (
    " Width is the length of the cross-section of the mask at right angles to the smoothed centreline, read bilinearly,"
    " every pixel along the vessels and outside junctions."
)
_VALID = (
    "Where vessels run out of junctions. It is the width of what the segmentation marked: right within 3% from four"
    " pixels on, and of little worth below two. Without the scale it is in pixels and can be compared within one kind"
    " of camera only."
)

MEAN_CALIBRE = Measurement(
    name="calibre-mean",
    title="Mean calibre",
    definition="Mean width along all vessels." + _WIDTHS,
    explanation="How wide the vessels are on average, each millimetre of vessel counting the same.\n"
    "Fine vessels make most of the length, so it says little about the large ones.",
    kind="length",
    group="Calibre",
    citation="Fraz et al., 'QUARTZ: Quantitative Analysis of Retinal Vessel Topology and size', Expert Systems with"
    " Applications 42(20), 2015",
    valid=_VALID,
    function=_mean,
)

MEDIAN_CALIBRE = Measurement(
    name="calibre-median",
    title="Median calibre",
    definition="Median width along all vessels." + _WIDTHS,
    explanation="Half of the vessels' length is narrower than this, half is wider.\n"
    "A few very wide vessels do not move it.",
    kind="length",
    group="Calibre",
    citation="Fraz et al., 'QUARTZ: Quantitative Analysis of Retinal Vessel Topology and size', Expert Systems with"
    " Applications 42(20), 2015",
    valid=_VALID,
    function=_median,
)

CALIBRE_SPREAD = Measurement(
    name="calibre-spread",
    title="Spread of calibres",
    definition="Interquartile range of the width along all vessels." + _WIDTHS,
    explanation="How much wide and narrow vessels differ: half of the vessels' length lies within this range.\n"
    "Grows where large vessels are widened or small ones narrowed.",
    kind="length",
    group="Calibre",
    citation="Fraz et al., 'QUARTZ: Quantitative Analysis of Retinal Vessel Topology and size', Expert Systems with"
    " Applications 42(20), 2015",
    valid=_VALID,
    function=_spread,
)
