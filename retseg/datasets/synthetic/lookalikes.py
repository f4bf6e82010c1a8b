"""Generated look-alikes of published sets of everyday photographs: made on demand, read by the published set's code."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from retseg.core.errors import ConfigError, nearest
from retseg.core.paths import ensure_writable, write_atomically
from retseg.datasets.base import Dataset, Report
from retseg.datasets.findings import Finding, Survey
from retseg.datasets.msrc import Msrc
from retseg.datasets.penn_fudan import PennFudan
from retseg.datasets.splits import TEST, TRAIN, VALIDATION
from retseg.datasets.stanford import StanfordBackground
from retseg.datasets.synthetic import recipes

if TYPE_CHECKING:
    from retseg.datasets.synthetic.picture_layouts import Picture, PictureLayout

SIZES = {"full": 1.0, "demo": 0.5}
"""The sizes by name, as parts of the owner's; the first is the default."""

_LISTS = {TRAIN: "Train.txt", VALIDATION: "Validation.txt", TEST: "Test.txt"}
_LISTED = 80
"""Fewest pictures of MSRC's look-alike that come with lists of a split: four of each group."""
_TURNS = (TRAIN, TRAIN, TEST, VALIDATION, TEST, TRAIN, TEST, TRAIN, TEST, TRAIN)
"""The parts of a group's first ten pictures, and so on."""

_LICENCE = "none needed: made by this program"


class LookAlike(Dataset):
    """What generated look-alikes have in common; it stands before the published set among a class's bases.

    `dataset.count`, `.size` ("full" or "demo") and `.generator_seed` say which pictures are made.
    """

    layout: ClassVar[str]
    generated = True

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether the folder has the layout, and pictures in it that were generated."""
        return recipes.generated(root) and super().marks(root)

    def survey(self, root: Path) -> Survey:
        """The pictures as the published set finds them; what it says about downloads and papers is left out."""
        survey = super().survey(root)  # type: ignore[safe-super]
        findings = [self._remade(finding) for finding in survey.findings if finding.severity != "note"]
        return Survey(survey.samples, findings)

    def generate(self, root: Path, report: Report | None = None) -> None:
        """Makes what is missing or damaged below `root`; pictures that are whole stay as they are.

        A folder that an earlier call filled with other settings is changed to these.
        """
        from retseg.datasets.synthetic.crew import each

        wanted, scale = self._pictures(), self._scale()
        ensure_writable(root)
        recipes.remove_others(root, {picture.id for picture in wanted})
        pending = []
        for picture in wanted:
            if not recipes.is_whole(root, picture.id, self._key(picture)):
                pending.append(picture)
            elif report is not None:
                report(1, "already there")
        width, height = wanted[0].size(scale)
        for name in each(functools.partial(self._make, root), pending, width * height):
            if report is not None:
                report(1, name)

    def _make(self, root: Path, picture: Picture) -> str:
        names = []
        for name, content in self._layout().files(picture, self.config.generator_seed, self._scale()):
            write_atomically(root / name, content)
            names.append(name)
        recipes.record(root, picture.id, self._key(picture), names)
        return picture.id

    def _layout(self) -> PictureLayout:
        from retseg.datasets.synthetic.picture_layouts import PICTURE_LAYOUTS

        return PICTURE_LAYOUTS[self.layout]

    def _pictures(self) -> list[Picture]:
        every = self._layout().pictures()
        if self.config.count > len(every):
            what = f"{self.title} has {len(every)} pictures at most, and {self.config.count} are asked for"
            raise ConfigError(what, where="dataset.count", fix=f"Set dataset.count to {len(every)} or fewer")
        return every[: self.config.count]

    def _scale(self) -> float:
        size = self.config.size or next(iter(SIZES))
        if size not in SIZES:
            raise ConfigError(f"unknown size '{size}'", where="dataset.size", fix=nearest(size, SIZES))
        return SIZES[size]

    def _key(self, picture: Picture) -> dict[str, Any]:
        """What the picture's bytes follow from."""
        seed, version = picture.seed(self.config.generator_seed), self._layout().version
        return {"version": version, "seed": seed, "shows": picture.shows, "size": list(picture.size(self._scale()))}

    def _remade(self, finding: Finding) -> Finding:
        """What is missing from a generated set need not be fetched."""
        if finding.severity != "error":
            return finding
        return replace(finding, fix=f"Run `retseg prepare --dataset {self.name}` on this folder, which makes it anew")


class SyntheticMsrc(LookAlike, Msrc):
    """Scenes with the 23 classes of MSRC and void."""

    name = "synthetic-msrc"
    title = "the generated look-alike of MSRC"
    licence = _LICENCE
    homepage = ""
    obtain = "It is made on this machine by `retseg prepare --dataset synthetic-msrc`; nothing is downloaded."
    credit = ""
    protocols: ClassVar[Mapping[str, str]] = {
        **Msrc.protocols,
        "customary": f"from {_LISTED} pictures on: of each kind of scene about half for training, a tenth for "
        "validation and the others for the test; with fewer pictures, as 'seeded' with dataset.fold=0",
    }
    layout = "msrc"

    def generate(self, root: Path, report: Report | None = None) -> None:
        """Makes what is missing below `root`, and the lists of the customary split."""
        super().generate(root, report)
        pictures = self._pictures()
        for split, file in _LISTS.items():
            path = root / file
            if len(pictures) < _LISTED:
                path.unlink(missing_ok=True)
                continue
            lines = [f"{picture.id}.bmp\n" for picture in pictures if _split(picture) == split]
            if not path.is_file() or path.read_text(encoding="utf-8") != "".join(lines):
                write_atomically(path, "".join(lines))


def _split(picture: Picture) -> str:
    """The part of a picture of MSRC by its place in its group, so that every kind of scene is in every part."""
    place = int(picture.id.split("_")[1])
    return _TURNS[(place - 1) % len(_TURNS)]


class SyntheticStanford(LookAlike, StanfordBackground):
    """Outdoor scenes with the eight classes of Stanford Background."""

    name = "synthetic-stanford"
    title = "the generated look-alike of Stanford Background"
    licence = _LICENCE
    homepage = ""
    obtain = "It is made on this machine by `retseg prepare --dataset synthetic-stanford`; nothing is downloaded."
    credit = ""
    layout = "stanford-background"


class SyntheticPedestrians(LookAlike, PennFudan):
    """Streets with people who often touch or overlap, each told apart, as in Penn-Fudan."""

    name = "synthetic-pedestrians"
    title = "the generated look-alike of Penn-Fudan"
    licence = _LICENCE
    homepage = ""
    obtain = "It is made on this machine by `retseg prepare --dataset synthetic-pedestrians`; nothing is downloaded."
    credit = ""
    layout = "penn-fudan"
