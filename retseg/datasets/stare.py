"""STARE's vessel subset: 20 photographs, each labelled by two observers, without fields of view."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from retseg.core.types import Sample
from retseg.datasets.findings import Finding, Survey
from retseg.datasets.published import Photograph, PublishedSet
from retseg.datasets.splits import TEST, leave_one_out, split_patients
from retseg.datasets.tree import names_in

_NUMBERS = (1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324)
_IMAGE_FOLDERS = ("", "stare-images/")
_IDS = tuple(f"im{number:04d}" for number in _NUMBERS)


class Stare(PublishedSet):
    """STARE as its owner ships it: PPM or PGM files, gzipped or not, in one folder or one folder a tar file."""

    name = "stare"
    title = "STARE"
    licence = "no formal licence; offered for research, with credit"
    homepage = "https://cecas.clemson.edu/~ahoover/stare/"
    obtain = (
        "From the page on blood vessel segmentation of the STARE project (Clemson University) download "
        "stare-images.tar, labels-ah.tar and labels-vk.tar; unpack each into a folder of that name, or all into one."
    )
    credit = "Hoover et al., Locating blood vessels in retinal images by piecewise threshold probing, IEEE TMI 2000"
    tree = """\
im0001.ppm ... im0324.ppm           (or in stare-images/; each file may be gzipped: .ppm.gz)
im0001.ah.ppm ...                   (or in labels-ah/; .ppm or .pgm)
im0001.vk.ppm ...                   (or in labels-vk/; .ppm or .pgm)"""
    observers: ClassVar[Mapping[str, str]] = {
        "ah": "Adam Hoover, the ground truth",
        "vk": "Valentina Kouznetsova, the second observer",
    }
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "leave one out: photograph number dataset.fold (0 to 19) is the test, all others are for training",
        "10/10": "the first ten photographs for training, the last ten for the test",
    }
    folds: ClassVar[Mapping[str, int | None]] = {"customary": len(_NUMBERS)}
    size = (605, 700)

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether one of the 20 photographs lies in the folder or in its stare-images."""
        wanted = re.compile(rf"({'|'.join(_IDS)})\.ppm(\.gz)?")
        return any(wanted.fullmatch(name.lower()) for folder in _IMAGE_FOLDERS for name in names_in(root / folder))

    def photographs(self) -> list[Photograph]:
        """20 photographs in the order of their numbers; one photograph a patient."""
        return [
            Photograph(
                id=name,
                patient=name,
                image=_candidates(_IMAGE_FOLDERS, name, ("ppm",)),
                labels={
                    observer: _candidates(("", f"labels-{observer}/"), f"{name}.{observer}", ("ppm", "pgm"))
                    for observer in self.observers
                },
            )
            for name in _IDS
        ]

    def survey(self, root: Path) -> Survey:
        """As for any published set; leaving a photograph out takes that photograph."""
        survey = super().survey(root)
        if not survey.samples or any(sample.split == TEST for sample in survey.samples):
            return survey
        what = f"no photograph for the test: fold {self.config.fold} tests one that is not here"
        finding = Finding("error", root, what, "Fetch it, or choose another dataset.fold", blocks=True)
        return Survey(survey.samples, [finding, *survey.findings])

    def assign(self, samples: list[Sample]) -> list[Sample]:
        """Leave one out, or ten and ten."""
        if self.config.protocol == "10/10":
            last = set(_IDS[len(_IDS) // 2 :])
            return split_patients(samples, lambda patient: patient in last)
        return leave_one_out(samples, self.config.fold, among=_IDS)


def _candidates(folders: tuple[str, ...], stem: str, suffixes: tuple[str, ...]) -> list[str]:
    return [f"{folder}{stem}.{suffix}{gz}" for folder in folders for suffix in suffixes for gz in ("", ".gz")]
