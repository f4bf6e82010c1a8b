"""How much of the retina is vessel: by area, and by length."""

from __future__ import annotations

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.part import Part


def area_density(part: Part) -> float:
    """Share of a part's pixels that are vessel, from 0 to 1."""
    if not part.area:
        raise NotMeasured("the region is empty")
    return float(part.vessels.sum()) / part.area


def length_density(part: Part) -> float:
    """Length of all centrelines by the part's area, in 1/pixel."""
    if not part.area:
        raise NotMeasured("the region is empty")
    if not part.courses:
        raise NotMeasured("no vessel is long enough to have a centreline")
    return part.length / part.area


def _area_of_all(eye: Eye) -> float:
    return area_density(eye.whole)


def _length_of_all(eye: Eye) -> float:
    return length_density(eye.whole)


AREA_DENSITY = Measurement(
    name="area-density",
    title="Vessel area density",
    definition="Vessel pixels divided by the pixels of the field of view.",
    explanation="How much of the visible retina is covered by vessels.\n"
    "Lower where vessels are lost or narrow, higher where they are wide.",
    kind="fraction",
    group="Amount of vessels",
    citation="Reif et al., 'Quantifying optical microangiography images obtained from a spectral domain optical"
    " coherence tomography system', International Journal of Biomedical Imaging, 2012 (vessel area density)",
    valid="Any photograph with vessels. Depends on the field that the camera shows and on how fine the vessels are that"
    " the segmentation finds.",
    function=_area_of_all,
)

LENGTH_DENSITY = Measurement(
    name="length-density",
    title="Vessel length density",
    definition="Length of the smoothed centrelines of all vessel segments, from junction to junction, divided by the"
    " area of the field of view.",
    explanation="How many millimetres of vessel there are in each square millimetre of retina.\n"
    "Unlike the area density it counts fine and wide vessels alike.",
    kind="per length",
    group="Amount of vessels",
    citation="Reif et al., 'Quantifying optical microangiography images obtained from a spectral domain optical"
    " coherence tomography system', International Journal of Biomedical Imaging, 2012 (vessel skeleton density)",
    valid="Any photograph with vessels. Fine vessels make most of the length, so it depends on whether they are found.",
    function=_length_of_all,
)
