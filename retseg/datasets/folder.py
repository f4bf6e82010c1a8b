"""Any folder of photographs, with labels and fields of view where they are found by name or named by a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest
from retseg.core.types import Sample
from retseg.datasets.base import Survey, VesselDataset, require_folder
from retseg.datasets.findings import Finding, listed
from retseg.datasets.ids import photograph_ids as photograph_ids
from retseg.datasets.pairing import FOV, LABEL, SECOND_LABEL, pair
from retseg.datasets.splits import hold_out_patients, shared_patients, split_patients
from retseg.datasets.table import Table, read_table, table_samples
from retseg.datasets.tree import names_in
from retseg.imaging.files import list_images, plain_stem

TEST_FRACTION = 0.3
_TABLES = ("index.csv", "labels.csv")
_EYE = re.compile(r"(?P<patient>.+)[ _-](?P<eye>l|r|os|od|left|right)", re.IGNORECASE)
_LEFT = frozenset({"l", "os", "left"})


class Folder(VesselDataset):
    """A folder of anyone's photographs. Without labels all of them are the test; with labels patients are dealt."""

    name = "folder"
    title = "a folder of photographs"
    licence = "your own"
    homepage = ""
    obtain = "Give any folder of photographs with --root."
    credit = ""
    tree = """\
*.jpg, *.png, *.tif ...      (photographs, also in sub-folders)
labels/<same name>.png       (optional; also label, manual, manual1, 1st_manual, vessels, gt, masks ...)
fov/<same name>.png          (optional; also mask)
index.csv or labels.csv      (optional: image,label,label2,fov,patient,eye,split,um_per_pixel)"""
    observers: ClassVar[Mapping[str, str]] = {
        LABEL: "the labels found, the ground truth",
        SECOND_LABEL: "the second observer's labels, if any",
    }
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "the table's splits (train, validation, test); else 70% of the labelled patients for training "
        "and 30% for the test, dealt anew for every dataset.fold; without labels all are the test"
    }
    folds: ClassVar[Mapping[str, int | None]] = {"customary": None}
    reads_csv = True

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Never: any folder would do, so it has to be asked for."""
        return False

    def survey(self, root: Path) -> Survey:
        """The photographs below `root` and what belongs to them."""
        findings: list[Finding] = []
        table = self._table(root, findings)
        if table is None:
            samples = self._by_name(root, findings)
        else:
            found = table_samples(table, root)
            samples = found.samples
            findings += [*found.findings, *_unlisted(root, samples)]
        if table is not None and table.has_splits:
            findings += _shared(table, samples)
        else:
            samples = self._deal(samples)
        if not samples and not any(finding.blocks for finding in findings):
            findings.append(_nothing(root))
        return Survey(samples, findings)

    def _table(self, root: Path, findings: list[Finding]) -> Table | None:
        if self.config.csv is not None:
            path = Path(self.config.csv)
            return read_table(root / path if (root / path).is_file() else path)
        for name in names_in(root):
            if name.lower() in _TABLES:
                try:
                    return read_table(root / name)
                except InputError as error:
                    # It may be a table of another kind; but if it is ours, the labels must not vanish unsaid.
                    fix = f"{error.fix}; or give it another name if it is no table of labels"
                    findings.append(Finding("error", root / name, error.what, fix, blocks=True))
        return None

    def _by_name(self, root: Path, findings: list[Finding]) -> list[Sample]:
        pairing = pair(root, _images(root))
        findings += pairing.findings
        return _samples(root, pairing.photographs, pairing.companions)

    def _deal(self, samples: list[Sample]) -> list[Sample]:
        labelled = {sample.patient for sample in samples if sample.labels}
        # One labelled patient cannot be split; it is then the test, like photographs without labels.
        test = hold_out_patients(labelled, TEST_FRACTION, self.config.fold) or labelled
        return split_patients(samples, lambda patient: patient in test or patient not in labelled)


def photographs(path: Path) -> list[Sample]:
    """The photographs of one file or one folder, without labels: those that `predict` is given.

    Labels and masks that lie beside the photographs are recognised by their names and left out.
    """
    if path.is_file():
        return _samples(path.parent, [path], {})
    if not path.exists():
        raise InputError("no such file or folder", where=path, fix="Check the path")
    require_folder(path)
    samples = _samples(path, pair(path, _images(path)).photographs, {})
    if not samples:
        empty = _nothing(path)
        raise InputError(empty.what, where=path, fix=empty.fix)
    return samples


def _images(root: Path) -> list[Path]:
    """The images below `root`, except in sub-folders that are our own results: those are no photographs."""
    images = list_images(root)
    folders = {folder for path in images for folder in path.parents if folder.is_relative_to(root) and folder != root}
    ours = {folder for folder in folders if folder.suffix == ".partial" or Manifest.find(folder) is not None}
    return [path for path in images if ours.isdisjoint(path.parents)]


def _samples(root: Path, images: list[Path], companions: Mapping[Path, Mapping[str, Path]]) -> list[Sample]:
    ids = photograph_ids(root, images)
    return [_sample(path, ids[path], companions.get(path, {})) for path in images]


def _sample(path: Path, name: str, companions: Mapping[str, Path]) -> Sample:
    labels = {role: companions[role] for role in (LABEL, SECOND_LABEL) if role in companions and LABEL in companions}
    # `p1_left` and `p1_right` are two eyes of one patient and must not be split.
    eye = _EYE.fullmatch(plain_stem(path))
    sample = Sample(id=name, patient=name, image=path, labels=labels, fov=companions.get(FOV))
    if eye is None:
        return sample
    folder = name.rpartition("/")[0]
    patient = f"{folder}/{eye['patient']}" if folder else eye["patient"]
    return replace(sample, patient=patient, eye="L" if eye["eye"].lower() in _LEFT else "R")


def _unlisted(root: Path, samples: list[Sample]) -> list[Finding]:
    named = {path.resolve() for s in samples for path in (s.image, s.fov, *s.labels.values()) if path is not None}
    return [
        Finding("note", path, "the table does not name this image; it is not used", "Add it to the table, or leave it")
        for path in _images(root)
        if path.resolve() not in named
    ]


def _shared(table: Table, samples: list[Sample]) -> list[Finding]:
    shared = sorted(shared_patients(samples))
    if not shared:
        return []
    what = f"patients that stand in more than one split: {listed(shared)}"
    return [Finding("error", table.path, what, "Give all photographs of a patient one split", blocks=True)]


def _nothing(root: Path) -> Finding:
    empty = not names_in(root)
    what = "the folder is empty" if empty else "no photograph is in this folder"
    return Finding("error", root, what, "Give a folder of JPEG, PNG, TIFF, GIF, BMP, PPM or WebP files", blocks=True)
