"""Draws the README's picture from a finished run: photograph, probability of the positive class, errors.

.venv/bin/retseg demo
.venv/bin/python benchmarks/picture.py --run runs/demo-unet-* --prepared data/prepared/synthetic-* \
    --out reports/sample/result.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from retseg.core.types import CLASS_MAP
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import write_png
from retseg.imaging.maps import read_probability
from retseg.imaging.overlay import error_overlay


def main() -> None:
    """Draws the first test photograph of the set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    data = PreparedSet.open(arguments.prepared)
    case = data.case(data.split("test")[0])
    folder = arguments.run / "predict" / data.name
    probability = read_probability(folder / "prob" / f"{case.sample.id}.png")
    threshold = json.loads((folder / "operating_point.json").read_text(encoding="utf-8"))["threshold"]
    truth = case.targets[CLASS_MAP] == data.classes.positive
    grey = np.repeat((probability * case.fov * 255).round().astype(np.uint8)[..., None], 3, axis=2)
    errors = error_overlay(case.image, probability > threshold, truth, case.fov)
    gap = np.full((case.image.shape[0], 12, 3), 255, np.uint8)
    write_png(arguments.out, np.concatenate([case.image, gap, grey, gap, errors], axis=1))


if __name__ == "__main__":
    main()
