"""Penn-Fudan: street photographs in which every pedestrian is told apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ConfigError
from retseg.core.types import BoolArray, Classes, ClassInfo, Sample, UInt8Array, UInt16Array
from retseg.datasets.config import DatasetConfig
from retseg.datasets.index_labels import read_indices
from retseg.datasets.paired import PairedSet, Place
from retseg.datasets.splits import hold_out_patients, split_patients
from retseg.datasets.tree import names_in

PEDESTRIANS = Classes(
    "pedestrians",
    (ClassInfo("background", (0, 114, 178)), ClassInfo("person", (240, 228, 66))),
    things=(1,),
    subject="photograph",
)

_WHOLE, _TEST = 170, 50
_SEED = 0


class PennFudan(PairedSet):
    """Penn-Fudan as its owners ship it. A mask numbers the people from 1; 0 is the background."""

    name = "penn-fudan"
    title = "Penn-Fudan"
    classes = PEDESTRIANS
    licence = "no formal licence; offered for research, with credit"
    homepage = "https://www.cis.upenn.edu/~jshi/ped_html/"
    obtain = "Download PennFudanPed.zip from the homepage and unpack it."
    credit = (
        "Wang, Shi, Song and Shen, Object detection combining recognition and segmentation, ACCV 2007; "
        "University of Pennsylvania and Fudan University"
    )
    tree = """\
PNGImages/FudanPed00001.png ... PennPed00001.png ...
PedMasks/FudanPed00001_mask.png ... PennPed00001_mask.png ...
Annotation/FudanPed00001.txt ...    (not used)"""
    observers: ClassVar[Mapping[str, str]] = {"PedMasks": "the owners' masks, one number a person, the ground truth"}
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "the owners name no split, so this is ours: 120 of the 170 photographs for training and 50 for "
        "the test, drawn once by a fixed seed; the same proportions of an incomplete folder"
    }
    photographs = Place("PNGImages", (".png",))
    labels = Place("PedMasks", ("_mask.png",))
    known = ("annotation/*.txt", "readme.txt", "added-object-list.txt")
    whole = _WHOLE

    def __init__(self, config: DatasetConfig) -> None:
        super().__init__(config)
        if config.void:
            what = f"{self.title} has two classes, and none of them can be void"
            raise ConfigError(what, where="dataset.void", fix="Leave dataset.void empty")

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether photographs of Penn-Fudan lie where they should."""
        return any(re.fullmatch(r"(fudan|penn)ped\d{5}\.png", name.lower()) for name in names_in(root / "PNGImages"))

    def assign(self, samples: list[Sample]) -> list[Sample]:
        """50 of 170 for the test."""
        test = hold_out_patients((sample.patient for sample in samples), _TEST / _WHOLE, _SEED)
        return split_patients(samples, test.__contains__)

    def target(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """The class map (H, W): 1 where any person is."""
        return (self._people(sample, observer) > 0).astype(np.uint8)

    def instances(self, sample: Sample, observer: str) -> UInt16Array:
        """The numbers of the people (H, W), as the owners gave them."""
        return self._people(sample, observer).astype(np.uint16)

    @staticmethod
    def _people(sample: Sample, observer: str) -> NDArray[Any]:
        return read_indices(sample.labels[observer])
