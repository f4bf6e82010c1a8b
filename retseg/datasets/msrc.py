"""MSRC v2: 591 everyday photographs with colour-coded labels of 23 classes, and a cleaned-up second set of labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Classes, ClassInfo, Sample, UInt8Array
from retseg.datasets.base import Dataset, wrong_folder
from retseg.datasets.class_splits import split_by_classes
from retseg.datasets.class_tables import ALL_VOID, without
from retseg.datasets.colour_labels import ColourCode, ColourLabel
from retseg.datasets.config import DatasetConfig
from retseg.datasets.findings import Finding, Survey, listed
from retseg.datasets.paired import Pair, Place, pair_files
from retseg.datasets.segment_labels import read_segment_label
from retseg.datasets.split_lists import splits_by_lists
from retseg.datasets.splits import TEST, TRAIN, VALIDATION
from retseg.datasets.tree import Tree, names_in
from retseg.imaging.io import image_size

MSRC = Classes(
    "msrc",
    (
        ClassInfo("building", (128, 0, 0)),
        ClassInfo("grass", (0, 128, 0)),
        ClassInfo("tree", (128, 128, 0)),
        ClassInfo("cow", (0, 0, 128)),
        ClassInfo("horse", (128, 0, 128)),
        ClassInfo("sheep", (0, 128, 128)),
        ClassInfo("sky", (128, 128, 128)),
        ClassInfo("mountain", (64, 0, 0)),
        ClassInfo("aeroplane", (192, 0, 0)),
        ClassInfo("water", (64, 128, 0)),
        ClassInfo("face", (192, 128, 0)),
        ClassInfo("car", (64, 0, 128)),
        ClassInfo("bicycle", (192, 0, 128)),
        ClassInfo("flower", (64, 128, 128)),
        ClassInfo("sign", (192, 128, 128)),
        ClassInfo("bird", (0, 64, 0)),
        ClassInfo("book", (128, 64, 0)),
        ClassInfo("chair", (0, 192, 0)),
        ClassInfo("road", (128, 64, 128)),
        ClassInfo("cat", (0, 192, 128)),
        ClassInfo("dog", (128, 192, 128)),
        ClassInfo("body", (64, 64, 0)),
        ClassInfo("boat", (192, 64, 0)),
    ),
    subject="photograph",
)
"""The 23 classes in the owner's order and colours; void is black."""

SHARES = {TRAIN: 276, VALIDATION: 59, TEST: 256}
"""Photographs of the customary split, and the proportions of ours."""

_OWNER, _CLEANED = "owner", "cleaned"
_SUFFIXES = (".bmp", ".png", ".tif", ".tiff", ".gif", ".jpg", ".jpeg")
_PHOTOGRAPHS = Place("Images", _SUFFIXES)
_LABELS = {
    _OWNER: Place("GroundTruth", tuple(f"_GT{suffix}" for suffix in _SUFFIXES)),
    _CLEANED: Place("newsegmentations_mats", ("_GT.mat",)),
}
_LISTS = {
    split: (name, f"TextonBoostSplits/{name}")
    for split, name in ((TRAIN, "Train.txt"), (VALIDATION, "Validation.txt"), (TEST, "Test.txt"))
}


