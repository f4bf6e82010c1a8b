"""Generated everyday pictures in the exact on-disk layouts of MSRC, Stanford Background and Penn-Fudan."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import label as connected

from retseg.core.types import UInt8Array
from retseg.datasets.msrc import MSRC
from retseg.datasets.stanford import SCENES
from retseg.datasets.synthetic import pedestrians, scenes
from retseg.imaging.label_maps import index_to_colour

Files = Iterator[tuple[str, bytes]]
"""Relative paths and contents of one picture's files."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture to be made: the owner's id, what it shows, its own number in the set, and its full size in pixels."""

    id: str
    shows: str
    number: int
    width: int
    height: int

    def seed(self, set_seed: int) -> int:
        """The picture's own seed."""
        return int(SeedSequence([set_seed, self.number]).generate_state(1)[0])

    def size(self, scale: float) -> tuple[int, int]:
        """Width and height at this scale, in pixels."""
        return max(16, int(self.width * scale + 0.5)), max(16, int(self.height * scale + 0.5))


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """An owner's set: its pictures in the order in which a few of them are taken, and the files of each."""

    version: int
    pictures: Callable[[], list[Picture]]
    files: Callable[[Picture, int, float], Files]
    """Called with the picture, the set's seed and the scale."""


_LANDSCAPE, _WIDER, _PORTRAIT = (320, 240), (320, 213), (213, 320)
_GROUPS = (
    "pasture",
    "trees",
    "houses",
    "aeroplane",
    "cow",
    "face",
    "car",
    "bicycle",
    "sheep",
    "flowers",
    "sign",
    "bird",
    "books",
    "chair",
    "cat",
    "dog",
    "street",
    "boats",
    "people",
    "lake",
)
"""What the pictures of MSRC's groups 1 to 20 show, about."""
_IN_GROUP, _IN_LAST = 30, 21
_RARE = {(1, 6): ("horses", 3), (5, 3): ("horses", 2), (18, 6): ("mountains", 3), (20, 2): ("mountains", 0)}
"""Of which group, out of how many pictures, one shows something rare: what, and which of them."""


def _msrc_pictures() -> list[Picture]:
    """591 pictures, one of each group in turn."""
    result = []
    for place in range(1, _IN_GROUP + 1):
        for group, usual in enumerate(_GROUPS, start=1):
            if group == len(_GROUPS) and place > _IN_LAST:
                continue
            shows = usual
            for (rare_group, period), (rare, which) in _RARE.items():
                if group == rare_group and place % period == which:
                    shows = rare
            number = 1000 * group + place
            # Portraits and the wider format are spread over all groups.
            width, height = (_WIDER, _LANDSCAPE, _WIDER, _PORTRAIT, _LANDSCAPE, _WIDER, _LANDSCAPE)[
                (place + 3 * group) % 7
            ]
            result.append(Picture(f"{group}_{place}_s", shows, number, width, height))
    return result


def _msrc_files(picture: Picture, seed: int, scale: float) -> Files:
    scene = scenes.draw_scene(picture.shows, picture.seed(seed), *picture.size(scale))
    yield f"Images/{picture.id}.bmp", _encoded(scene.image, "BMP")
    index_of = np.full(256, MSRC.ignore, np.uint8)
    index_of[: len(scenes.NAMES)] = [MSRC.names.index(name) for name in scenes.NAMES]
    colours = index_to_colour(index_of[scene.labels], MSRC.palette[: MSRC.count])
    yield f"GroundTruth/{picture.id}_GT.bmp", _encoded(colours, "BMP")


_OUTDOORS = (
    "street",
    "pasture",
    "houses",
    "mountains",
    "boats",
    "car",
    "trees",
    "people",
    "lake",
    "sheep",
    "bicycle",
    "horses",
    "sign",
)
_STANFORD_COUNT, _STANFORD_FIRST = 715, 47
_FOREGROUND = SCENES.count - 1
_UNKNOWN = -1
_SURFACES = {"sky": 0, "road": 1, "grass": 1, "water": 1}
"""Geometry: 0 sky, 1 horizontal; everything else is 2, vertical."""


def _stanford_pictures() -> list[Picture]:
    """715 pictures with gaps between their numbers; what they show comes in turn."""
    sizes = (_LANDSCAPE, _LANDSCAPE, _WIDER, _LANDSCAPE, (240, 320))
    return [
        Picture(f"{_STANFORD_FIRST + 4 * n:07d}", _OUTDOORS[n % len(_OUTDOORS)], n, *sizes[n % len(sizes)])
        for n in range(_STANFORD_COUNT)
    ]


def _stanford_files(picture: Picture, seed: int, scale: float) -> Files:
    scene = scenes.draw_scene(picture.shows, picture.seed(seed), *picture.size(scale), seams=False)
    yield f"images/{picture.id}.jpg", _encoded(scene.image, "JPEG", quality=92)
    region_of = np.full(256, _UNKNOWN, np.int16)
    surface_of = np.full(256, _UNKNOWN, np.int16)
    for index, name in enumerate(scenes.NAMES):
        region_of[index] = SCENES.names.index(name) if name in SCENES.names else _FOREGROUND
        surface_of[index] = _SURFACES.get(name, 2)
    yield f"labels/{picture.id}.regions.txt", _grid(region_of[scene.labels])
    yield f"labels/{picture.id}.surfaces.txt", _grid(surface_of[scene.labels])
    yield f"labels/{picture.id}.layers.txt", _grid(_pieces(scene.labels))


def _pieces(labels: UInt8Array) -> NDArray[np.int16]:
    """Connected pieces of one label (H, W), numbered from 0; void is unknown."""
    pieces = np.full(labels.shape, _UNKNOWN, np.int16)
    count = 0
    for value in np.unique(labels[labels != scenes.VOID]):
        found, more = connected(labels == value)
        pieces[found > 0] = found[found > 0] + count - 1
        count += int(more)
    return pieces


def _grid(numbers: NDArray[np.int16]) -> bytes:
    """A text with one line a row, numbers apart by a space."""
    return "".join(" ".join(map(str, row)) + "\n" for row in numbers.tolist()).encode("ascii")


_FUDAN, _PENN = 74, 96


def _penn_fudan_pictures() -> list[Picture]:
    """170 pictures, of Fudan and of Pennsylvania in turn."""
    sizes = ((480, 360), (360, 400), (400, 320), (440, 400))
    fudan = [f"FudanPed{number:05d}" for number in range(1, _FUDAN + 1)]
    penn = [f"PennPed{number:05d}" for number in range(1, _PENN + 1)]
    names = [name for pair in zip_longest(fudan, penn) for name in pair if name is not None]
    return [Picture(name, "pedestrians", n, *sizes[n % len(sizes)]) for n, name in enumerate(names)]


def _penn_fudan_files(picture: Picture, seed: int, scale: float) -> Files:
    street = pedestrians.draw_street(picture.seed(seed), *picture.size(scale))
    yield f"PNGImages/{picture.id}.png", _encoded(street.image, "PNG")
    yield f"PedMasks/{picture.id}_mask.png", _encoded(street.ids, "PNG")


def _encoded(pixels: UInt8Array, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


PICTURE_LAYOUTS: dict[str, PictureLayout] = {
    "msrc": PictureLayout(scenes.VERSION, _msrc_pictures, _msrc_files),
    "stanford-background": PictureLayout(scenes.VERSION, _stanford_pictures, _stanford_files),
    "penn-fudan": PictureLayout(pedestrians.VERSION, _penn_fudan_pictures, _penn_fudan_files),
}
