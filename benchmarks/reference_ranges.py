"""The reference ranges that ship with retseg: measurements of HRF's healthy eyes by the shipped model.

    RETSEG_DATA=FOLDER python benchmarks/reference_ranges.py

Writes retseg/biomarkers/reference.json: of each measurement the mean and 1.96 standard deviations either way, over the
healthy eyes that it could be taken from, if these are ten or more; and how wide their fields of view are on the
retina, a tenth more either way, because only photographs that show about as much of it can be compared.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from retseg.biomarkers.registry import BIOMARKERS
from retseg.core.errors import RetsegError
from retseg.core.messages import Message
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.fov import fov_diameter
from retseg.imaging.io import read_label
from retseg.stages.measure import measure
from retseg.stages.predict import predict_prepared, split_samples
from retseg.stages.prepare import prepared_set
from retseg.stages.settings import load_settings

FILE = Path("retseg/biomarkers/reference.json")
HEALTHY = "_h"
"""How the ids of HRF's healthy eyes end."""

LEAST = 10
NORMAL = 1.96
"""Standard deviations either way that hold 95% of a normal distribution."""


BEYOND = 1.1
"""How much narrower or wider than the eyes' a field of view may be."""


def write_ranges(arguments: argparse.Namespace) -> None:
    settings = load_settings({}, (), {"dataset.name": "hrf", "evaluate.split": "all"})
    data = PreparedSet.open(prepared_set(settings).folder)
    predicted = predict_prepared(settings, data.folder, run=Path("default"), out=arguments.maps)
    healthy = [sample for sample in split_samples(data, "all") if sample.id.endswith(HEALTHY)]
    result = measure(
        settings, predicted.folder, healthy, out=arguments.maps.with_name(f"{arguments.maps.name}-measured")
    )
    found = [json.loads(path.read_text()) for path in sorted((result.folder / "photographs").glob("*.json"))]
    ranges = {}
    for name in BIOMARKERS.names():
        entries = [one["measurements"][name] for one in found if name in one["measurements"]]
        units = {entry["unit"] for entry in entries if entry["value"] is not None}
        values = np.array([entry["value"] for entry in entries if entry["value"] is not None])
        if len(values) < LEAST or len(units) > 1:
            continue
        low, high = (float(values.mean() + sign * NORMAL * values.std(ddof=1)) for sign in (-1, 1))
        ranges[name] = {"low": float(f"{low:.4g}"), "high": float(f"{high:.4g}"), "n": len(values), "unit": units.pop()}
    widths = [
        one["um_per_pixel"] * fov_diameter(read_label(predicted.folder / "fov" / f"{one['id']}.png") > 0) / 1000
        for one in found
        if one["um_per_pixel"] is not None
    ]
    field = {"low": round(min(widths) / BEYOND, 2), "high": round(max(widths) * BEYOND, 2)}
    trained = sum(sample.split == "train" for sample in healthy)
    about = Message(
        "Mean and 1.96 standard deviations of the {count} healthy eyes of HRF, one camera; {trained} of "
        "them were among the training images.",
        {"count": str(len(healthy)), "trained": str(trained)},
    )
    FILE.write_text(
        json.dumps({"about": about.to_json(), "field_mm": field, "ranges": ranges}, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{FILE}: {len(ranges)} ranges of {len(healthy)} eyes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, default=Path("maps-hrf"), help="folder for the predictions")
    arguments = parser.parse_args()
    try:
        write_ranges(arguments)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")


if __name__ == "__main__":
    main()
