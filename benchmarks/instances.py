"""Draws the README's picture of people told apart: photograph, truth, what the run found, what merely hangs together.

retseg run pipelines/pedestrians-demo.yaml
python benchmarks/instances.py --run runs/pedestrians-demo-unet-KEY --out reports/sample/instances.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from retseg.core.manifest import Manifest
from retseg.core.types import INSTANCES, UInt8Array, UInt16Array
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import read_label
from retseg.postprocess.registry import separate
from retseg.reporting.instance_pictures import instance_colours, matched, painted_instances

_GAP = 8


def main() -> None:
    """Draws the first test photographs of the set that the run was trained on, a row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=3)
    arguments = parser.parse_args()
    data = PreparedSet.open(Path(str(Manifest.read(arguments.run / "train").facts["prepared"])))
    rows = [row_of(data, arguments.run, number) for number in range(arguments.rows)]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, _GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    # A palette of so many colours halves the file and shows no difference.
    Image.fromarray(np.concatenate(padded)).quantize(160).save(arguments.out, optimize=True)


def row_of(data: PreparedSet, run: Path, number: int) -> UInt8Array:
    """The pictures of one test photograph side by side: (H, W, 3)."""
    case = data.case(data.split("test")[number])
    folder = run / "predict" / data.name
    truth: UInt16Array = case.targets[INSTANCES]
    found = read_label(folder / "instances" / f"{case.sample.id}.png").astype(np.uint16)
    mask = read_label(folder / "mask" / f"{case.sample.id}.png")
    together = separate(mask, data.classes, {}, "components")
    like = instance_colours(truth)
    pictures = [case.image]
    for ids in (truth, found, together):
        asked = {one: like[other] for one, other in matched(ids, truth).items()}
        pictures.append(painted_instances(case.image, ids, instance_colours(ids, asked), case.image.shape[1]))
    gap = np.full((case.image.shape[0], _GAP // 2, 3), 255, np.uint8)
    return np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], axis=1)


if __name__ == "__main__":
    main()
