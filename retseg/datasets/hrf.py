"""HRF: 45 large photographs of healthy, diabetic and glaucomatous eyes, with the owner's fields of view."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from retseg.datasets.base import ANY_GREY
from retseg.datasets.published import Photograph, PublishedSet
from retseg.datasets.tree import names_in

_GROUPS = ("h", "dr", "g")
_TRAIN_NUMBERS = 5


class Hrf(PublishedSet):
    """HRF as its owner ships it. Three labels hold grey values (cut at 127), and masks are stored as RGB."""

    name = "hrf"
    title = "HRF"
    licence = "CC BY 4.0"
    homepage = "https://www5.cs.fau.de/research/data/fundus-images/"
    obtain = (
        "Download the whole data set (all.zip) from the high-resolution fundus image database of FAU Erlangen, and "
        "unpack it."
    )
    credit = (
        "Budai et al., Robust vessel segmentation in fundus images, International Journal of Biomedical Imaging 2013"
    )
    tree = """\
images/01_h.jpg ... 15_h.jpg   01_dr.JPG ... 15_dr.JPG   01_g.jpg ... 15_g.jpg
manual1/01_h.tif ...
mask/01_h_mask.tif ..."""
    observers: ClassVar[Mapping[str, str]] = {"manual1": "the owner's labels, the ground truth"}
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "the first five of each group (h, dr, g) for training, the other 30 for the test"
    }
    size = (2336, 3504)
    label_encoding = ANY_GREY

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether photographs of HRF lie where they should."""
        return any(re.fullmatch(r"\d\d_(h|dr|g)\.jpg", name.lower()) for name in names_in(root / "images"))

    def photographs(self) -> list[Photograph]:
        """15 healthy, 15 diabetic and 15 glaucomatous eyes; one photograph a patient."""
        return [_photograph(f"{number:02d}_{group}", number) for group in _GROUPS for number in range(1, 16)]


def _photograph(stem: str, number: int) -> Photograph:
    return Photograph(
        id=stem,
        patient=stem,
        image=[f"images/{stem}.jpg"],
        labels={"manual1": [f"manual1/{stem}.tif"]},
        split="train" if number <= _TRAIN_NUMBERS else "test",
        fov=[f"mask/{stem}_mask.tif"],
    )
