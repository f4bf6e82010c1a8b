"""Measurements in zones B and C around the optic disc, where the large vessels lie."""

from __future__ import annotations

from collections.abc import Callable

from retseg.biomarkers.calibre import mean_calibre
from retseg.biomarkers.density import area_density
from retseg.biomarkers.eye import Eye
from retseg.biomarkers.fractal import box_dimension
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.part import Part
from retseg.biomarkers.tortuosity import arc_chord_tortuosity
from retseg.biomarkers.units import Kind

_WHERE = {
    "b": "zone B, half a disc diameter to one from the disc's margin",
    "c": "zone C, half a disc diameter to two from the disc's margin",
}
_CITATION = (
    "Hubbard et al., 'Methods for evaluation of retinal microvascular abnormalities', Ophthalmology 106(12), 1999"
    " (zones A and B); Cheung et al., 'A new method to measure peripheral retinal vascular caliber over an extended"
    " area', Microcirculation 17(7), 2010 (zone C)"
)


def _in(zone: str, function: Callable[[Part], float]) -> Callable[[Eye], float]:
    def measured(eye: Eye) -> float:
        return function(eye.zone_b if zone == "b" else eye.zone_c)

    return measured


def _measurement(
    zone: str, stem: str, title: str, kind: Kind, function: Callable[[Part], float], what: str, means: str, valid: str
) -> Measurement:
    return Measurement(
        name=f"{stem}-zone-{zone}",
        title=f"{title} in zone {zone.upper()}",
        definition=f"{what} in {_WHERE[zone]}.",
        explanation=f"{means}\nThe ring around the disc holds the large vessels and is the same part of every eye.",
        kind=kind,
        group="Around the disc",
        citation=_CITATION,
        valid="Where the optic disc was found and half of the zone or more lies in the field of view." + valid,
        function=_in(zone, function),
    )


def _density(zone: str) -> Measurement:
    what = "Vessel pixels divided by all pixels of the field of view"
    means = "How much of the retina around the disc is covered by vessels."
    return _measurement(zone, "area-density", "Vessel area density", "fraction", area_density, what, means, "")


def _calibre(zone: str) -> Measurement:
    what = "Mean width along all vessels, as in the mean calibre of the whole field,"
    means = "How wide the vessels near the disc are on average."
    valid = " The mask must be right to a fraction of a pixel."
    return _measurement(zone, "calibre-mean", "Mean calibre", "length", mean_calibre, what, means, valid)


def _tortuosity(zone: str) -> Measurement:
    what = "Arc over chord of the pieces of segments, mean weighed by length, as in the tortuosity of the whole field,"
    means = "How much longer the vessels near the disc are than the straight way."
    valid = " A piece must be six mean vessel widths long; pieces end where the zone ends."
    return _measurement(zone, "tortuosity", "Tortuosity", "number", arc_chord_tortuosity, what, means, valid)


def _dimension(zone: str) -> Measurement:
    what = "Box-counting dimension of the centrelines, with boxes sized by the zone as otherwise by the field of view,"
    means = "How densely the vessels fill the retina around the disc."
    valid = " The zone must be as large as a circle of 192 pixels in diameter."
    return _measurement(zone, "fractal-dimension", "Fractal dimension", "number", box_dimension, what, means, valid)


DENSITY_B, DENSITY_C = _density("b"), _density("c")
CALIBRE_B, CALIBRE_C = _calibre("b"), _calibre("c")
TORTUOSITY_B, TORTUOSITY_C = _tortuosity("b"), _tortuosity("c")
DIMENSION_B, DIMENSION_C = _dimension("b"), _dimension("c")
