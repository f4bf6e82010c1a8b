"""The measurements that can be asked for by name, in the order in which tables show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retseg.core.registry import Registry

if TYPE_CHECKING:
    from retseg.biomarkers.measurement import Measurement

BIOMARKERS: Registry[Measurement] = Registry(
    "biomarker",
    "retseg.biomarkers",
    {
        "area-density": "retseg.biomarkers.density:AREA_DENSITY",
        "length-density": "retseg.biomarkers.density:LENGTH_DENSITY",
        "fractal-dimension": "retseg.biomarkers.fractal:BOX_DIMENSION",
        "information-dimension": "retseg.biomarkers.fractal:INFORMATION_DIMENSION",
        "correlation-dimension": "retseg.biomarkers.fractal:CORRELATION_DIMENSION",
        "lacunarity": "retseg.biomarkers.lacunarity:LACUNARITY",
        "tortuosity": "retseg.biomarkers.tortuosity:TORTUOSITY",
        "segment-tortuosity": "retseg.biomarkers.tortuosity:SEGMENT_TORTUOSITY",
        "squared-curvature": "retseg.biomarkers.tortuosity:SQUARED_CURVATURE",
        "tortuosity-density": "retseg.biomarkers.tortuosity:TURN_DENSITY",
        "calibre-mean": "retseg.biomarkers.calibre:MEAN_CALIBRE",
        "calibre-median": "retseg.biomarkers.calibre:MEDIAN_CALIBRE",
        "calibre-spread": "retseg.biomarkers.calibre:CALIBRE_SPREAD",
        "crae": "retseg.biomarkers.central_vessels:CRAE",
        "crve": "retseg.biomarkers.central_vessels:CRVE",
        "avr": "retseg.biomarkers.central_vessels:AVR",
        "bifurcations": "retseg.biomarkers.counting:BIFURCATIONS",
        "crossings": "retseg.biomarkers.counting:CROSSINGS",
        "end-points": "retseg.biomarkers.counting:END_POINTS",
        "bifurcation-density": "retseg.biomarkers.counting:BIFURCATION_DENSITY",
        "crossing-density": "retseg.biomarkers.counting:CROSSING_DENSITY",
        "end-point-density": "retseg.biomarkers.counting:END_POINT_DENSITY",
        "branching-angle": "retseg.biomarkers.branching:BRANCHING_ANGLE",
        "murray-exponent": "retseg.biomarkers.branching:MURRAY_EXPONENT",
        "branching-asymmetry": "retseg.biomarkers.branching:ASYMMETRY",
        "area-density-zone-b": "retseg.biomarkers.zones:DENSITY_B",
        "calibre-mean-zone-b": "retseg.biomarkers.zones:CALIBRE_B",
        "tortuosity-zone-b": "retseg.biomarkers.zones:TORTUOSITY_B",
        "fractal-dimension-zone-b": "retseg.biomarkers.zones:DIMENSION_B",
        "area-density-zone-c": "retseg.biomarkers.zones:DENSITY_C",
        "calibre-mean-zone-c": "retseg.biomarkers.zones:CALIBRE_C",
        "tortuosity-zone-c": "retseg.biomarkers.zones:TORTUOSITY_C",
        "fractal-dimension-zone-c": "retseg.biomarkers.zones:DIMENSION_C",
        "area-density-temporal": "retseg.biomarkers.sectors:TEMPORAL",
        "area-density-superior": "retseg.biomarkers.sectors:SUPERIOR",
        "area-density-nasal": "retseg.biomarkers.sectors:NASAL",
        "area-density-inferior": "retseg.biomarkers.sectors:INFERIOR",
        "etdrs-centre": "retseg.biomarkers.sectors:ETDRS_CENTRE",
        "etdrs-inner-temporal": "retseg.biomarkers.sectors:INNER_TEMPORAL",
        "etdrs-inner-superior": "retseg.biomarkers.sectors:INNER_SUPERIOR",
        "etdrs-inner-nasal": "retseg.biomarkers.sectors:INNER_NASAL",
        "etdrs-inner-inferior": "retseg.biomarkers.sectors:INNER_INFERIOR",
        "etdrs-outer-temporal": "retseg.biomarkers.sectors:OUTER_TEMPORAL",
        "etdrs-outer-superior": "retseg.biomarkers.sectors:OUTER_SUPERIOR",
        "etdrs-outer-nasal": "retseg.biomarkers.sectors:OUTER_NASAL",
        "etdrs-outer-inferior": "retseg.biomarkers.sectors:OUTER_INFERIOR",
    },
)
