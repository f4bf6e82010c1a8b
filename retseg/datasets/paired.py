"""Sets whose photographs lie in one folder and their labels in another, paired by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import ClassVar

from retseg.core.types import Sample
from retseg.datasets.base import Dataset, Survey, wrong_folder
from retseg.datasets.findings import Finding, listed
from retseg.datasets.splits import TEST
from retseg.datasets.tree import Tree

_AGAIN = "Fetch the set again from its owner, or copy the file here"


@dataclass(frozen=True, slots=True)
class Place:
    """Where files of one kind lie, and how their names end after the photograph's own name.

    Of several endings the earlier is preferred. Files in sub-folders count only where the place is `nested`.
    """

    folder: str
    endings: Sequence[str]
    nested: bool = False

    def file(self, name: str) -> str:
        """The path, relative to the root, that the file of the photograph `name` should have."""
        return f"{self.folder}/{name}{self.endings[0]}"

    def name_of(self, relative: str) -> tuple[str, int] | None:
        """The photograph's name in a path relative to the root and its ending's rank; None if it lies elsewhere."""
        inner = relative[len(self.folder) + 1 :]
        if not relative.lower().startswith(f"{self.folder.lower()}/") or ("/" in inner and not self.nested):
            return None
        for rank, ending in enumerate(self.endings):
            # A name cannot consist of an ending alone.
            if inner.lower().endswith(ending.lower()) and len(inner.rpartition("/")[2]) > len(ending):
                return inner[: -len(ending)], rank
        return None


@dataclass(frozen=True, slots=True)
class Pair:
    """One photograph, by its name without folder and ending, and what belongs to it by kind."""

    id: str
    image: Path
    companions: Mapping[str, Path]


def pair_files(tree: Tree, photographs: Place, companions: Mapping[str, Place]) -> tuple[list[Pair], list[Finding]]:
    """The photographs with all their companions, and a finding for each that is missing or there twice.

    `companions` says where each kind of file lies ("label", "id map"). A missing companion blocks; a missing
    photograph does not. Names are compared without regard to case.
    """
    findings: list[Finding] = []
    images = _files(tree, photographs, "photograph", findings)
    others = {kind: _files(tree, place, kind, findings) for kind, place in companions.items()}
    pairs: list[Pair] = []
    for key, (name, image) in images.items():
        found = {kind: files[key][1] for kind, files in others.items() if key in files}
        findings += [_no_companion(tree, place, name, kind) for kind, place in companions.items() if kind not in found]
        pairs.append(Pair(name, image, found))
    orphans = {key: name for files in others.values() for key, (name, _) in files.items() if key not in images}
    for key, name in sorted(orphans.items()):
        left = [files[key][1].relative_to(tree.root).as_posix() for files in others.values() if key in files]
        what = f"photograph missing, so {listed(left)} is not used"
        findings.append(Finding("error", tree.root / photographs.file(name), what, _AGAIN))
    return pairs, findings


def _files(tree: Tree, place: Place, kind: str, findings: list[Finding]) -> dict[str, tuple[str, Path]]:
    """The files of a place by the photograph's name in lower case, with the name as it is written."""
    ranked: dict[str, list[tuple[int, str, Path]]] = {}
    for path in tree.left_over():
        relative = path.relative_to(tree.root).as_posix()
        if (named := place.name_of(relative)) is not None:
            ranked.setdefault(named[0].lower(), []).append((named[1], named[0], path))
            tree.take([relative])
    chosen: dict[str, tuple[str, Path]] = {}
    for key, candidates in ranked.items():
        (_, name, path), *surplus = sorted(candidates, key=lambda candidate: (candidate[0], candidate[2]))
        chosen[key] = name, path
        for _, _, extra in surplus:
            what = f"a second {kind} of the name {name}; {path.name} is used"
            findings.append(Finding("warning", extra, what, "Remove one of the two, or give it another name"))
    return chosen


def _no_companion(tree: Tree, place: Place, name: str, kind: str) -> Finding:
    return Finding("error", tree.root / place.file(name), f"{kind} missing", _AGAIN, blocks=True)


class PairedSet(Dataset):
    """A published set of photographs with one label each, whose names need not be known beforehand.

    Class attributes:
        photographs, labels: Where they lie.
        known: Patterns of the owner's further files, relative to the root and in lower case; they are not used.
        whole: Number of photographs that the owner ships.
    """

    photographs: ClassVar[Place]
    labels: ClassVar[Place]
    known: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[int]

    @abstractmethod
    def assign(self, samples: list[Sample]) -> list[Sample]:
        """The samples with the splits of the configured protocol."""

    def survey(self, root: Path) -> Survey:
        """The photographs that are there, with their labels, and what is missing or extra."""
        if not self.marks(root):
            return Survey((), [wrong_folder(self, root)])
        tree = Tree(root)
        pairs, findings = pair_files(tree, self.photographs, {"label": self.labels})
        for path in tree.left_over():
            relative = path.relative_to(root).as_posix()
            if any(fnmatch(relative.lower(), pattern) for pattern in self.known):
                tree.take([relative])
        observer = next(iter(self.observers))
        samples = self.assign([_sample(pair, observer) for pair in pairs])
        findings += [*self._counted(root, samples), *tree.strangers(self.title)]
        return Survey(samples, findings)

    def _counted(self, root: Path, samples: Sequence[Sample]) -> list[Finding]:
        findings: list[Finding] = []
        if samples and not any(sample.split == TEST for sample in samples):
            what = f"no photograph is left for the test: {len(samples)} cannot be split in this way"
            fix = "Add photographs, or choose another dataset.protocol or dataset.fold"
            findings.append(Finding("error", root, what, fix, blocks=True))
        if len(samples) != self.whole:
            what = f"{len(samples)} photographs are here and the owner ships {self.whole}"
            findings.append(Finding("note", root, what, "Fetch the whole set to compare with published figures"))
        return findings


def _sample(pair: Pair, observer: str) -> Sample:
    labels = {observer: pair.companions["label"]} if "label" in pair.companions else {}
    return Sample(pair.id, pair.id, pair.image, labels=labels)
