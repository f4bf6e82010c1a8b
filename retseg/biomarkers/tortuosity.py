"""How much vessels wind: along each segment, from the smoothed centreline."""

from __future__ import annotations

import numpy as np

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.part import Part
from retseg.biomarkers.smoothing import FloatArray
from retseg.biomarkers.turns import turn_excess


def arc_over_chord(part: Part) -> tuple[FloatArray, FloatArray]:
    """For each segment of a part that is long enough: its length by its chord (at least 1), and its length in pixels.

    A segment that comes back to within a vessel's width of where it began has no chord to speak of and is left out.
    """
    open_ones = [course for course in part.long_enough() if course.chord > part.typical]
    if not open_ones:
        raise NotMeasured("no vessel segment is long enough")
    length = np.array([course.length for course in open_ones])
    return length / np.array([course.chord for course in open_ones]), length


def arc_chord_tortuosity(part: Part) -> float:
    """The mean of arc over chord in a part, each segment weighed by its length."""
    ratio, length = arc_over_chord(part)
    return float((ratio * length).sum() / length.sum())


def squared_curvature(part: Part) -> float:
    """Total squared curvature by length, in 1/pixel²."""
    bends = [course.curvature[course.steady] for course in part.long_enough()]
    every = np.concatenate(bends)
    if not len(every):
        raise NotMeasured("no vessel segment is long enough")
    steps = np.concatenate([np.full(len(bend), course.step) for bend, course in zip(bends, part.lone, strict=True)])
    return float((every**2 * steps).sum() / steps.sum())


def turn_density(part: Part) -> float:
    """Grisan's tortuosity density in 1/pixel: the mean over the segments that are long enough, weighed by length."""
    found = [(turn_excess(course), course) for course in part.long_enough()]
    turning = [(excess, course) for excess, course in found if excess]
    if not turning:
        raise NotMeasured("no vessel segment is long enough")
    density = [(len(excess) - 1) / len(excess) * sum(excess) / course.length for excess, course in turning]
    return float(np.average(density, weights=[course.length for _, course in turning]))


def _arc_chord(eye: Eye) -> float:
    return arc_chord_tortuosity(eye.whole)


def _arc_chord_of_segments(eye: Eye) -> float:
    return float(arc_over_chord(eye.whole)[0].mean())


def _squared_curvature(eye: Eye) -> float:
    return squared_curvature(eye.whole)


def _turn_density_of_all(eye: Eye) -> float:
    return turn_density(eye.whole)


_VALID = (
    "Where at least one segment is longer than six mean vessel widths outside the junctions. Depends on where vessels"
    " are cut into segments, so on which branches the segmentation finds."
)

TORTUOSITY = Measurement(
    name="tortuosity",
    title="Tortuosity (arc over chord)",
    definition="Length of the smoothed centreline of a segment, outside the junctions, divided by the straight distance"
    " between its ends; mean over segments weighed by length.",
    explanation="How much longer the vessels are than the straight way: 1 is straight, 1.1 is 10% longer.\n"
    "A long gentle bend raises it as much as many small ones.",
    kind="number",
    group="Tortuosity",
    citation="Lotmar et al., 'Measurement of vessel tortuosity on fundus photographs', Albrecht von Graefes Archiv 211,"
    " 1979; Hart et al., 'Measurement and classification of retinal vascular tortuosity', International Journal of"
    " Medical Informatics 53, 1999",
    valid=_VALID,
    function=_arc_chord,
)

SEGMENT_TORTUOSITY = Measurement(
    name="segment-tortuosity",
    title="Tortuosity per segment",
    definition="Arc over chord as in the tortuosity; mean over segments, each counting once.",
    explanation="How much longer than straight an average piece of vessel between two branchings is.\n"
    "Short pieces count as much as long ones, so it is nearer to 1 than the tortuosity by length.",
    kind="number",
    group="Tortuosity",
    citation="Hart et al., 'Measurement and classification of retinal vascular tortuosity', International Journal of"
    " Medical Informatics 53, 1999",
    valid=_VALID,
    function=_arc_chord_of_segments,
)

SQUARED_CURVATURE = Measurement(
    name="squared-curvature",
    title="Mean squared curvature",
    definition="Integral of the squared curvature of the smoothed centrelines divided by their length. Curvature by"
    " local cubics over four mean vessel widths (19 pixels at least).",
    explanation="How sharply vessels bend along their way; straight vessels have 0.\n"
    "A few tight bends raise it more than a long gentle one.",
    kind="per squared length",
    group="Tortuosity",
    citation="Hart et al., 'Measurement and classification of retinal vascular tortuosity', International Journal of"
    " Medical Informatics 53, 1999 (total squared curvature by arc length)",
    valid=_VALID + " Bends tighter than about two vessel widths are smoothed away; where vessels are thinner than about"
    " three pixels, stairs of the mask may add to it.",
    function=_squared_curvature,
)

TURN_DENSITY = Measurement(
    name="tortuosity-density",
    title="Tortuosity density (by turns)",
    definition="A segment is cut where its curvature changes sign into n turns; (n - 1)/n times the sum over turns of"
    " (arc/chord - 1), divided by the segment's length; mean over segments weighed by length. Turns of less than 10"
    " degrees belong to their neighbours.",
    explanation="How much vessels wind to and fro: a vessel that bends one way only has 0.\n"
    "Many wide swings on a short way raise it.",
    kind="per length",
    group="Tortuosity",
    citation="Grisan et al., 'A novel method for the automatic grading of retinal vessel tortuosity', IEEE Transactions"
    " on Medical Imaging 27(3), 2008",
    valid=_VALID,
    function=_turn_density_of_all,
)
