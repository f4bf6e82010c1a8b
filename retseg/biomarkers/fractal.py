"""Fractal dimensions of the vessel tree: how its complexity grows as one looks closer."""

from __future__ import annotations

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.part import Part


def box_dimension(part: Part) -> float:
    """The box-counting dimension D0 of the centrelines in a part."""
    return part.boxes.box_dimension


def _box(eye: Eye) -> float:
    return box_dimension(eye.whole)


def _information(eye: Eye) -> float:
    return eye.whole.boxes.information_dimension


def _correlation(eye: Eye) -> float:
    return eye.whole.boxes.correlation_dimension


_BOXES = (
    " Boxes on points a pixel apart along the smoothed centrelines, with sides from a 128th to a 16th of the diameter"
    " of the field of view, averaged over 16 places of the grid; the slope of the least squares line."
)
_VALID = (
    "Where the centrelines together are longer than the field is wide. Depends on the field of view and on the range of"
    " box sizes: compare only numbers of one program and one kind of camera. Vessels are no exact fractals:"
    " over the few sizes that a photograph has, the three dimensions may come in any order."
)

BOX_DIMENSION = Measurement(
    name="fractal-dimension",
    title="Fractal dimension (box counting)",
    definition="D0: how the logarithm of the number of boxes that hold a centreline falls with that of their side."
    " Boxes at the rim count as far as they lie in the field of view." + _BOXES,
    explanation="How densely and how finely the vessel tree fills the retina: 1 for a line, 2 for a filled plane.\n"
    "Lower values mean a sparser tree with fewer branches.",
    kind="number",
    group="Complexity",
    citation="Mainster, 'The fractal properties of retinal vessels: embryological and clinical implications', Eye 4,"
    " 1990; Liew et al., 'The retinal vasculature as a fractal', Ophthalmology 115(11), 2008",
    valid=_VALID,
    function=_box,
)

INFORMATION_DIMENSION = Measurement(
    name="information-dimension",
    title="Information dimension",
    definition="D1: how the sum of p ln p over boxes rises with the logarithm of their side, p being a box's share of"
    " the total length." + _BOXES,
    explanation="Like the fractal dimension, but regions with many vessels count for more than those with few.\n"
    "The further it is below the fractal dimension, the less evenly the vessels are spread.",
    kind="number",
    group="Complexity",
    citation="Stosic and Stosic, 'Multifractal analysis of human retinal vessels', IEEE Transactions on Medical Imaging"
    " 25(8), 2006",
    valid=_VALID,
    function=_information,
)

CORRELATION_DIMENSION = Measurement(
    name="correlation-dimension",
    title="Correlation dimension",
    definition="D2: how the logarithm of the sum of p² over boxes rises with that of their side, p being a box's share"
    " of the total length." + _BOXES,
    explanation="Like the information dimension, with still more weight on regions where vessels crowd.\n"
    "Says how fast one meets other vessels on moving away from a vessel.",
    kind="number",
    group="Complexity",
    citation="Stosic and Stosic, 'Multifractal analysis of human retinal vessels', IEEE Transactions on Medical Imaging"
    " 25(8), 2006; Grassberger and Procaccia, Physica D 9, 1983",
    valid=_VALID,
    function=_correlation,
)
