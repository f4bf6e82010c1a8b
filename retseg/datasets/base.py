"""What a dataset is: samples with honest splits, loaded cases, and a check that names everything amiss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ConfigError, ImageError, InputError, LayoutError, nearest
from retseg.core.types import (
    CLASS_MAP,
    INSTANCES,
    BoolArray,
    Case,
    Classes,
    ClassInfo,
    Sample,
    UInt8Array,
    UInt16Array,
)
from retseg.datasets.class_tables import require_distinct_colours
from retseg.datasets.config import DatasetConfig
from retseg.datasets.findings import Finding as Finding
from retseg.datasets.findings import Survey as Survey
from retseg.datasets.findings import listed
from retseg.datasets.splits import SPLITS
from retseg.imaging.io import read_image, read_label
from retseg.imaging.label_maps import binary_mask, vessel_label_map

VESSELS = Classes(
    "vessels",
    (
        ClassInfo("outside the field of view", (0, 0, 0)),
        ClassInfo("vessel", (86, 180, 233)),
        ClassInfo("retina", (213, 94, 0)),
    ),
    positive=1,
    outside=0,
)
"""The three classes of DRIVE and its kin, in colours that colour-blind readers tell apart."""

DEFAULT_CLASSES = VESSELS
"""What is looked for in photographs where neither a net nor a prepared set says so."""

BLACK_AND_WHITE: frozenset[int] = frozenset()
"""The encoding of labels that hold two values and no grey: 0 and 1, or 0 and 255."""

ANY_GREY = None
"""The encoding of labels whose owner let grey values slip in: every grey is fine, and more than 127 is the vessel."""

Report = Callable[[int, str], None]
"""Called with the number of photographs done since the last call, and a note."""


class Dataset(ABC):
    """One set of photographs on disk. A subclass says what it is, and surveys its folder.

    Class attributes:
        name: Its name in the registry and in folders.
        title: Its name as people write it.
        classes: The table of its classes; a set whose folder says what they are has them from `at` on.
        licence: The owner's terms, in a few words.
        homepage: The owner's page.
        obtain: How to get it, as one paragraph.
        credit: Whom to cite.
        tree: The files it must have, as a small drawing.
        observers: Who drew the labels, by the observer's name; the first is the reference.
        protocols: The ways it is split, by name, each in a sentence.
        folds: The number of splits of those protocols that have more than one; None for as many as one likes.
        size: Height and width of the owner's photographs where all are alike, else None.
        fov_encoding: Grey values of the owner's field-of-view masks, as in `VesselDataset.label_encoding`.
        generated: True for a set that `generate` makes.
        reads_csv: True for a set that can be described by a table.
        joins: True for a set that is made of others, which `dataset.members` names.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    classes: Classes
    licence: ClassVar[str]
    homepage: ClassVar[str]
    obtain: ClassVar[str]
    credit: ClassVar[str]
    tree: ClassVar[str] = ""
    observers: ClassVar[Mapping[str, str]] = {}
    protocols: ClassVar[Mapping[str, str]] = {"customary": "the set's customary split"}
    folds: ClassVar[Mapping[str, int | None]] = {}
    size: ClassVar[tuple[int, int] | None] = None
    fov_encoding: ClassVar[frozenset[int] | None] = BLACK_AND_WHITE
    generated: ClassVar[bool] = False
    reads_csv: ClassVar[bool] = False
    joins: ClassVar[bool] = False

    def __init__(self, config: DatasetConfig) -> None:
        self.config = config
        if config.protocol not in self.protocols:
            raise ConfigError(
                f"{self.title} has no protocol '{config.protocol}'",
                where="dataset.protocol",
                fix=nearest(config.protocol, self.protocols),
            )
        folds = self.folds.get(config.protocol, 1)
        if folds is not None and config.fold >= folds:
            raise ConfigError(
                f"{self.title} has no fold {config.fold} in the protocol '{config.protocol}'",
                where="dataset.fold",
                fix=f"Choose a fold from 0 to {folds - 1}"
                if folds > 1
                else "Leave dataset.fold at 0: it has one split",
            )
        if config.csv is not None and not self.reads_csv:
            raise ConfigError(
                f"{self.title} is not described by a table", where="dataset.csv", fix="Use it with --dataset folder"
            )
        if config.members and not self.joins:
            raise ConfigError(
                f"{self.title} has no members", where="dataset.members", fix="Use it with --dataset joined"
            )

    @classmethod
    @abstractmethod
    def marks(cls, root: Path) -> bool:
        """Whether `root` looks like this set: a cheap look at a few names, never an error."""

    def at(self, root: Path) -> Self:
        """The set as the folder `root` defines it: itself, unless its classes stand in a file there."""
        return self

    @abstractmethod
    def survey(self, root: Path) -> Survey:
        """The samples below `root` with their splits, and everything amiss by the names of files alone."""

    @abstractmethod
    def target(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """The class map (H, W) that `observer` drew, on the photograph's own grid."""

    def instances(self, sample: Sample, observer: str) -> UInt16Array | None:
        """The id map (H, W) that `observer` drew: 0 or the number of a thing; None for a set without instances.

        Unless a subclass knows better, it is what the file `sample.instances` holds.
        """
        if not self.classes.things or sample.instances is None:
            return None
        return read_label(sample.instances)

    def class_map(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """What `target` returns; ImageError, naming the label, unless it is a class map of the photograph's size.

        An empty field of view says that the photograph could not be read, so that its size is not known.
        """
        class_map, path = np.asarray(self.target(sample, observer, fov)), sample.labels[observer]
        if fov.size:
            require_same_size(sample.image, fov.shape, path, class_map.shape)
        wrong: list[int] = []
        # The highest value is known at once; all of them are sorted out only where there is something to find.
        if int(class_map.max(initial=0)) >= self.classes.count:
            values = np.unique(class_map).tolist()
            wrong = [value for value in values if value >= self.classes.count and value != self.classes.ignore]
        if class_map.ndim != 2 or wrong:
            what = f"the label holds {listed(list(map(str, wrong))) or 'colours'}, which is no class"
            fix = f"Use 0 to {self.classes.count - 1}, and {self.classes.ignore} for void"
            raise ImageError(what, where=path, fix=fix)
        return class_map.astype(np.uint8)

    def id_map(self, sample: Sample, observer: str, fov: BoolArray) -> UInt16Array | None:
        """What `instances` returns; ImageError, naming the file, unless it is an id map of the photograph's size."""
        ids = self.instances(sample, observer)
        if ids is None:
            return None
        path = sample.instances or sample.labels[observer]
        if ids.ndim != 2:
            raise ImageError("an id map with colours instead of numbers", where=path, fix="Save it as a grey PNG")
        if fov.size:
            require_same_size(sample.image, fov.shape, path, ids.shape)
        return ids.astype(np.uint16)

    def remarks(self, sample: Sample, observer: str) -> list[str]:
        """What is worth knowing about a label although it can be used, in sentences without a full stop."""
        return []

    def samples(self, root: Path) -> list[Sample]:
        """The set's samples in a fixed order, with splits; LayoutError names what is missing."""
        require_folder(root)
        require_distinct_colours(self.classes, root)
        survey = self.survey(root)
        if survey.blocking:
            raise _layout_error(root, survey.blocking)
        if not survey.samples:
            raise LayoutError(
                f"no photograph of {self.title} is here", where=root, fix=f"See `retseg datasets show {self.name}`"
            )
        for sample in survey.samples:
            if sample.split not in SPLITS:
                what = f"the photograph '{sample.id}' is of the split '{sample.split}', which does not exist"
                raise LayoutError(what, where=sample.image, fix=f"The splits are {', '.join(SPLITS)}")
        return list(survey.samples)

    def field_of_view(self, sample: Sample, image: UInt8Array) -> tuple[BoolArray, bool]:
        """The field of view (H, W), and whether it was estimated from the photograph.

        The owner's mask counts where there is one, unless the configuration says otherwise; a task without a class for
        what lies outside counts every pixel.
        """
        if self.classes.outside is None:
            return np.ones(image.shape[:2], bool), False
        if sample.fov is not None and not self.config.estimate_fov:
            return self.owners_field_of_view(sample, sample.fov, image.shape), False
        from retseg.imaging.fov import estimate_fov  # brings SciPy with it

        try:
            return estimate_fov(image), True
        except ImageError as error:
            raise ImageError(error.what, where=sample.image, fix=error.fix) from None

    def owners_field_of_view(self, sample: Sample, path: Path, shape: tuple[int, ...]) -> BoolArray:
        """The owner's mask (H, W) for a photograph of the given shape; ImageError if it cannot be its mask."""
        fov = binary_mask(read_label(path), path, self.fov_encoding)
        require_same_size(sample.image, shape, path, fov.shape)
        if not fov.any():
            fix = "Fetch the file again, or set dataset.estimate_fov=true"
            raise ImageError("the field-of-view mask is empty", where=path, fix=fix)
        return fov

    def load(self, sample: Sample) -> Case:
        """The sample's arrays, all on the photograph's own grid; ImageError for a photograph that cannot be used."""
        image = read_image(sample.image)
        require_visible(sample.image, image)
        fov, estimated = self.field_of_view(sample, image)
        maps = {observer: self.class_map(sample, observer, fov) for observer in sample.labels}
        reference = sample.reference
        targets: dict[str, NDArray[Any]] = {}
        if reference is not None:
            targets[CLASS_MAP] = maps.pop(reference)
            if (instances := self.id_map(sample, reference, fov)) is not None:
                targets[INSTANCES] = instances
        remarks = tuple(line for observer in sample.labels for line in self.remarks(sample, observer))
        return Case(sample, image, fov, targets, maps, estimated, remarks)

    def check(self, root: Path, report: Report | None = None) -> list[Finding]:
        """Every missing, extra, unreadable, wrongly sized or wrongly valued file below `root`, each with what to do."""
        from retseg.datasets.check import check_samples

        require_folder(root)
        survey = self.survey(root)
        return [*survey.findings, *check_samples(self, survey.samples, report)]

    @property
    def to_generate(self) -> int:
        """The number of photographs that `generate` sees to: none of a set that is not generated."""
        return self.config.count if self.generated else 0

    def generate(self, root: Path, report: Report | None = None) -> None:
        """Makes the set below `root`, for generated sets only."""
        raise ConfigError(f"{self.title} cannot be generated", where=root, fix=self.obtain.rstrip("."))


class VesselDataset(Dataset):
    """A set of vessel labels: the vessel against everything else, in files that hold two grey values.

    `label_encoding` names the grey values that the owner's labels hold: `BLACK_AND_WHITE` for 0/1 and 0/255,
    `ANY_GREY` for labels with soft edges, which are cut at 127.
    """

    classes: Classes = VESSELS
    label_encoding: ClassVar[frozenset[int] | None] = BLACK_AND_WHITE

    def vessel(self, sample: Sample, observer: str) -> BoolArray:
        """The vessel (H, W) as `observer` drew it, also where it lies outside the field of view."""
        path = sample.labels[observer]
        return binary_mask(read_label(path), path, self.label_encoding)

    def target(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """The class map (H, W): the label is unaltered inside the field of view and "outside" beyond it."""
        vessel = self.vessel(sample, observer)
        require_same_size(sample.image, fov.shape, sample.labels[observer], vessel.shape)
        classes = self.classes
        assert classes.positive is not None
        assert classes.outside is not None
        retina = next(i for i in range(classes.count) if i not in (classes.positive, classes.outside))
        return vessel_label_map(vessel, fov, outside=classes.outside, vessel_index=classes.positive, retina=retina)


def wrong_folder(dataset: Dataset, root: Path) -> Finding:
    """The finding for a folder that does not hold the set; a folder just below it that does is suggested."""
    empty = next(root.iterdir(), None) is None
    what = "the folder is empty" if empty else f"this folder does not have the layout of {dataset.title}"
    example = dataset.tree.splitlines()[0].split("  ")[0]
    fix = f"Give the folder that holds {example} (see `retseg datasets show {dataset.name}`)"
    below = sorted(path for path in root.iterdir() if path.is_dir() and dataset.marks(path))
    if below:
        fix = f"Use --root {below[0]} instead, which has it"
    return Finding("error", root, what, fix, blocks=True)


def require_folder(root: Path) -> None:
    """InputError unless `root` is a folder that can be read."""
    if root.is_dir():
        return
    if root.exists():
        raise InputError("a folder is needed, but this is a file", where=root, fix="Give the folder that holds it")
    raise InputError("folder not found", where=root, fix="Check the path given with --root")


def _layout_error(root: Path, blocking: list[Finding]) -> LayoutError:
    if len(blocking) == 1:
        return LayoutError(blocking[0].what, where=blocking[0].path, fix=blocking[0].fix)
    named = [f"{finding.what} ({finding.path.name})" for finding in blocking]
    what = f"{len(blocking)} files are missing or wrong: {listed(named)}"
    return LayoutError(what, where=root, fix=blocking[0].fix)


def require_visible(path: Path, image: UInt8Array) -> None:
    """ImageError for a photograph in which every pixel is black."""
    if not image.any():
        raise ImageError("the photograph is all black, so nothing is visible", where=path, fix="Export it again")


def require_same_size(first: Path, one: tuple[int, ...], second: Path, other: tuple[int, ...]) -> None:
    """ImageError, naming both files and their sizes, unless both shapes have one height and width."""
    if one[:2] == other[:2]:
        return
    raise ImageError(
        f"files that belong together differ in size: {first.name} is {one[1]}x{one[0]} but "
        f"{second.name} is {other[1]}x{other[0]} (width x height)",
        where=f"{first} and {second}",
        fix="Take both from the same source, and do not resize either",
    )
