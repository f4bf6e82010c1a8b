"""DRIVE: 20 photographs for training and 20 for the test, with the owner's fields of view."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from retseg.datasets.published import Photograph, PublishedSet
from retseg.datasets.tree import names_in


class Drive(PublishedSet):
    """DRIVE as its owner ships it. The second observer, of the test only, is a palette GIF of raw values 0 and 1."""

    name = "drive"
    title = "DRIVE"
    licence = "on registration, for research; not to be handed on"
    homepage = "https://drive.grand-challenge.org"
    obtain = (
        "Join the DRIVE challenge on grand-challenge.org, download training.zip and test.zip from its page, and unpack "
        "both side by side."
    )
    credit = "Staal et al., Ridge-based vessel segmentation in color images of the retina, IEEE TMI 2004"
    tree = """\
training/images/21_training.tif ... 40_training.tif
training/1st_manual/21_manual1.gif ...
training/mask/21_training_mask.gif ...
test/images/01_test.tif ... 20_test.tif
test/1st_manual/01_manual1.gif ...        (newer downloads come without)
test/2nd_manual/01_manual2.gif ...        (newer downloads come without)
test/mask/01_test_mask.gif ..."""
    observers: ClassVar[Mapping[str, str]] = {
        "1st_manual": "first observer, the ground truth",
        "2nd_manual": "second observer, of the test only",
    }
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "20 photographs (21 to 40) for training, 20 (01 to 20) for the test"
    }
    size = (584, 565)
    may_lack_labels = frozenset({"test"})

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether training or test photographs of DRIVE lie where they should."""
        return any(
            name.lower().endswith(f"_{split}.tif")
            for split in ("training", "test")
            for name in names_in(root / split / "images")
        )

    def photographs(self) -> list[Photograph]:
        """20 training photographs, then 20 of the test; one photograph a patient."""
        return [_photograph(number) for number in [*range(21, 41), *range(1, 21)]]


def _photograph(number: int) -> Photograph:
    folder, nn = ("training" if number > 20 else "test"), f"{number:02d}"
    labels = {"1st_manual": [f"{folder}/1st_manual/{nn}_manual1.gif"]}
    if folder == "test":
        labels["2nd_manual"] = [f"{folder}/2nd_manual/{nn}_manual2.gif"]
    return Photograph(
        id=nn,
        patient=nn,
        image=[f"{folder}/images/{nn}_{folder}.tif"],
        labels=labels,
        split="train" if folder == "training" else "test",
        fov=[f"{folder}/mask/{nn}_{folder}_mask.gif"],
    )
