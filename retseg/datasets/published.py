"""Published sets: their owner's files are known by name, so what is missing and what is extra can be told."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from retseg.core.types import Sample
from retseg.datasets.base import Survey, VesselDataset, wrong_folder
from retseg.datasets.findings import Finding, listed
from retseg.datasets.tree import Tree

_AGAIN = "Fetch the set again from its owner, or copy the file here"


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph of a published set and the files that belong to it, relative to the root.

    Where a file may have one of several names (`.ppm` or `.ppm.gz`), the candidates stand in order of preference.
    """

    id: str
    patient: str
    image: Sequence[str]
    labels: Mapping[str, Sequence[str]]
    split: str = "test"
    eye: str | None = None
    fov: Sequence[str] = field(default=())


class PublishedSet(VesselDataset):
    """A vessel set whose owner's photographs are listed by `photographs`.

    `may_lack_labels` names the splits that some of the owner's downloads ship without labels.
    """

    may_lack_labels: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def photographs(self) -> list[Photograph]:
        """Every photograph that the owner ships."""

    def assign(self, samples: list[Sample]) -> list[Sample]:
        """The samples with the splits of the configured protocol; by default those that `photographs` says."""
        return samples

    def survey(self, root: Path) -> Survey:
        """The photographs that are there, with their labels and masks, and what is missing or extra."""
        if not self.marks(root):
            return Survey((), [wrong_folder(self, root)])
        tree = Tree(root)
        photographs = self.photographs()
        # All of them are looked for before anything is judged: a split without any label is a known kind of download.
        samples = [sample for photograph in photographs if (sample := self._sample(photograph, tree)) is not None]
        without = self.may_lack_labels - {sample.split for sample in samples if sample.labels}
        findings = [finding for photograph in photographs for finding in self._missing(photograph, tree, without)]
        notes = [_newer_download(root, split) for split in sorted(without & {sample.split for sample in samples})]
        return Survey(self.assign(samples), [*findings, *notes, *tree.strangers(self.title)])

    @property
    def reference(self) -> str:
        """Name of the observer whose labels are the ground truth."""
        return next(iter(self.observers))

    def _sample(self, wanted: Photograph, tree: Tree) -> Sample | None:
        image, fov = tree.take(wanted.image), tree.take(wanted.fov)
        found = {observer: tree.take(candidates) for observer, candidates in wanted.labels.items()}
        labels = {observer: path for observer, path in found.items() if path is not None}
        if image is None:
            return None
        # Without the reference, the second observer must not slip into its place.
        labels = labels if self.reference in labels else {}
        return Sample(wanted.id, wanted.patient, image, wanted.split, wanted.eye, labels, fov)

    def _missing(self, wanted: Photograph, tree: Tree, without: frozenset[str]) -> Iterator[Finding]:
        labels = {} if wanted.split in without else wanted.labels
        missing = {observer: names[0] for observer, names in labels.items() if tree.take(names) is None}
        mask = wanted.fov[0] if wanted.fov and tree.take(wanted.fov) is None else None
        if tree.take(wanted.image) is None:
            too = [name for name in (*missing.values(), mask) if name is not None]
            what = f"photograph missing, and so are {listed(too)}" if too else "photograph missing"
            yield Finding("error", tree.root / wanted.image[0], what, _AGAIN)
            return
        for observer, name in missing.items():
            what = f"label of the observer {observer} missing"
            yield Finding("error", tree.root / name, what, _AGAIN, blocks=observer == self.reference)
        if mask is not None:
            fix = f"{_AGAIN}, or set dataset.estimate_fov=true to use our own"
            what = "field-of-view mask missing"
            yield Finding("error", tree.root / mask, what, fix, blocks=not self.config.estimate_fov)


def _newer_download(root: Path, split: str) -> Finding:
    what = f"the {split} photographs have no labels, as in newer downloads; they are predicted but not scored"
    return Finding("note", root / split, what, "Copy the labels here if you have an older download")
