"""Any folder of photographs and class labels, described by a small classes.yaml."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Classes, ClassInfo, Sample, UInt8Array, UInt16Array
from retseg.datasets.base import Dataset, Report, Survey, require_same_size, wrong_folder
from retseg.datasets.class_file import CLASS_FILE, EXAMPLE, ClassFile, Kind, read_class_file
from retseg.datasets.class_splits import split_by_classes
from retseg.datasets.class_tables import ALL_VOID, without
from retseg.datasets.colour_labels import ColourCode, ColourLabel
from retseg.datasets.config import DatasetConfig
from retseg.datasets.findings import Finding, listed
from retseg.datasets.index_labels import ClassNumbers, read_indices
from retseg.datasets.paired import Pair, Place, pair_files
from retseg.datasets.split_lists import splits_by_folders, splits_by_lists
from retseg.datasets.splits import TEST, TRAIN, VALIDATION
from retseg.datasets.tree import Tree
from retseg.imaging.files import IMAGE_SUFFIXES
from retseg.imaging.io import image_size, read_image

_OBSERVER = "labels"
_SHARES = {TRAIN: 60, VALIDATION: 15, TEST: 25}
_PNG_FIRST = (".png", *sorted(IMAGE_SUFFIXES - {".png"}))
_IMAGES = Place("images", (".jpg", *sorted(IMAGE_SUFFIXES - {".jpg"})), nested=True)
_LABELS = Place("labels", _PNG_FIRST, nested=True)
_INSTANCES = Place("instances", _PNG_FIRST, nested=True)
_KINDS_SEEN = 50
"""Most labels that are read to find out their kind; nearly always the first tells."""


@dataclass(frozen=True, slots=True, eq=False)
class _Bound:
    """What a folder's classes.yaml and labels say, as far as reading labels needs it."""

    file: ClassFile
    code: ColourCode
    numbers: ClassNumbers
    kind: Kind
    index_of: UInt8Array


