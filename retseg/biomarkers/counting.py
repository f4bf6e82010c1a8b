"""How many branchings, crossings and free ends there are."""

from __future__ import annotations

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.imaging.segments import EndKind


def bifurcations(eye: Eye) -> int:
    """How often vessels branch in the field of view."""
    return eye.meetings.branchings


def crossings(eye: Eye) -> int:
    """How often a vessel crosses another in the field of view."""
    return eye.meetings.crossings


def end_points(eye: Eye) -> int:
    """How many vessels end freely in the field of view, and not at its rim."""
    return eye.graph.ends(EndKind.END_POINT)


def _bifurcation_density(eye: Eye) -> float:
    return bifurcations(eye) / eye.whole.area


def _crossing_density(eye: Eye) -> float:
    return crossings(eye) / eye.whole.area


def _end_point_density(eye: Eye) -> float:
    return end_points(eye) / eye.whole.area


_CROSSING = (
    "Four vessel arms are a crossing where they are two pairs that each go straight on within 45 degrees; so are two"
    " junctions that share less than five widths of vessel."
)
_CITATION = (
    "Fraz et al., 'QUARTZ: Quantitative Analysis of Retinal Vessel Topology and size', Expert Systems with Applications"
    " 42(20), 2015"
)
_VALID = (
    "Any photograph with vessels. Vessels that lie over each other on the optic disc count as the mask shows them."
    " Every gap and every false spur of the segmentation counts, so it is a figure of the mask as much as of the eye."
)

BIFURCATIONS = Measurement(
    name="bifurcations",
    title="Bifurcations",
    definition="Places where one vessel becomes two. Junctions of the pruned skeleton that are no crossings; one where"
    " n segments meet counts n - 2 times. " + _CROSSING,
    explanation="How often the vessels branch in the photograph.\nFewer where fine branches are lost or unseen.",
    kind="count",
    group="Branching",
    citation=_CITATION,
    valid=_VALID,
    function=bifurcations,
)

CROSSINGS = Measurement(
    name="crossings",
    title="Crossings",
    definition="Places where a vessel runs over another. " + _CROSSING,
    explanation="How often vessels cross, as a rule an artery and a vein.\n"
    "Crossings are where venous occlusions arise.",
    kind="count",
    group="Branching",
    citation=_CITATION,
    valid=_VALID,
    function=crossings,
)

END_POINTS = Measurement(
    name="end-points",
    title="End points",
    definition="Free ends of the pruned skeleton that do not lie at the rim of the field of view.",
    explanation="How many vessels end in the photograph, because they become too fine to be seen.\n"
    "Many ends with few bifurcations mean a broken segmentation.",
    kind="count",
    group="Branching",
    citation=_CITATION,
    valid=_VALID,
    function=end_points,
)

BIFURCATION_DENSITY = Measurement(
    name="bifurcation-density",
    title="Bifurcation density",
    definition="Number of bifurcations divided by the area of the field of view.",
    explanation="How often the vessels branch in each square millimetre of retina.\n"
    "Can be compared between photographs of different fields.",
    kind="per area",
    group="Branching",
    citation=_CITATION,
    valid=_VALID,
    function=_bifurcation_density,
)

CROSSING_DENSITY = Measurement(
    name="crossing-density",
    title="Crossing density",
    definition="Number of crossings divided by the area of the field of view.",
    explanation="How often vessels cross in each square millimetre of retina.\n"
    "Can be compared between photographs of different fields.",
    kind="per area",
    group="Branching",
    citation=_CITATION,
    valid=_VALID,
    function=_crossing_density,
)

END_POINT_DENSITY = Measurement(
    name="end-point-density",
    title="End point density",
    definition="Number of free ends divided by the area of the field of view.",
    explanation="How many vessels end in each square millimetre of retina.\n"
    "Can be compared between photographs of different fields.",
    kind="per area",
    group="Branching",
    citation=_CITATION,
    valid=_VALID,
    function=_end_point_density,
)
