"""Measures the gate for bad photographs: on photographs as they are, and on copies spoilt ever more.

    python benchmarks/quality_gate.py --data FOLDER --datasets chase hrf

The table says which share of the copies is good / usable / rejected, for each kind of damage and strength; and how many
photographs got a better grade when they were spoilt more, which should be none. `--measures` adds the medians of what
was measured. `--untouched` leaves the copies out and lists each photograph.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from landmarks import photographs
from PIL import Image
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.fov import estimate_fov, fov_box
from retseg.imaging.fundus_check import check_fundus
from retseg.imaging.optic_disc import find_disc
from retseg.imaging.quality import GRADES, REJECT, Grade, Quality, assess_quality

LARGEST = 1000
"""Pixels of the longer side: larger photographs are shrunk before they are spoilt, so that the table takes minutes."""

Spoil = Callable[[UInt8Array, BoolArray, float], UInt8Array]


def as_bytes(values: Float32Array) -> UInt8Array:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def blurred(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """`strength` is a Gaussian's sigma in thousandths of the field's width. The field keeps its sharp rim."""
    sigma = strength / 1000 * fov_box(fov)[3]
    weight = ndimage.gaussian_filter(fov.astype(np.float32), sigma)[..., None]
    smooth = ndimage.gaussian_filter(image * np.float32(fov[..., None]), (sigma, sigma, 0))
    return np.where(fov[..., None], as_bytes(smooth / np.maximum(weight, 1e-3)), image)


def lit(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    return as_bytes(image * np.float32(strength))


def shaded(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """Light falls off evenly from left to right, to a share of `strength`."""
    _, left, _, width = fov_box(fov)
    share = np.clip((np.arange(image.shape[1], dtype=np.float32) - left) / width, 0, 1)
    return as_bytes(image * (strength**share)[None, :, None])


def hazy(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """Only a share of `strength` is left of each pixel's difference from the mean colour."""
    mean = image[fov].mean(axis=0, dtype=np.float32)
    return np.where(fov[..., None], as_bytes(mean + np.float32(strength) * (image - mean)), image)