class Indexed(Dataset):
    """A folder of photographs with index or colour-coded labels. `at` reads its classes."""

    name = "indexed"
    title = "a folder with classes.yaml"
    # Stands in until `at` has read the folder's own.
    classes = Classes(
        "classes.yaml",
        (ClassInfo("(the first of classes.yaml)", (0, 114, 178)), ClassInfo("(the second)", (230, 159, 0))),
        subject="photograph",
    )
    licence = "your own"
    homepage = ""
    obtain = f"Give any such folder with --root. A whole classes.yaml:\n\n{EXAMPLE}"
    credit = ""
    tree = """\
classes.yaml                        (the classes, with names and colours)
images/a.jpg images/b/c.png ...     (also in sub-folders)
labels/a.png labels/b/c.png ...     (one number or one colour a pixel, under the photograph's name)
instances/a.png ...                 (only for classes with instances: 0, or the number of a thing)
train.txt validation.txt test.txt   (optional: a name a line; or sub-folders of these names)"""
    observers: ClassVar[Mapping[str, str]] = {_OBSERVER: "the labels found, the ground truth"}
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "the folder's own lists or sub-folders; else 60% of the photographs for training, 15% for "
        "validation and 25% for the test, with every class in every part where possible, dealt anew for every "
        "dataset.fold"
    }
    folds: ClassVar[Mapping[str, int | None]] = {"customary": None}

    def __init__(self, config: DatasetConfig) -> None:
        super().__init__(config)
        self._bound: _Bound | None = None
        self._seen: dict[tuple[Path, int, int], frozenset[int]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What worker processes get: they do not need what was seen in every label."""
        return {**self.__dict__, "_seen": {}}

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether a classes.yaml lies beside images/ and labels/."""
        return all(_parts(root).values())

    def at(self, root: Path) -> Self:
        """The set with the classes of the folder's classes.yaml; itself where there is none, as `survey` will say."""
        if not self.marks(root):
            return self
        file = read_class_file(root / CLASS_FILE)
        code = ColourCode(file.classes, file.void_colours, file.path)
        numbers = ClassNumbers(file.indices, file.void_indices)
        kind = file.labels or _kind_of_labels(root, code, numbers)
        things = file.classes.things if (root / "instances").is_dir() else ()
        bound = copy.copy(self)
        bound.classes, index_of = without(replace(file.classes, things=things), self.config.void)
        bound._bound = _Bound(file, code, numbers, kind, index_of)
        bound._seen = {}
        return bound

    def survey(self, root: Path) -> Survey:
        """The photographs that are there, with their labels and splits, and what is missing or extra."""
        if not self.marks(root):
            return Survey((), [self._incomplete(root)])
        if self._bound is None:
            return self.at(root).survey(root)
        tree = Tree(root)
        tree.take([CLASS_FILE])
        companions = {"label": _LABELS} | ({"id map": _INSTANCES} if self.classes.things else {})
        pairs, findings = pair_files(tree, _IMAGES, companions)
        if not self.classes.things:
            findings += _no_things(tree, self._bound.file)
        samples: Sequence[Sample] = [_sample(pair) for pair in pairs]
        dealt = splits_by_lists(tree, samples, findings)
        if dealt is None:
            dealt = splits_by_folders(samples, findings, root / "images")
        return Survey(self._deal(samples) if dealt is None else dealt, [*findings, *tree.strangers(self.title)])

    def target(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """The class map (H, W); void pixels, and those of classes that the configuration calls void, are ignored."""
        return self._read(sample.labels[observer]).class_map

    def instances(self, sample: Sample, observer: str) -> UInt16Array | None:
        """The id map (H, W); None for a folder whose classes have no instances."""
        if not self.classes.things or sample.instances is None:
            return None
        path, label = sample.instances, sample.labels[observer]
        try:
            ids = read_indices(path)
            require_same_size(label, image_size(label), path, ids.shape)
        except ImageError as error:
            # Said in full, as it may be told where the label is spoken of.
            what = f"the id map {path.parent.name}/{path.name} cannot be used: {error.what}"
            raise ImageError(what, where=path, fix=error.fix) from None
        return ids.astype(np.uint16)

    def remarks(self, sample: Sample, observer: str) -> list[str]:
        """Colours that no class has, a label that is all void, and ids that lie on classes without instances."""
        label = self._read(sample.labels[observer])
        lines = label.remarks
        if (label.class_map == self.classes.ignore).all():
            lines.append(ALL_VOID)
        if (ids := self.instances(sample, observer)) is not None:
            fitting = [*self.classes.things, self.classes.ignore]
            astray = int(((ids > 0) & ~np.isin(label.class_map, fitting)).sum())
            if astray:
                lines.append(f"{astray:,} pixels of the id map lie on classes without instances")
        return lines

    def check(self, root: Path, report: Report | None = None) -> list[Finding]:
        """As for any set, by the classes that the folder defines."""
        if self._bound is None and self.marks(root):
            return self.at(root).check(root, report)
        return super().check(root, report)

    def _read(self, path: Path) -> ColourLabel:
        """A label of either kind, with the classes that are left."""
        if (bound := self._bound) is None:
            raise ValueError(f"{type(self).__name__}.at(root) comes before the labels of a folder can be read")
        if bound.kind == "colour":
            label = bound.code.read(path, self.config)
            return replace(label, class_map=bound.index_of[label.class_map])
        return ColourLabel(bound.index_of[bound.numbers.to_classes(read_indices(path), path)])

    def _deal(self, samples: Sequence[Sample]) -> list[Sample]:
        classes_of = {sample.id: self._classes_in(sample) for sample in samples}
        split = split_by_classes(classes_of, _SHARES, self.config.fold)
        return [replace(sample, split=split[sample.id]) for sample in samples]

    def _classes_in(self, sample: Sample) -> frozenset[int]:
        """The classes that a label shows; none of one that is missing or cannot be read, which `check` will name."""
        path = sample.labels.get(_OBSERVER)
        if path is None:
            return frozenset()
        try:
            key = (path, (status := path.stat()).st_mtime_ns, status.st_size)
            if key not in self._seen:
                shown = np.flatnonzero(np.bincount(self._read(path).class_map.ravel(), minlength=256))
                self._seen[key] = frozenset(shown.tolist()) - {self.classes.ignore}
            return self._seen[key]
        except (ImageError, OSError):
            return frozenset()

    def _incomplete(self, root: Path) -> Finding:
        parts = _parts(root)
        missing = [part for part, there in parts.items() if not there]
        if len(missing) == len(parts):
            return wrong_folder(self, root)
        fix = f"Add it (see `retseg datasets show {self.name}`)"
        return Finding("error", root, f"missing here: {listed(missing)}", fix, blocks=True)


def _parts(root: Path) -> dict[str, bool]:
    """What such a folder must have, and whether it is there."""
    return {CLASS_FILE: (root / CLASS_FILE).is_file()} | {f"{n}/": (root / n).is_dir() for n in ("images", "labels")}


def _kind_of_labels(root: Path, code: ColourCode, numbers: ClassNumbers) -> Kind:
    """What the labels hold, by the first that fits one of both better than the other."""
    labels, _ = pair_files(Tree(root), _LABELS, {})
    kinds = (_kind_of(pair.image, code, numbers) for pair in labels[:_KINDS_SEEN])
    return next((kind for kind in kinds if kind is not None), "index")


def _kind_of(path: Path, code: ColourCode, numbers: ClassNumbers) -> Kind | None:
    """What one label holds; None if it cannot be read or would fit both."""
    try:
        unknown = code.to_classes(read_image(path)).unknown
    except ImageError:
        return None
    try:
        values = read_indices(path)
    except ImageError:
        return "colour"
    by_colour = values.size - (unknown.pixels if unknown is not None else 0)
    by_index = numbers.known(values)
    if by_colour == by_index:
        return None
    return "colour" if by_colour > by_index else "index"


def _no_things(tree: Tree, file: ClassFile) -> list[Finding]:
    """A note where only one of the two is there: a class with instances, or maps that tell them apart."""
    maps, _ = pair_files(tree, _INSTANCES, {})
    if maps:
        what = "instances/ is not used, as no class has instances"
        return [Finding("note", tree.root / "instances", what, "Say instances: true at a class, or leave it")]
    if file.classes.things:
        named = listed([file.classes.names[index] for index in file.classes.things])
        what = f"without id maps in instances/ the instances of {named} are not told apart"
        return [Finding("note", file.path, what, "Add instances/, or leave it")]
    return []


def _sample(pair: Pair) -> Sample:
    labels = {_OBSERVER: pair.companions["label"]} if "label" in pair.companions else {}
    return Sample(pair.id, pair.id, pair.image, labels=labels, instances=pair.companions.get("id map"))