class Msrc(Dataset):
    """MSRC v2 as its owner ships it, with the split lists and the cleaned-up labels where these lie beside it."""

    name = "msrc"
    title = "MSRC v2"
    classes = MSRC
    licence = "offered for research, on the owner's terms; not shipped here"
    homepage = "https://www.microsoft.com/en-us/research/project/image-understanding/"
    obtain = (
        "Download the pixel-wise labelled image database v2 (591 photographs) from the homepage and unpack it. The "
        "lists of the customary split come with TextonBoost. The cleaned-up labels of Malisiewicz and Efros come from "
        "their page on the paper of BMVC 2007; unpack them beside Images. They are the second observer; to have them "
        "as the truth, rename or remove GroundTruth."
    )
    credit = (
        "Shotton, Winn, Rother and Criminisi, TextonBoost, ECCV 2006; Microsoft Research Cambridge. Cleaned-up labels: "
        "Malisiewicz and Efros, Improving spatial support for objects via multiple segmentations, BMVC 2007"
    )
    tree = """\
Images/1_1_s.bmp ...                     (mixed sizes; copies as .png or .jpg will do)
GroundTruth/1_1_s_GT.bmp ...             (colour-coded; copies as .png will do)
newsegmentations_mats/1_1_s_GT.mat ...   (optional: the cleaned-up labels)
Train.txt Validation.txt Test.txt        (optional, also in TextonBoostSplits: one file name a line)"""
    observers: ClassVar[Mapping[str, str]] = {
        _OWNER: "the owner's labels, the ground truth where they are there",
        _CLEANED: "the cleaned-up labels of Malisiewicz and Efros; the ground truth where the owner's are not there",
    }
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "276 photographs for training, 59 for validation and 256 for the test, by the lists of "
        "TextonBoost; where these are missing, as 'seeded' with dataset.fold=0",
        "seeded": "the same proportions drawn by the seed dataset.fold, with every class in every part where at least "
        "three photographs show it",
    }
    folds: ClassVar[Mapping[str, int | None]] = {"seeded": None}

    def __init__(self, config: DatasetConfig) -> None:
        super().__init__(config)
        self.classes, self._kept = without(MSRC, config.void)
        self._code = ColourCode(MSRC)
        # Dealing needs every label, and a set is surveyed more than once.
        self._shown: dict[Path, frozenset[int]] = {}

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether photographs with names of MSRC lie in Images."""
        folders = (root / name for name in names_in(root) if name.lower() == _PHOTOGRAPHS.folder.lower())
        named = re.compile(r"\d+_\d+_s\.\w+")
        return any(named.fullmatch(name.lower()) for folder in folders for name in names_in(folder))

    def survey(self, root: Path) -> Survey:
        """The photographs that are there with their labels, split by lists or by classes; what is missing or extra."""
        tree = Tree(root)
        reference = _reference(tree)
        pairs, findings = pair_files(tree, _PHOTOGRAPHS, {"label": _LABELS[reference]})
        if not pairs:
            return Survey((), [wrong_folder(self, root)])
        samples = [_sample(pair, reference) for pair in pairs]
        if reference == _OWNER:
            samples = _with_cleaned(samples, tree, findings)
        samples = self._split(samples, tree, findings)
        findings += [*_counted(root, samples), *tree.strangers(self.title)]
        return Survey(samples, findings)

    def _split(self, samples: list[Sample], tree: Tree, findings: list[Finding]) -> list[Sample]:
        lists = {split: tree.take(names) for split, names in _LISTS.items()}
        if self.config.protocol == "customary":
            if any(lists.values()):
                findings += _incomplete(lists, tree.root)
                return splits_by_lists(tree, samples, findings, _LISTS) or []
            what = "the lists of the customary split are not here; photographs are split by classes and a seed instead"
            fix = f"Copy {', '.join(names[0] for names in _LISTS.values())} here to compare with published figures"
            findings.append(Finding("note", tree.root, what, fix))
        parts = split_by_classes({sample.id: self._classes_in(sample) for sample in samples}, SHARES, self.config.fold)
        return [replace(sample, split=parts[sample.id]) for sample in samples]

    def _classes_in(self, sample: Sample) -> frozenset[int]:
        """The classes that the reference shows; none where it cannot be read, which is told when it is used."""
        observer = sample.reference
        if observer is None:
            return frozenset()
        path = sample.labels[observer]
        if path not in self._shown:
            try:
                class_map = self.target(sample, observer, np.ones(image_size(sample.image), bool))
            except ImageError:
                class_map = np.zeros(0, np.uint8)
            counts = np.bincount(class_map.ravel(), minlength=256)
            self._shown[path] = frozenset(int(index) for index in np.flatnonzero(counts) if index < self.classes.count)
        return self._shown[path]

    def target(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """The class map (H, W); void, and classes that are to be void, are the ignore value."""
        kept: UInt8Array = self._kept[self._read(sample.labels[observer], observer).class_map]
        return kept

    def remarks(self, sample: Sample, observer: str) -> list[str]:
        """Colours that no class has, and a label without any class."""
        label = self._read(sample.labels[observer], observer)
        void = self._kept[label.class_map] == self.classes.ignore
        return [*label.remarks, ALL_VOID] if void.all() else label.remarks

    def _read(self, path: Path, observer: str) -> ColourLabel:
        """The label with all 23 classes, whatever is to be void."""
        if observer == _CLEANED:
            return ColourLabel(read_segment_label(path, MSRC.count, MSRC.ignore))
        return self._code.read(path, self.config)


def _reference(tree: Tree) -> str:
    """Whose labels are the truth: the owner's if any are there. The two are never mixed."""
    files = [path.relative_to(tree.root).as_posix() for path in tree.left_over()]
    there = [observer for observer, place in _LABELS.items() if any(place.name_of(file) for file in files)]
    return there[0] if there else _OWNER


def _sample(pair: Pair, reference: str) -> Sample:
    labels = {reference: pair.companions["label"]} if "label" in pair.companions else {}
    return Sample(pair.id, pair.id, pair.image, labels=labels)


def _with_cleaned(samples: list[Sample], tree: Tree, findings: list[Finding]) -> list[Sample]:
    """The samples with the cleaned-up label as a second one, where it is there."""
    cleaned = {sample.id: tree.take([_LABELS[_CLEANED].file(sample.id)]) for sample in samples}
    missing = [name for name, path in cleaned.items() if path is None]
    if missing and len(missing) < len(samples):
        what = f"{len(missing)} cleaned-up labels are missing: {listed(missing)}"
        path = tree.root / _LABELS[_CLEANED].folder
        findings.append(Finding("warning", path, what, "Fetch the cleaned-up labels again"))
    return [
        replace(sample, labels={**sample.labels, _CLEANED: path}) if sample.labels and path is not None else sample
        for sample, path in zip(samples, cleaned.values(), strict=True)
    ]


def _incomplete(lists: Mapping[str, Path | None], root: Path) -> Iterator[Finding]:
    for split, path in lists.items():
        if path is None:
            what = f"the list of the {split} photographs is missing beside the others"
            fix = "Copy it here, or set dataset.protocol=seeded"
            yield Finding("error", root / _LISTS[split][0], what, fix, blocks=True)


def _counted(root: Path, samples: Sequence[Sample]) -> Iterator[Finding]:
    if not any(sample.split == TEST for sample in samples):
        what = f"no photograph is left for the test: {len(samples)} cannot be split in this way"
        yield Finding("error", root, what, "Add photographs, or choose another dataset.protocol", blocks=True)
    if len(samples) != (whole := sum(SHARES.values())):
        what = f"{len(samples)} photographs are used and the owner ships {whole}; the split is not that of papers"
        yield Finding("note", root, what, "Fetch the whole set to compare with published figures")