def noisy(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """Noise of a deviation of `strength` of white."""
    return as_bytes(image + np.random.default_rng(0).normal(0, 255 * strength, image.shape).astype(np.float32))


def compressed(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(strength))
    return np.array(Image.open(file))


def cut_off(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """The frame ends where only a share of `strength` of the field's width is in it."""
    _, left, _, width = fov_box(fov)
    return np.ascontiguousarray(image[:, : left + round(strength * width)])


def lidded(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """A lid covers the upper part of the field, a share of `strength` of its height."""
    top, _, height, _ = fov_box(fov)
    edge = top + strength * height
    light = np.clip((np.arange(image.shape[0], dtype=np.float32) - edge) / (0.02 * height), 0.02, 1)
    return as_bytes(image * light[:, None, None])


def spotted(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """Reflexes and dust, half each: soft round spots over a share of about `strength` of the field."""
    random, diameter = np.random.default_rng(0), fov_box(fov)[3]
    result = image.astype(np.float32)
    rows, columns = np.mgrid[: fov.shape[0], : fov.shape[1]].astype(np.float32)
    radius, places = 0.03 * diameter, np.argwhere(fov)
    for number in range(round(strength * fov.sum() / (np.pi * radius**2))):
        row, column = places[random.integers(len(places))]
        near = np.clip(1.5 - np.hypot(rows - row, columns - column) / radius, 0, 1)[..., None] * fov[..., None]
        result += near * (np.float32(235 if number % 2 else 25) - result)
    return as_bytes(result)


def disc_hidden(image: UInt8Array, fov: BoolArray, strength: float) -> UInt8Array:
    """A black patch lies on the disc, `strength` times as large as it."""
    disc = find_disc(image, fov)
    if disc is None:
        return image
    rows, columns = (np.arange(length) - at for length, at in zip(fov.shape, (disc.row, disc.column), strict=True))
    hidden = np.hypot(rows[:, None], columns[None]) < strength * disc.radius
    return np.where(hidden[..., None], np.uint8(0), image)


# Each from hardly to hopelessly spoilt.
KINDS: dict[str, tuple[Spoil, tuple[float, ...]]] = {
    "blur": (blurred, (1, 2, 4, 8, 16)),
    "dark": (lit, (0.7, 0.5, 0.3, 0.15, 0.07)),
    "bright": (lit, (1.2, 1.6, 2.5, 4, 8)),
    "uneven light": (shaded, (0.5, 0.25, 0.1, 0.03, 0.005)),
    "low contrast": (hazy, (0.7, 0.5, 0.3, 0.15, 0.05)),
    "noise": (noisy, (0.01, 0.03, 0.08, 0.2, 0.5)),
    "JPEG": (compressed, (60, 30, 15, 7, 2)),
    "cut off": (cut_off, (0.9, 0.75, 0.6, 0.45, 0.3)),
    "lid": (lidded, (0.1, 0.25, 0.4, 0.55, 0.75)),
    "spots": (spotted, (0.01, 0.04, 0.12, 0.3, 0.8)),
    "disc hidden": (disc_hidden, (0.3, 1.3)),
}


def judged(image: UInt8Array) -> Quality | None:
    """As a user would have it: the field of view is found anew. None where none is."""
    try:
        fov = estimate_fov(image)
    except ImageError:
        return None
    return assess_quality(image, fov, find_disc(image, fov), check_fundus(image, fov))


def small(image: UInt8Array) -> UInt8Array:
    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    return np.array(picture)


def copies(image: UInt8Array, kinds: list[str]) -> Iterator[tuple[str, float, UInt8Array]]:
    fov = estimate_fov(image)
    for kind in kinds:
        spoil, strengths = KINDS[kind]
        for strength in strengths:
            yield kind, strength, spoil(image, fov, strength)


def show_untouched(images: Iterator[tuple[str, UInt8Array]]) -> None:
    tally: Counter[Grade] = Counter()
    for name, image in images:
        quality = judged(image)
        grade = quality.grade if quality else REJECT
        tally[grade] += 1
        print(f"{name}: {grade}", *(quality.reasons if quality else ()), sep="  ")
    print(", ".join(f"{tally[grade]} {grade}" for grade in GRADES))


def show_table(images: Iterator[tuple[str, UInt8Array]], kinds: list[str], measures: bool) -> None:
    grades: dict[tuple[str, float], list[Grade]] = defaultdict(list)
    values: dict[tuple[str, float], list[Quality]] = defaultdict(list)
    for _, native in images:
        image = small(native)
        for kind, strength, copy in [("untouched", 0.0, image), *copies(image, kinds)]:
            quality = judged(copy)
            grades[kind, strength].append(quality.grade if quality else REJECT)
            values[kind, strength] += [quality] if quality else []
    print("| damage | strength | good | usable | reject |\n| --- | --- | --- | --- | --- |")
    for (kind, strength), found in grades.items():
        shares = " | ".join(f"{found.count(grade) / len(found):.0%}" for grade in GRADES)
        print(f"| {kind} | {strength:g} | {shares} |")
        if measures and values[kind, strength]:
            names = values[kind, strength][0].measures
            spread = {
                name: np.percentile([one.measures[name] for one in values[kind, strength]], (5, 50, 95))
                for name in names
            }
            print("   ", ", ".join(f"{name} {' '.join(f'{v:.3g}' for v in three)}" for name, three in spread.items()))
    print(f"\nBetter though spoilt more: {sum(rises(grades, kind) for kind in kinds)} copies")


def rises(grades: dict[tuple[str, float], list[Grade]], kind: str) -> int:
    """How often a photograph is graded better than when it was spoilt less."""
    steps = [grades["untouched", 0.0], *(grades[kind, strength] for strength in KINDS[kind][1])]
    ranks = np.array([[GRADES.index(grade) for grade in step] for step in steps])
    return int((np.diff(ranks, axis=0) < 0).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder below which the sets lie")
    parser.add_argument("--datasets", nargs="+", default=["chase", "hrf"])
    parser.add_argument("--split", default="train")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th photograph")
    parser.add_argument("--measures", action="store_true", help="show what was measured, too")
    parser.add_argument("--untouched", action="store_true", help="only the photographs as they are, one by one")
    arguments = parser.parse_args()
    every = [one for name in arguments.datasets for one in photographs(arguments.data, name, arguments.split)]
    images = iter(every[:: arguments.every])
    if arguments.untouched:
        show_untouched(images)
    else:
        show_table(images, arguments.kinds, arguments.measures)


if __name__ == "__main__":
    main()
