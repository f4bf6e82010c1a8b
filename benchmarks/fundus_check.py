"""Measures the check for fundus photographs: on real ones spoilt in many ways, and on pictures that are none.

    python benchmarks/fundus_check.py --photographs FOLDER [FOLDER ...] --others FOLDER [FOLDER ...]

Every photograph below `--photographs` (labels beside them are left out) is spoilt in each of the ways below. Every
image below `--others` and every drawn one should be flagged. `--list` names each picture that was judged wrongly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.core.types import UInt8Array
from retseg.datasets.folder import photographs
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.fov import estimate_fov
from retseg.imaging.fundus_check import check_fundus
from retseg.imaging.io import list_images, read_image

Change = Callable[[UInt8Array], UInt8Array]
LARGEST = 1000
"""Pixels of the longer side: larger photographs are shrunk first, so that the many ways take minutes."""


def light(factor: float) -> Change:
    return lambda image: as_bytes(image * np.float32(factor))


def tinted(*gains: float) -> Change:
    return lambda image: as_bytes(image * np.array(gains, np.float32))


def blurred(share: float) -> Change:
    return lambda image: ndimage.gaussian_filter(image, (share * max(image.shape), share * max(image.shape), 0))


def scaled(factor: float) -> Change:
    return lambda image: np.asarray(ImageOps.scale(Image.fromarray(image), factor))


def rotated(degrees: float) -> Change:
    return lambda image: np.asarray(Image.fromarray(image).rotate(degrees, Image.Resampling.BILINEAR, expand=True))


def cropped(share: float) -> Change:
    """The middle of the photograph, of this share of its shorter side: no border of the field is left."""

    def change(image: UInt8Array) -> UInt8Array:
        half = int(share * min(image.shape[:2]) / 2)
        y, x = image.shape[0] // 2, image.shape[1] // 2
        return np.ascontiguousarray(image[y - half : y + half, x - half : x + half])

    return change


def jpeg(quality: int) -> Change:
    def change(image: UInt8Array) -> UInt8Array:
        file = BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return change


def grey(image: UInt8Array) -> UInt8Array:
    """The green channel alone, as red-free photographs look."""
    return np.repeat(image[..., 1:2], 3, axis=2)


def negative(image: UInt8Array) -> UInt8Array:
    """Bright vessels on dark grey, as in an angiogram; the surround stays black."""
    return np.where(image.max(axis=2, keepdims=True) > 25, 255 - grey(image), np.uint8(0))


def on_white(image: UInt8Array) -> UInt8Array:
    return np.where(image.max(axis=2, keepdims=True) > 25, image, np.uint8(255))


def gradient(image: UInt8Array) -> UInt8Array:
    return as_bytes(image * np.linspace(0.03, 1.5, image.shape[1], dtype=np.float32)[None, :, None])


def vignette(image: UInt8Array) -> UInt8Array:
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) ** 2 for side in image.shape[:2])
    return as_bytes(image * np.exp(-3 * (y[:, None] + x[None]))[..., None] * 1.3)


def noisy(image: UInt8Array) -> UInt8Array:
    return as_bytes(image + np.random.default_rng(0).normal(0, 25, image.shape).astype(np.float32))


def labelled(image: UInt8Array) -> UInt8Array:
    """A scanned slide: a white sticker with writing in the corner, and a light line along the edge."""
    picture = Image.fromarray(image)
    pen, (width, height) = ImageDraw.Draw(picture), picture.size
    pen.rectangle((0, 0, width // 4, height // 8), fill=(245, 245, 240))
    pen.text((width // 60, height // 40), "OD 12/04/1998\nNo 4711", fill=(20, 20, 90), font_size=height // 35)
    pen.line((0, height - 2, width, height - 2), fill=(200, 200, 200), width=3)
    return np.asarray(picture)


def diseased(image: UInt8Array) -> UInt8Array:
    """A third of the retina under bleeding, exudates and laser scars."""
    rng, result = np.random.default_rng(1), image.astype(np.float32)
    inside = ndimage.binary_erosion(image.max(axis=2) > 25, iterations=5)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32) / max(image.shape)
    for colour, count, size in (((70, 8, 6), 8, 0.05), ((250, 235, 150), 40, 0.008), ((225, 200, 160), 40, 0.012)):
        for _ in range(count):
            cy, cx, r = rng.uniform(0, 1), rng.uniform(0, 1), size * rng.uniform(0.5, 1.5)
            near = (np.hypot(y - cy, x - cx) < r * (1 + 0.4 * np.sin(60 * y + 45 * x))) & inside
            result[near] = 0.2 * result[near] + 0.8 * np.array(colour, np.float32)
    return as_bytes(result)


def then(*changes: Change) -> Change:
    def change(image: UInt8Array) -> UInt8Array:
        for one in changes:
            image = one(image)
        return image

    return change


WAYS: dict[str, Change] = {
    "as it is": lambda image: image,
    "blurred": blurred(0.006),
    "very blurred": blurred(0.02),
    "dark": light(0.3),
    "very dark": light(0.12),
    "overexposed": light(1.8),
    "washed out": light(3.0),
    "grey": grey,
    "grey negative": negative,
    "diseased": diseased,
    "cropped": cropped(0.55),
    "cropped close": cropped(0.3),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "rotated": rotated(37),
    "JPEG 20": jpeg(20),
    "JPEG 5": jpeg(5),
    "half size": scaled(0.5),
    "double size": scaled(2),
    "thumbnail": scaled(0.15),
    "green tint": tinted(0.3, 1.5, 0.5),
    "blue tint": tinted(0.3, 0.8, 3.0),
    "channels swapped": lambda image: np.ascontiguousarray(image[..., ::-1]),
    "steep gradient": gradient,
    "vignette": vignette,
    "noisy": noisy,
    "label": labelled,
    "white surround": on_white,
    "grey, cropped": then(grey, cropped(0.55)),
    "grey, cropped, blurred": then(grey, cropped(0.5), blurred(0.01)),
    "grey negative, cropped": then(negative, cropped(0.55)),
    "dark, cropped, JPEG 20": then(light(0.25), cropped(0.55), jpeg(20)),
    "overexposed, cropped": then(light(2.0), cropped(0.55)),
    "diseased, cropped": then(diseased, cropped(0.55)),
    "noisy, cropped": then(noisy, cropped(0.5)),
    "noisy, dark": then(light(0.3), noisy),
    "gradient, cropped": then(cropped(0.55), gradient),
    "green tint, cropped": then(tinted(0.3, 1.5, 0.5), cropped(0.55)),
    "label, grey": then(grey, labelled),
    "blue tint, cropped": then(tinted(0.3, 0.8, 3.0), cropped(0.55)),
    "blue tint, diseased, cropped": then(diseased, tinted(0.3, 0.8, 3.0), cropped(0.55)),
    "grey negative, noisy, cropped": then(negative, noisy, cropped(0.5)),
    "overexposed, noisy, cropped": then(light(2.0), noisy, cropped(0.5)),
}


def drawn(seed: int) -> Iterator[tuple[str, UInt8Array]]:
    """Pictures that are no photographs of the retina: papers, screens, noise, round things on black, scans."""
    rng = np.random.default_rng(seed)
    yield "plain colour", np.full((400, 500, 3), rng.integers(40, 250, 3), np.uint8)
    yield "white noise", rng.integers(0, 256, (480, 640, 3)).astype(np.uint8)
    yield "grey noise", np.repeat(rng.integers(0, 256, (480, 640, 1)), 3, axis=2).astype(np.uint8)
    clouds = ndimage.gaussian_filter(rng.normal(0, 1, (480, 640, 3)), (12, 12, 0))
    yield "coloured clouds", as_bytes(128 + 60 * clouds / clouds.std())
    yield "document", document(rng)
    yield "screen", screen(rng)
    yield "coin on black", coin(rng)
    yield "plate on black", plate(rng)
    yield "moon on black", moon(rng)
    yield "OCT slice", oct_slice(rng)
    yield "X-ray", x_ray(rng)
    ramp = np.linspace(0, 255, 600, dtype=np.float32)[None, :, None] * np.ones((400, 1, 1), np.float32)
    yield "rainbow", as_bytes(127 + 127 * np.cos(ramp / 40 + np.array([0, 2.1, 4.2], np.float32) + rng.uniform(0, 6)))
    tiles = np.kron(rng.integers(0, 2, (12, 16)), np.ones((40, 40), np.int64))
    yield "black and white tiles", np.repeat(255 * tiles[..., None], 3, axis=2).astype(np.uint8)


def document(rng: np.random.Generator) -> UInt8Array:
    picture = Image.new("RGB", (850, 1200), (250, 249, 245))
    pen = ImageDraw.Draw(picture)
    for line in range(60, 1130, 26):
        words = " ".join(
            "".join(chr(97 + letter) for letter in rng.integers(0, 26, rng.integers(2, 10))) for _ in range(11)
        )
        pen.text((70, line), words[: int(rng.integers(30, 78))], fill=(25, 25, 30), font_size=18)
    return np.asarray(picture)


def screen(rng: np.random.Generator) -> UInt8Array:
    picture = Image.new("RGB", (1280, 800), (238, 240, 243))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 1280, 60), fill=tuple(int(v) for v in rng.integers(20, 200, 3)))
    pen.rectangle((0, 60, 240, 800), fill=(45, 52, 64))
    for row in range(14):
        pen.text((20, 90 + 45 * row), f"Menu entry {row}", fill=(220, 225, 230), font_size=20)
        pen.rectangle((270, 90 + 48 * row, 270 + int(rng.integers(200, 950)), 120 + 48 * row), fill=(255, 255, 255))
        pen.text((280, 92 + 48 * row), f"Value {rng.integers(0, 99999)} of this table", fill=(30, 30, 30), font_size=20)
    return np.asarray(picture)


def disc(side: int, radius: float) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.mgrid[:side, :side].astype(np.float32) / np.float32(side) - np.float32(0.5)
    return y, x, np.clip((radius - np.hypot(y, x)) * side, 0, 1)


def coin(rng: np.random.Generator) -> UInt8Array:
    y, x, inside = disc(500, 0.42)
    relief = ndimage.gaussian_filter(rng.normal(0, 1, (500, 500)), 3)
    profile = np.hypot(1.3 * y, x - 0.03) < 0.2
    height = ndimage.gaussian_filter(profile * 6 + relief * 8 + (np.hypot(y, x) > 0.38) * 5.0, 1.5)
    shade = 130 + 45 * (height - np.roll(height, 3, axis=1))
    return as_bytes((shade * inside)[..., None] * np.array([1.0, 0.9, 0.65], np.float32))


def plate(rng: np.random.Generator) -> UInt8Array:
    y, x, inside = disc(600, 0.45)
    rim = 225 - 25 * (np.abs(np.hypot(y, x) - 0.3) < 0.01)
    image = (rim * inside)[..., None] * np.array([1.0, 1.0, 0.98], np.float32)
    for _ in range(14):
        cy, cx = rng.uniform(-0.18, 0.18, 2)
        image[np.hypot(y - cy, x - cx) < rng.uniform(0.02, 0.06)] = rng.integers(20, 240, 3)
    return as_bytes(image)


def moon(rng: np.random.Generator) -> UInt8Array:
    y, x, inside = disc(600, 0.4)
    ground = 165 + 50 * np.tanh(ndimage.gaussian_filter(rng.normal(0, 40, (600, 600)), 25))
    for _ in range(90):
        cy, cx, r = *rng.uniform(-0.4, 0.4, 2), rng.uniform(0.005, 0.03)
        distance = np.hypot(y - cy, x - cx)
        ground += 45 * (np.abs(distance - r) < 0.15 * r + 0.001) - 30 * (distance < 0.85 * r)
    return as_bytes(np.repeat((ground * inside)[..., None], 3, axis=2))


def oct_slice(rng: np.random.Generator) -> UInt8Array:
    y, x = np.mgrid[:496, :768].astype(np.float32)
    middle = 230 + 35 * np.exp(-(((x - 384) / 90) ** 2)) + 10 * np.sin(x / 170 + rng.uniform(0, 6))
    layers = sum(
        a * np.exp(-(((y - middle - d) / w) ** 2))
        for d, w, a in ((-60, 9, 150), (-25, 12, 70), (40, 6, 200), (60, 30, 90))
    )
    speckle = rng.gamma(1.5, 1 / 1.5, (496, 768))
    return as_bytes(np.repeat((20 + ndimage.gaussian_filter(layers * speckle, 0.7))[..., None], 3, axis=2))


def x_ray(rng: np.random.Generator) -> UInt8Array:
    y, x = np.mgrid[:700, :600].astype(np.float32)
    shade = 190 - 120 * sum(np.exp(-(((x - c) / 95) ** 4) - ((y - 340) / 220) ** 4) for c in (175, 425))
    for rib in range(9):
        curve = 110 + 58 * rib + 0.0011 * (x - 300) ** 2 + rng.uniform(-5, 5)
        shade += 28 * np.exp(-(((y - curve) / 9) ** 2))
    shade += 30 * np.exp(-(((x - 300) / 32) ** 2))
    return as_bytes(np.repeat(ndimage.gaussian_filter(shade + rng.normal(0, 6, shade.shape), 1)[..., None], 3, axis=2))


def as_bytes(values: NDArray[Any]) -> UInt8Array:
    rounded: UInt8Array = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded


def not_too_large(image: UInt8Array) -> UInt8Array:
    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST, LARGEST))
    return np.asarray(picture)


def measure(name: str, image: UInt8Array, seconds: list[float]) -> tuple[str, str]:
    """The verdict and its reasons; "failed" where not even a field of view is found."""
    try:
        fov = estimate_fov(image)
    except ImageError as error:
        return "failed", error.what
    start = time.perf_counter()
    verdict = check_fundus(image, fov)
    seconds.append(time.perf_counter() - start)
    return verdict.level, "; ".join(verdict.reasons)


def row(name: str, verdicts: list[str]) -> str:
    counts = [verdicts.count(level) for level in ("fundus photograph", "doubtful", "no fundus photograph", "failed")]
    return f"| {name} | {len(verdicts)} | {' | '.join(map(str, counts))} |"


def real(folders: list[Path], generated: int, every: int) -> Iterator[tuple[str, UInt8Array]]:
    found = [sample.image for folder in folders for sample in photographs(folder)]
    for path in found[::every]:
        yield path.name, not_too_large(read_image(path))
    for seed in range(generated):
        yield f"generated {seed}", generate(seed, next(iter(CAMERAS.values()))).image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], help="folders of fundus photographs")
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="folders of anything else")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph only")
    parser.add_argument("--generated", type=int, default=2, help="how many photographs to draw")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1], help="seeds of the drawn other pictures")
    parser.add_argument("--list", action="store_true", help="name what was judged wrongly, with the reasons")
    arguments = parser.parse_args()
    seconds: list[float] = []
    ways: dict[str, list[str]] = {name: [] for name in WAYS}
    remarks = []
    for name, image in real(arguments.photographs, arguments.generated, arguments.every):
        for way, change in WAYS.items():
            level, why = measure(name, change(image), seconds)
            ways[way].append(level)
            if level != "fundus photograph":
                remarks.append(f"{name}, {way}: {level} ({why})")
    others = [
        (path.name, not_too_large(read_image(path))) for folder in arguments.others for path in list_images(folder)
    ]
    others += [(f"{name} {seed}", image) for seed in arguments.seeds for name, image in drawn(seed)]
    verdicts = []
    for name, image in others:
        level, why = measure(name, image, seconds)
        verdicts.append(level)
        if level != "no fundus photograph":
            remarks.append(f"{name}: {level} ({why})")
    print("| pictures | count | fundus photograph | doubtful | no fundus photograph | failed |\n|" + " --- |" * 6)
    for way, levels in ways.items():
        print(row(way, levels))
    print(row("all photographs, all ways", [level for levels in ways.values() for level in levels]))
    print(row("other pictures", verdicts))
    print(f"\nSeconds a picture: median {np.median(seconds):.3f}, largest {max(seconds):.3f}")
    if arguments.list:
        print(*remarks, sep="\n")


if __name__ == "__main__":
    main()
