"""Stanford Background: outdoor scenes in eight classes, whose labels are grids of numbers in text files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Classes, ClassInfo, Sample, UInt8Array
from retseg.datasets.class_tables import ALL_VOID, without
from retseg.datasets.config import DatasetConfig
from retseg.datasets.paired import PairedSet, Place
from retseg.datasets.splits import deal_patients, hold_out_patients, split_patients
from retseg.datasets.tree import names_in

# Colours that stay apart, and apart from black, for readers who lack any one of the three cones: the two nearest differ
# by 20 (CIEDE2000), those of palettes made by hand by about 10.
SCENES = Classes(
    "outdoor scenes",
    (
        ClassInfo("sky", (130, 230, 255)),
        ClassInfo("tree", (20, 150, 110)),
        ClassInfo("road", (75, 75, 75)),
        ClassInfo("grass", (210, 235, 25)),
        ClassInfo("water", (0, 10, 250)),
        ClassInfo("building", (240, 35, 0)),
        ClassInfo("mountain", (147, 131, 165)),
        ClassInfo("foreground object", (242, 213, 199)),
    ),
    subject="photograph",
)
_UNKNOWN = -1
_ENDING = ".regions.txt"
_WHOLE, _TEST = 715, 143
_FOLDS = 5
_SEED = 0
_COPY = "Replace the file by an intact copy"


class StanfordBackground(PairedSet):
    """Stanford Background as its owners ship it. Regions are the labels; surfaces and layers are not used."""

    name = "stanford-background"
    title = "Stanford Background"
    classes = SCENES
    licence = "no formal licence; offered for research, with credit"
    homepage = "http://dags.stanford.edu/projects/scenedataset.html"
    obtain = "Download iccv09Data.tar.gz from the homepage and unpack it."
    credit = (
        "Gould, Fulton and Koller, Decomposing a scene into geometric and semantically consistent regions, ICCV 2009; "
        "Stanford University"
    )
    tree = """\
images/0000047.jpg ...
labels/0000047.regions.txt ...      (-1 unknown, 0 sky, 1 tree ... 7 foreground object)
labels/0000047.surfaces.txt ...     (not used; so are *.layers.txt and horizons.txt)"""
    observers: ClassVar[Mapping[str, str]] = {"regions": "the owners' regions, the ground truth"}
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "572 of the 715 photographs for training and 143 for the test, drawn once by a fixed seed, as the "
        "owners name none; the same proportions of an incomplete folder",
        "five-fold": "a fifth of the photographs for the test, the others for training; each photograph is in the test "
        "of one dataset.fold",
    }
    folds: ClassVar[Mapping[str, int | None]] = {"five-fold": _FOLDS}
    photographs = Place("images", (".jpg",))
    labels = Place("labels", (_ENDING,))
    known = ("labels/*.surfaces.txt", "labels/*.layers.txt", "horizons.txt", "readme*")
    whole = _WHOLE

    def __init__(self, config: DatasetConfig) -> None:
        super().__init__(config)
        self.classes, self._index_of = without(SCENES, config.void)

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether grids of regions lie where they should, beside photographs."""
        regions = any(name.lower().endswith(_ENDING) for name in names_in(root / "labels"))
        return regions and (root / "images").is_dir()

    def assign(self, samples: list[Sample]) -> list[Sample]:
        """A fifth for the test: always the same, or one of five."""
        names = [sample.patient for sample in samples]
        if self.config.protocol == "five-fold":
            test = deal_patients(names, _FOLDS, _SEED)[self.config.fold]
        else:
            test = hold_out_patients(names, _TEST / _WHOLE, _SEED)
        return split_patients(samples, test.__contains__)

    def target(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """The class map (H, W): unknown pixels, and those of classes that the configuration calls void, are ignored."""
        grid = read_grid(sample.labels[observer], SCENES.count)
        # As bytes, -1 is 255, which no class has.
        class_map: UInt8Array = self._index_of[grid.astype(np.uint8)]
        return class_map

    def remarks(self, sample: Sample, observer: str) -> list[str]:
        """Whether a label has no class at all."""
        class_map = self._index_of[read_grid(sample.labels[observer], SCENES.count).astype(np.uint8)]
        return [ALL_VOID] if (class_map == self.classes.ignore).all() else []


def read_grid(path: Path, count: int) -> NDArray[np.int16]:
    """The numbers (H, W) in a text file, one line a row, each -1 for unknown or 0 to `count - 1`."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError:
        raise ImageError("the label is not a text of numbers", where=path, fix=_COPY) from None
    except OSError as error:
        raise ImageError(f"the label cannot be read ({error.strerror or error})", where=path, fix=_COPY) from None
    if not any(line.strip() for line in lines):
        raise ImageError("the label file is empty", where=path, fix=_COPY)
    try:
        with warnings.catch_warnings(action="error"):
            grid = np.loadtxt(lines, np.int16, comments=None, ndmin=2)
    except (ValueError, OverflowError, Warning):
        raise _explained(lines, path) from None
    if int(grid.min()) < _UNKNOWN or int(grid.max()) >= count:
        row, column = np.argwhere((grid < _UNKNOWN) | (grid >= count))[0]
        what = f"the label holds {grid[row, column]} in row {row + 1}, column {column + 1}"
        raise ImageError(f"{what}; classes are 0 to {count - 1}, unknown is -1", where=path, fix=_COPY)
    return grid


def _explained(lines: list[str], path: Path) -> ImageError:
    """What keeps the lines from being a grid of whole numbers."""
    rows = {number: line.split() for number, line in enumerate(lines, 1) if line.strip()}
    for number, row in rows.items():
        for text in row:
            if not text.removeprefix("-").isdecimal() or len(text) > 4:
                return ImageError(f"the label holds '{text[:20]}' in line {number}, no class", where=path, fix=_COPY)
    width = len(next(iter(rows.values())))
    for number, row in rows.items():
        if len(row) != width:
            what = f"the label's rows differ in length: line {number} has {len(row)} numbers, the first has {width}"
            return ImageError(what, where=path, fix=_COPY)
    return ImageError("the label is not a grid of whole numbers", where=path, fix=_COPY)
