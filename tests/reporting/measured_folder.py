"""A folder as the stages `predict` and `measure` leave it, made of drawn photographs with invented measurements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from retseg.datasets.synthetic.cameras import find_camera
from retseg.datasets.synthetic.fundus import SyntheticEye, generate
from retseg.imaging.io import write_png
from retseg.imaging.maps import write_probability
from retseg.imaging.overlay import class_overlay
from retseg.imaging.vessels import local_calibre, skeleton

# name, title, unit, digits of a typical value, spread, group
KINDS = (
    ("vessel_area_density", "Vessel area density", "fraction", 0.118, 0.02, "Amount of vessels"),
    ("skeleton_density", "Skeleton length density", "1/mm", 2.31, 0.3, "Amount of vessels"),
    ("fractal_box", "Fractal dimension, box counting", "", 1.53, 0.05, "Complexity"),
    ("fractal_information", "Fractal dimension, information", "", 1.50, 0.05, "Complexity"),
    ("fractal_correlation", "Fractal dimension, correlation", "", 1.47, 0.05, "Complexity"),
    ("lacunarity", "Lacunarity", "", 0.31, 0.05, "Complexity"),
    ("tortuosity_arc_chord", "Tortuosity, arc over chord", "", 1.08, 0.02, "Tortuosity"),
    ("tortuosity_squared_curvature", "Tortuosity, squared curvature", "1/mm", 0.0421, 0.01, "Tortuosity"),
    ("tortuosity_inflections", "Tortuosity, inflection based", "", 0.142, 0.04, "Tortuosity"),
    ("calibre_mean", "Mean calibre", "um", 71.0, 8, "Calibre"),
    ("calibre_median", "Median calibre", "um", 64.0, 8, "Calibre"),
    ("calibre_zone_b", "Mean calibre in zone B", "um", 92.0, 9, "Calibre"),
    ("calibre_zone_c", "Mean calibre in zone C", "um", 84.0, 9, "Calibre"),
    ("bifurcations", "Bifurcations", "count", 63, 12, "Branching"),
    ("crossings", "Crossings", "count", 14, 4, "Branching"),
    ("end_points", "End points", "count", 92, 14, "Branching"),
    ("branching_angle", "Mean branching angle", "deg", 78.0, 5, "Branching"),
    ("murray_exponent", "Murray exponent", "", 2.7, 0.3, "Branching"),
    ("density_superior_temporal", "Density, superior temporal", "fraction", 0.12, 0.02, "Sectors"),
    ("density_inferior_temporal", "Density, inferior temporal", "fraction", 0.11, 0.02, "Sectors"),
    ("density_superior_nasal", "Density, superior nasal", "fraction", 0.13, 0.02, "Sectors"),
    ("density_inferior_nasal", "Density, inferior nasal", "fraction", 0.12, 0.02, "Sectors"),
    ("crae", "CRAE", "um", 0.0, 0.0, "Arteries and veins"),
    ("crve", "CRVE", "um", 0.0, 0.0, "Arteries and veins"),
    ("avr", "Arteriole to venule ratio", "", 0.0, 0.0, "Arteries and veins"),
)
NEEDS_MAP = {"pattern": "needs an artery/vein map", "values": {}}
BLURRED = {"pattern": "the photograph is out of focus ({value})", "values": {"value": "0.21"}}


@dataclass(frozen=True)
class Drawn:
    """One photograph of a made-up folder."""

    id: str
    seed: int
    eye: str = "left"
    grade: str = "good"
    camera: str = "demo"


DEFAULT = (
    Drawn("p1_right", 1, "right"),
    Drawn("p1_left", 1, "left", "usable"),
    Drawn("p2_right", 2, "right"),
    Drawn("p3_left", 3, "left", "reject"),
)


def make_measured(folder: Path, photographs: tuple[Drawn, ...] = DEFAULT) -> Path:
    """Writes everything into `folder` and returns it."""
    _write(folder / "measure" / "definitions.json", definitions())
    ranges = {n: {"low": m - 1.5 * s, "high": m + 1.5 * s, "n": 15, "unit": u} for n, _, u, m, s, _ in KINDS if s}
    about = {
        "pattern": "Range of {count} healthy eyes of the {dataset} set; five of them were among the training images.",
        "values": {"count": "15", "dataset": "HRF"},
    }
    _write(folder / "measure" / "reference.json", {"about": about, "ranges": ranges})
    _write(folder / "measure" / "model.json", MODEL)
    for item in photographs:
        _photograph(folder, item)
    return folder


MODEL = {
    "model": "unet",
    "version": "0.1.0",
    "weights_sha256": "3f" * 32,
    "threshold": 0.4375,
    "date": "2026-05-31",
    "protocol": "Field of view detected; photograph shown to the net at 1024 pixels; threshold frozen on HRF training",
    "credits": "HRF (Budai et al., 2013)",
}


def definitions() -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "title": title,
            "definition": "A definition in one line.",
            "explanation": "What it tells about the vessels, for clinicians, in two lines that say what a high and "
            "what a low value looks like.",
            "unit": unit,
            "citation": "Doe et al., 2010",
            "validity": "Needs a field of view of 30 to 60 degrees.",
            "group": group,
        }
        for name, title, unit, _, _, group in KINDS
    ]


def measurements(seed: int, grade: str) -> dict[str, Any]:
    """Invented values; a rejected photograph has none."""
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for name, _, unit, middle, spread, _ in KINDS if grade != "reject" else ():
        if not spread:
            found[name] = {"value": None, "low": None, "high": None, "unit": unit, "reason": NEEDS_MAP}
            continue
        value = middle + spread * random.normal()
        value = round(value) if unit == "count" else value
        half = spread * 0.4
        found[name] = {"value": value, "low": value - half, "high": value + half, "unit": unit, "reason": None}
    return found


def _photograph(folder: Path, item: Drawn) -> None:
    eye = generate(item.seed, find_camera(item.camera), eye="right" if item.eye == "right" else "left")
    photograph = folder.parent / "photographs" / f"{item.id}.png"
    write_png(photograph, eye.image)
    _maps(folder, item.id, eye)
    height, width = eye.vessel.shape
    column, row = eye.disc_centre
    entry: Mapping[str, Any] = {
        "id": item.id,
        "image": str(photograph),
        "um_per_pixel": eye.um_per_pixel,
        "scale": {"pattern": "from patients.csv", "values": {}},
        "size": [height, width],
        "disc": {"row": row, "column": column, "radius": eye.disc_radius, "confidence": 0.93},
        "fovea": {"row": eye.fovea[1], "column": eye.fovea[0], "confidence": 0.7},
        "quality": {
            "grade": item.grade,
            "reasons": [] if item.grade == "good" else [BLURRED],
            "measures": {"focus": 0.21, "contrast": 0.8},
        },
        "measurements": measurements(item.seed + 100 * (item.eye == "right"), item.grade),
    }
    _write(folder / "measure" / "photographs" / f"{item.id}.json", entry)


def _maps(folder: Path, identifier: str, eye: SyntheticEye) -> None:
    """A prediction that is the truth, a little blurred."""
    probability = gaussian_filter(eye.vessel.astype(np.float32), 0.7)
    mask = (probability > 0.4375) & eye.fov
    line = skeleton(mask)
    calibre = np.where(line, local_calibre(mask, line, eye.fov), 0)
    write_probability(folder / "prob" / f"{identifier}.png", probability)
    write_probability(folder / "uncertainty" / f"{identifier}.png", 4 * probability * (1 - probability))
    write_png(folder / "mask" / f"{identifier}.png", mask)
    write_png(folder / "fov" / f"{identifier}.png", eye.fov)
    write_png(folder / "overlay" / f"{identifier}.png", class_overlay(eye.image, mask, (213, 94, 0)))
    stored = np.minimum(255, np.rint(calibre * 4)).astype(np.uint8)
    write_png(folder / "measure" / "skeleton" / f"{identifier}.png", stored)


def _write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
