"""Generated pictures in the exact on-disk layout of public sets, so that their plugins can be tested without them."""

from __future__ import annotations

import functools
import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import SeedSequence
from PIL import Image
from scipy.ndimage import gaussian_filter

from retseg.core.errors import ConfigError, nearest
from retseg.core.paths import write_atomically
from retseg.core.types import BoolArray, UInt8Array
from retseg.datasets.base import Report
from retseg.datasets.synthetic.anatomy import Condition, Eye
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.crew import each
from retseg.datasets.synthetic.fundus import SyntheticEye, generate
from retseg.datasets.synthetic.picture_layouts import PICTURE_LAYOUTS, Picture

STARE_NUMBERS = (1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324)
HRF_GREY_LABELS = ("11_h", "12_h", "13_h")
"""The labels of HRF that hold grey values: their vessels have soft edges."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One photograph of a public set: the owner's id, the number of the patient, the eye and its condition."""

    id: str
    patient: int
    eye: Eye | None = None
    condition: Condition | None = None


Files = Iterator[tuple[str, bytes]]
"""Relative paths and contents of one photograph's files."""


def write_layout(
    layout: str,
    root: Path,
    count: int | None = None,
    seed: int = 0,
    scale: float = 1.0,
    *,
    test_labels: bool = True,
    report: Report | None = None,
) -> None:
    """Writes generated eyes or everyday scenes below `root` exactly as the owner of a public set ships his.

    Args:
        layout: The set: "drive", "chase", "stare" or "hrf"; "msrc", "stanford-background" or "penn-fudan".
        root: Folder to write into.
        count: How many photographs, taken from training and test, or from all groups, in turn; None for all of the set.
        seed: The same seed gives the same eyes and scenes, at any scale.
        scale: Shrinks the photographs by this factor, for quick tests. 1 is the owner's size.
        test_labels: False leaves out the first observer's labels of DRIVE's test, as newer downloads do.
        report: Called after each photograph.
    """
    if layout not in (known := [*_LAYOUTS, *PICTURE_LAYOUTS]):
        raise ConfigError(f"unknown layout '{layout}'", fix=nearest(layout, known))
    if layout in PICTURE_LAYOUTS:
        pictures = PICTURE_LAYOUTS[layout].pictures()[:count]
        width, height = pictures[0].size(scale) if pictures else (0, 0)
        names = each(functools.partial(_write_picture, layout, root, seed, scale), pictures, width * height)
    else:
        subjects = _LAYOUTS[layout].subjects()[:count]
        camera = CAMERAS[layout].scaled(scale)
        work = functools.partial(_write, layout, root, seed, scale, test_labels)
        names = each(work, subjects, camera.width * camera.height)
    for name in names:
        if report is not None:
            report(1, name)


def _write_picture(layout: str, root: Path, seed: int, scale: float, picture: Picture) -> str:
    for name, content in PICTURE_LAYOUTS[layout].files(picture, seed, scale):
        write_atomically(root / name, content)
    return picture.id


def _write(layout: str, root: Path, seed: int, scale: float, test_labels: bool, subject: Subject) -> str:
    own_seed = int(SeedSequence([seed, subject.patient]).generate_state(1)[0])
    eye = generate(own_seed, CAMERAS[layout].scaled(scale), eye=subject.eye, condition=subject.condition)
    for name, content in _LAYOUTS[layout].files(subject, eye):
        if test_labels or not name.startswith("test/1st_manual/"):
            write_atomically(root / name, content)
    return subject.id


