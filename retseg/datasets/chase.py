"""CHASE_DB1: both eyes of 14 children, each labelled by two observers, without fields of view."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from retseg.datasets.published import Photograph, PublishedSet
from retseg.datasets.tree import names_in

_TRAIN_CHILDREN = 10


class Chase(PublishedSet):
    """CHASE_DB1 as its owner ships it: everything in one folder. Both eyes of a child are one patient."""

    name = "chase"
    title = "CHASE_DB1"
    licence = "CC BY 4.0"
    homepage = "https://researchdata.kingston.ac.uk/96/"
    obtain = "Download CHASEDB1.zip from Kingston University's research data repository and unpack it."
    credit = (
        "Fraz et al., An ensemble classification-based approach applied to retinal blood vessel segmentation, "
        "IEEE TBME 2012; Kingston University London"
    )
    tree = """\
Image_01L.jpg Image_01R.jpg ... Image_14R.jpg
Image_01L_1stHO.png Image_01L_2ndHO.png ..."""
    observers: ClassVar[Mapping[str, str]] = {
        "1stHO": "first human observer, the ground truth",
        "2ndHO": "second human observer",
    }
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "the first 20 photographs (children 01 to 10) for training, the last 8 for the test"
    }
    size = (960, 999)

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether photographs of CHASE_DB1 lie directly in the folder."""
        return any(re.fullmatch(r"image_\d\d[lr]\.jpg", name.lower()) for name in names_in(root))

    def photographs(self) -> list[Photograph]:
        """28 photographs in the order of their names."""
        return [_photograph(child, eye) for child in range(1, 15) for eye in "LR"]


def _photograph(child: int, eye: str) -> Photograph:
    stem = f"Image_{child:02d}{eye}"
    return Photograph(
        id=stem,
        patient=f"{child:02d}",
        eye=eye,
        image=[f"{stem}.jpg"],
        labels={observer: [f"{stem}_{observer}.png"] for observer in Chase.observers},
        split="train" if child <= _TRAIN_CHILDREN else "test",
    )
