"""Draws the README's picture from a run: photograph, probability of the positive class, errors against the truth.

retseg prepare --dataset synthetic --set dataset.size=chase --set dataset.count=60 --out data/prepared/drawn
retseg train --dataset data/prepared/drawn --out runs/drawn --set train.epochs=24 --set train.steps_per_epoch=50
retseg predict --dataset data/prepared/drawn --run runs/drawn
python benchmarks/picture.py --run runs/drawn --prepared data/prepared/drawn --out reports/sample/result.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from retseg.core.types import CLASS_MAP
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.maps import read_probability
from retseg.imaging.overlay import error_overlay


def main() -> None:
    """Draws the first test photograph of the set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--width", type=int, default=1500, help="width of the picture in pixels")
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
    picture = Image.fromarray(np.concatenate([case.image, gap, grey, gap, errors], axis=1))
    picture.thumbnail((arguments.width, arguments.width), Image.Resampling.LANCZOS)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    picture.save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()