def _encoded(pixels: UInt8Array | BoolArray | Image.Image, kind: str, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _black_and_white(mask: BoolArray) -> UInt8Array:
    return np.where(mask, np.uint8(255), np.uint8(0))


def _in_turn(training: list[Subject], test: list[Subject]) -> list[Subject]:
    pairs = zip_longest(training, test)
    return [subject for pair in pairs for subject in pair if subject is not None]


def _drive_subjects() -> list[Subject]:
    training, test = ([Subject(f"{n:02d}", n) for n in numbers] for numbers in (range(21, 41), range(1, 21)))
    return _in_turn(training, test)


def _drive_files(subject: Subject, eye: SyntheticEye) -> Files:
    folder, name = ("training" if subject.patient > 20 else "test"), subject.id
    yield f"{folder}/images/{name}_{folder}.tif", _encoded(eye.image, "TIFF", compression="tiff_lzw")
    yield f"{folder}/1st_manual/{name}_manual1.gif", _encoded(_black_and_white(eye.vessel), "GIF", optimize=False)
    yield f"{folder}/mask/{name}_{folder}_mask.gif", _encoded(_black_and_white(eye.fov), "GIF", optimize=False)
    if folder == "test":
        # The owner's second observer is a palette image whose raw values are 0 and 1.
        indices = Image.fromarray(eye.second.astype(np.uint8))
        indices.putpalette([0, 0, 0, 255, 255, 255])
        yield f"test/2nd_manual/{name}_manual2.gif", _encoded(indices, "GIF", optimize=False)


def _chase_subjects() -> list[Subject]:
    def eyes(child: int) -> list[Subject]:
        return [Subject(f"Image_{child:02d}{side[0].upper()}", child, side) for side in ("left", "right")]

    children = zip_longest(range(1, 11), range(11, 15))
    return [subject for pair in children for child in pair if child is not None for subject in eyes(child)]


def _chase_files(subject: Subject, eye: SyntheticEye) -> Files:
    yield f"{subject.id}.jpg", _encoded(eye.image, "JPEG", quality=95, subsampling=0)
    yield f"{subject.id}_1stHO.png", _encoded(eye.vessel, "PNG")
    yield f"{subject.id}_2ndHO.png", _encoded(eye.second, "PNG")


def _stare_subjects() -> list[Subject]:
    return [Subject(f"im{number:04d}", number) for number in STARE_NUMBERS]


def _stare_files(subject: Subject, eye: SyntheticEye) -> Files:
    for name, pixels in (
        (subject.id, eye.image),
        (f"{subject.id}.ah", _black_and_white(eye.vessel)),
        (f"{subject.id}.vk", _black_and_white(eye.second)),
    ):
        yield f"{name}.ppm.gz", gzip.compress(_encoded(pixels, "PPM"), mtime=0)


def _hrf_subjects() -> list[Subject]:
    groups: tuple[tuple[str, Condition], ...] = (("h", "healthy"), ("dr", "diabetic"), ("g", "glaucoma"))
    halves = []
    # The test begins with the numbers whose labels are grey, so that a few photographs have such a label among them.
    for numbers in (range(1, 6), (*range(11, 16), *range(6, 11))):
        halves.append(
            [
                Subject(f"{number:02d}_{group}", 100 * index + number, condition=condition)
                for number in numbers
                for index, (group, condition) in enumerate(groups)
            ]
        )
    return _in_turn(*halves)


def _hrf_files(subject: Subject, eye: SyntheticEye) -> Files:
    suffix = "JPG" if subject.condition == "diabetic" else "jpg"
    label = _black_and_white(eye.vessel)
    if subject.id in HRF_GREY_LABELS:
        label = _soft_edged(eye.vessel)
    yield f"images/{subject.id}.{suffix}", _encoded(eye.image, "JPEG", quality=95, subsampling=0)
    yield f"manual1/{subject.id}.tif", _encoded(label, "TIFF", compression="packbits")
    mask = np.repeat(_black_and_white(eye.fov)[..., None], 3, axis=2)
    yield f"mask/{subject.id}_mask.tif", _encoded(mask, "TIFF", compression="tiff_lzw")


def _soft_edged(mask: BoolArray) -> UInt8Array:
    """A mask with grey edges that is the same mask again where it exceeds 127."""
    soft = gaussian_filter(mask.astype(np.float32), 0.8) * 255
    grey: UInt8Array = np.where(mask, np.clip(soft, 128, 255), np.clip(soft, 0, 127)).astype(np.uint8)
    return grey


@dataclass(frozen=True, slots=True)
class _Layout:
    subjects: Callable[[], list[Subject]]
    files: Callable[[Subject, SyntheticEye], Files]


_LAYOUTS: dict[str, _Layout] = {
    "drive": _Layout(_drive_subjects, _drive_files),
    "chase": _Layout(_chase_subjects, _chase_files),
    "stare": _Layout(_stare_subjects, _stare_files),
    "hrf": _Layout(_hrf_subjects, _hrf_files),
}
