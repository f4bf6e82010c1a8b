"""Shows the optic disc and the fovea that are found in photographs, and measures them on drawn ones.

    python benchmarks/landmarks.py --data FOLDER --dataset chase --split train --sheet sheet.png
    python benchmarks/landmarks.py --drawn 60

No set at hand says where its discs are, so somebody has to look: the sheet holds every photograph with its disc (white)
and its fovea (cyan), or "no disc". Drawn photographs know where theirs are.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from retseg.core.types import BoolArray, UInt8Array
from retseg.datasets.config import DatasetConfig
from retseg.datasets.registry import DATASETS, find_datasets
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import SyntheticEye, generate
from retseg.imaging.anatomy import Disc, Fovea
from retseg.imaging.fov import estimate_fov
from retseg.imaging.fovea import find_fovea
from retseg.imaging.io import read_image
from retseg.imaging.optic_disc import find_disc

TILE = 420
"""Pixels of a photograph's longer side on the sheet."""

# Scaled so that drawing takes a second and fields are some 500 pixels across.
DRAWN_BY = {"screening": 1.0, "chase": 0.6, "hrf": 0.17, "drive": 1.0, "stare": 0.9}


def photographs(data: Path, name: str, split: str) -> Iterator[tuple[str, UInt8Array]]:
    """Names and pixels of a set's photographs of one split, below the folder `data`."""
    found = find_datasets(data)
    if name not in found:
        raise SystemExit(f"no {name} below {data}")
    for sample in DATASETS.get(name)(DatasetConfig(name=name)).survey(found[name]).samples:
        if sample.split == split:
            yield sample.id, read_image(sample.image)


def tile(name: str, image: UInt8Array, disc: Disc | None, fovea: Fovea | None) -> Image.Image:
    """A small copy with the landmarks drawn on it."""
    scale = TILE / max(image.shape)
    picture = Image.fromarray(image).resize((round(image.shape[1] * scale), round(image.shape[0] * scale)))
    pen = ImageDraw.Draw(picture)
    pen.text((4, 4), name if disc else f"{name}: no disc", fill="white", font_size=16)
    for place, radius, colour in (
        (disc, disc.radius if disc else 0.0, "white"),
        (fovea, 0.25 * disc.radius if disc else 0.0, "cyan"),
    ):
        if place is not None:
            x, y, r = ((value + shift) * scale for value, shift in ((place.column, 0.5), (place.row, 0.5), (radius, 0)))
            pen.ellipse((x - r, y - r, x + r, y + r), outline=colour)
            pen.text((x + r + 2, y - 6), f"{place.confidence:.2f}", fill=colour, font_size=12)
    return picture


def sheet(tiles: list[Image.Image]) -> Image.Image:
    """The tiles side by side, about as wide as high."""
    columns = max(1, round(len(tiles) ** 0.5))
    height = max(one.height for one in tiles)
    whole = Image.new("RGB", (columns * TILE, height * -(-len(tiles) // columns)))
    for number, one in enumerate(tiles):
        whole.paste(one, (number % columns * TILE, number // columns * height))
    return whole


def look(data: Path, name: str, split: str, path: Path) -> None:
    tiles, discs, foveas, seconds = [], 0, 0, []
    for identifier, image in photographs(data, name, split):
        fov = estimate_fov(image)
        start = time.process_time()
        disc = find_disc(image, fov)
        fovea = find_fovea(image, fov, disc)
        seconds.append(time.process_time() - start)
        discs, foveas = discs + (disc is not None), foveas + (fovea is not None)
        tiles.append(tile(identifier, image, disc, fovea))
        size = f"radius {disc.radius:.0f} pixels, confidence {disc.confidence:.2f}" if disc else "none"
        print(f"{identifier}: disc {size}; fovea {f'{fovea.confidence:.2f}' if fovea else 'none'}")
    sheet(tiles).save(path)
    print(f"{len(tiles)} photographs, {discs} discs, {foveas} foveas; processor time {np.median(seconds):.2f} s each")


def drawn(count: int) -> Iterator[SyntheticEye]:
    """Drawn eyes, by each camera in turn; seeds that nothing was fitted to."""
    cameras = [CAMERAS[name].scaled(scale) for name, scale in DRAWN_BY.items()]
    for number in range(count):
        yield generate(50_000 + number, cameras[number % len(cameras)])


def in_field(fov: BoolArray, x: float, y: float) -> bool:
    row, column = round(y), round(x)
    return 0 <= row < fov.shape[0] and 0 <= column < fov.shape[1] and bool(fov[row, column])


def measure(count: int) -> None:
    centres, radii, foveas = [], [], []
    missed = beside = lost = invented = 0
    for eye in drawn(count):
        disc = find_disc(eye.image, eye.fov)
        if disc is None:
            missed += 1
            continue
        off = np.hypot(disc.column - eye.disc_centre[0], disc.row - eye.disc_centre[1]) / eye.disc_radius
        beside += off > 1
        centres.append(off)
        radii.append(disc.radius / eye.disc_radius)
        fovea, there = find_fovea(eye.image, eye.fov, disc), in_field(eye.fov, *eye.fovea)
        lost, invented = lost + (fovea is None and there), invented + (fovea is not None and not there)
        if fovea is not None and there:
            foveas.append(np.hypot(fovea.column - eye.fovea[0], fovea.row - eye.fovea[1]) / (2 * eye.disc_radius))
    within = np.abs(np.array(radii) - 1) < 0.2
    print(f"{count} drawn eyes: {len(radii)} discs found, {missed} not found, {beside} of the found beside the disc")
    print(f"centre off by {np.median(centres):.3f} radii (median), {np.percentile(centres, 95):.3f} (95th percentile)")
    print(f"radius over the truth: median {np.median(radii):.3f}, within 20% in {within.sum()} of {len(within)}")
    print(
        f"foveas: {len(foveas)} found, {lost} in the field but not found, {invented} found though outside; off by "
        f"{np.median(foveas):.3f} disc diameters (median), {sum(off > 0.5 for off in foveas)} by more than half a one"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder below which the set lies")
    parser.add_argument("--dataset", default="chase")
    parser.add_argument("--split", default="train")
    parser.add_argument("--sheet", type=Path, default=Path("landmarks.png"), help="where the picture goes")
    parser.add_argument("--drawn", type=int, default=0, help="so many drawn eyes are measured")
    arguments = parser.parse_args()
    if arguments.drawn:
        measure(arguments.drawn)
    if arguments.data:
        look(arguments.data, arguments.dataset, arguments.split, arguments.sheet)


if __name__ == "__main__":
    main()
