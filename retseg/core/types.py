"""The types every room shares. Paths and plain arrays only; nothing here knows a dataset, a net or a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ConfigError

UInt8Array = NDArray[np.uint8]
UInt16Array = NDArray[np.uint16]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

CLASS_MAP = "classes"
"""Name of the class map among a case's targets and of the class logits among a net's outputs."""

INSTANCES = "instances"
"""Name of the id map among a case's targets: (H, W) uint16, 0 where there is no instance, else its number."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph of a dataset: where its files are and whose eye it shows. Paths only, no pixels.

    `labels` maps an observer's name to a label file; the first entry is the reference observer.
    `fov` is the owner's field-of-view mask, or None where the dataset ships none. `instances` is an id map of the
    things in the photograph, where that is a file of its own. `origin` names the dataset that a photograph of a joined
    set comes from, and its patient there.
    """

    id: str
    patient: str
    image: Path
    split: str = "test"
    eye: str | None = None
    labels: Mapping[str, Path] = field(default_factory=dict)
    fov: Path | None = None
    um_per_pixel: float | None = None
    instances: Path | None = None
    origin: tuple[str, str] | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that belongs to the photograph, itself first."""
        further = (self.fov, *self.labels.values(), self.instances)
        return (self.image, *(path for path in further if path is not None))

    @property
    def reference(self) -> str | None:
        """Name of the observer whose label is the ground truth, or None where there is no label."""
        return next(iter(self.labels), None)


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class of a task: its name and its colour in figures (sRGB, 0..255)."""

    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Classes:
    """The class table of a task. Channels, losses, metrics, colours and reports follow from it.

    `positive` is the class whose probability is the score (None for multi-class tasks);
    `outside` is the class of pixels that lie outside the field of view and so count nowhere (None if there is none);
    `ignore` is the label value that takes part in no loss and no metric;
    `things` are the classes whose single instances are told apart (none for most tasks);
    `subject` is whom or what photographs may have in common, so that they are kept together in splits and resampling.
    """

    name: str
    items: tuple[ClassInfo, ...]
    positive: int | None = None
    outside: int | None = None
    ignore: int = 255
    things: tuple[int, ...] = ()
    subject: str = "patient"

    def __post_init__(self) -> None:
        things = [("things", index) for index in self.things]
        for role, index in [("positive", self.positive), ("outside", self.outside), *things]:
            if index is not None and not 0 <= index < self.count:
                raise ConfigError(
                    f"the class table '{self.name}' has {self.count} classes and no class {index}",
                    where=role,
                    fix=f"Give the number of a class, 0 to {self.count - 1}",
                )

    @property
    def count(self) -> int:
        """Number of classes, which is the number of channels a net puts out."""
        return len(self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in index order."""
        return tuple(item.name for item in self.items)

    @property
    def scored(self) -> tuple[int, ...]:
        """Indices of the classes that metrics are computed for: all but `outside`."""
        return tuple(index for index in range(self.count) if index != self.outside)

    def mean_the_same(self, other: Classes) -> bool:
        """Whether probabilities for these classes are probabilities for the others: names, their order, their roles."""
        return (self.names, self.positive, self.outside) == (other.names, other.positive, other.outside)

    @property
    def palette(self) -> UInt8Array:
        """Colours as an array of shape (256, 3); indices without a class are black."""
        table = np.zeros((256, 3), np.uint8)
        for index, item in enumerate(self.items):
            table[index] = item.colour
        return table

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary that `from_json` reads back."""
        return {
            "name": self.name,
            "items": [{"name": item.name, "colour": list(item.colour)} for item in self.items],
            "positive": self.positive,
            "outside": self.outside,
            "ignore": self.ignore,
            "things": list(self.things),
            "subject": self.subject,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Classes:
        """Reads what `to_json` wrote."""
        items = tuple(ClassInfo(item["name"], (*map(int, item["colour"]),)) for item in data["items"])  # type: ignore[arg-type]
        things = tuple(map(int, data.get("things", ())))
        subject = str(data.get("subject", "patient"))
        return cls(data["name"], items, data["positive"], data["outside"], data["ignore"], things, subject)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The loaded arrays of a sample, all on the native grid.

    `image` (H, W, 3) uint8 RGB; `fov` (H, W) bool; `targets` by name, where `CLASS_MAP` is a (H, W) uint8 class map of
    the reference observer and `INSTANCES` a (H, W) uint16 id map of the things in it; `observers` holds the class maps
    of the further observers by name. `fov_estimated` says that the field of view was computed from the photograph, not
    shipped with it. `remarks` are sentences on what was noticed while reading, without a full stop.
    """

    sample: Sample
    image: UInt8Array
    fov: BoolArray
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    observers: Mapping[str, UInt8Array] = field(default_factory=dict)
    fov_estimated: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and where it comes from. Evaluation refuses to score patients that it was fitted on.

    Binarise with `probability > threshold`. `value` is what the criterion reached on the patients it was fitted on.
    """

    threshold: float
    criterion: str
    dataset: str
    split: str
    patients: tuple[str, ...] = ()
    value: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary that `from_json` reads back."""
        return {
            "threshold": self.threshold,
            "criterion": self.criterion,
            "fitted_on": {"dataset": self.dataset, "split": self.split, "patients": list(self.patients)},
            "value": self.value,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OperatingPoint:
        """Reads what `to_json` wrote."""
        fitted = data["fitted_on"]
        return cls(
            float(data["threshold"]),
            data["criterion"],
            fitted["dataset"],
            fitted["split"],
            tuple(fitted["patients"]),
            data.get("value"),
        )
