"""Vessel density in sectors: the quadrants around the optic disc, and the ETDRS grid around the fovea."""

from __future__ import annotations

from retseg.biomarkers.density import area_density
from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.regions import DISC_MM, etdrs_centre, etdrs_sector, quadrant

_SIDES = (
    " Temporal is where the fovea lies from the disc; the borders of the quadrants lie halfway between the line from"
    " the disc to the fovea and its normal, and superior is up in the photograph."
)
_RINGS = {1: "inner", 2: "outer"}


def _quadrant(side: str) -> Measurement:
    def measured(eye: Eye) -> float:
        return area_density(eye.part(quadrant(side, eye.found_disc, eye.found_fovea)))

    return Measurement(
        name=f"area-density-{side}",
        title=f"Vessel area density, {side}",
        definition=f"Vessel pixels divided by all pixels in the {side} quadrant of zone C, half a disc diameter to two"
        " from the disc's margin." + _SIDES,
        explanation=f"How much of the retina on the {side} side of the disc is covered by vessels.\n"
        "Quadrants that differ much from each other point to a local loss.",
        kind="fraction",
        group="Around the disc",
        citation="Cheung et al., 'A new method to measure peripheral retinal vascular caliber over an extended area',"
        " Microcirculation 17(7), 2010 (zone C)",
        valid="Where the optic disc and the fovea were found and half of the quadrant or more lies in the field of"
        " view.",
        function=measured,
    )


def _etdrs(name: str, where: str, ring: int, side: str) -> Measurement:
    def measured(eye: Eye) -> float:
        fovea, scale = eye.found_fovea, eye.pixels_per_mm
        region = etdrs_centre(fovea, scale) if ring == 0 else etdrs_sector(ring, side, eye.found_disc, fovea, scale)
        return area_density(eye.part(region))

    return Measurement(
        name=f"etdrs-{name}",
        title=f"Vessel area density, ETDRS {where}",
        definition=f"Vessel pixels divided by all pixels in the {where} of the ETDRS grid: circles of 1, 3 and 6 mm"
        " around the fovea, the rings between them in four sectors." + (_SIDES if ring else ""),
        explanation=f"How much of the retina in the {where} of the macular grid is covered by vessels.\n"
        "The grid is the one that OCT reports use, so that the two can be laid side by side.",
        kind="fraction",
        group="ETDRS grid",
        citation="Early Treatment Diabetic Retinopathy Study Research Group, 'ETDRS report number 10', Ophthalmology"
        " 98(5), 1991; disc diameter: Quigley et al., 'The size and shape of the optic disc in normal human eyes',"
        " Archives of Ophthalmology 108(1), 1990",
        valid="Where the fovea was found (and the optic disc, but for the centre) and half of the sector or more lies"
        f" in the field of view. Where the scale is not known the disc is taken to be {DISC_MM} mm wide; discs differ"
        " by 10% and more.",
        function=measured,
    )


def _ring(ring: int, side: str) -> Measurement:
    return _etdrs(f"{_RINGS[ring]}-{side}", f"{_RINGS[ring]} {side} sector", ring, side)


TEMPORAL, SUPERIOR, NASAL, INFERIOR = (_quadrant(side) for side in ("temporal", "superior", "nasal", "inferior"))

ETDRS_CENTRE = _etdrs("centre", "centre", 0, "")
INNER_TEMPORAL, INNER_SUPERIOR = _ring(1, "temporal"), _ring(1, "superior")
INNER_NASAL, INNER_INFERIOR = _ring(1, "nasal"), _ring(1, "inferior")
OUTER_TEMPORAL, OUTER_SUPERIOR = _ring(2, "temporal"), _ring(2, "superior")
OUTER_NASAL, OUTER_INFERIOR = _ring(2, "nasal"), _ring(2, "inferior")
