"""The card that travels inside a weights file: all that is needed to rebuild the net and to judge its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retseg.core.config import validate
from retseg.core.errors import CheckpointError, listed
from retseg.core.types import Classes, OperatingPoint
from retseg.imaging.config import InputConfig
from retseg.inference.config import PredictConfig
from retseg.inference.provenance import Provenance

CARD_FORMAT = 1
"""Version of the card's layout; a reader refuses a version that it does not know."""

_SHOWN = 3  # as many names as still fit on the one line of an error


@dataclass(frozen=True, slots=True)
class Card:
    """What a set of weights is, how its input is made, and which patients it has seen.

    `arch` and `options` rebuild the net; `input` and `predict` rebuild its input and its defaults. `splits` maps a
    split's name to the ids of its photographs; `train_patients` and `validation_patients` are the people whose
    photographs set the weights, chose the epoch or fitted the threshold: no test may score them. `seen` maps the name
    of a dataset to its patients that the weights met earlier, in the runs that they began as. `heads` names what the
    net tells of each pixel beside its class; `unseen` names the classes that no training label contained. `calibre` is
    how wide vessels are, in pixels, where the net was trained, if photographs are scaled to that after a first look.
    `provenance` is told by weights that were packed to be handed on: their licence, credits, making and figures.
    """

    arch: str
    options: Mapping[str, Any]
    classes: Classes
    input: InputConfig
    predict: PredictConfig
    in_channels: int = 3
    dataset: str = ""
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    train_patients: tuple[str, ...] = ()
    validation_patients: tuple[str, ...] = ()
    operating_point: OperatingPoint | None = None
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    heads: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    calibre: float | None = None
    seed: int = 0
    epoch: int = 0
    recipe: str = "default"
    retseg: str = ""
    torch: str = ""
    provenance: Provenance | None = None

    @property
    def fitted_patients(self) -> frozenset[str]:
        """Every patient of `dataset` that had a say in the weights or in the threshold stored with them."""
        point = self.operating_point
        judged = point.patients if point is not None and point.dataset == self.dataset else ()
        return self.patients_behind_weights(self.dataset) | frozenset(judged)

    def patients_behind_weights(self, dataset: str) -> frozenset[str]:
        """Every patient of `dataset` that had a say in the weights, also in those that they began as."""
        own = (*self.train_patients, *self.validation_patients) if dataset == self.dataset else ()
        return frozenset((*own, *self.seen.get(dataset, ())))

    def everyone_seen(self) -> dict[str, tuple[str, ...]]:
        """What weights that begin as these inherit: all patients behind them and their threshold, by dataset."""
        everyone = {name: self.patients_behind_weights(name) for name in (*self.seen, self.dataset)}
        if point := self.operating_point:
            everyone[point.dataset] = everyone.get(point.dataset, frozenset()) | frozenset(point.patients)
        return {name: tuple(sorted(patients)) for name, patients in sorted(everyone.items()) if patients}

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary that `from_json` reads back."""
        return {
            "format": CARD_FORMAT,
            "arch": self.arch,
            "options": dict(self.options),
            "in_channels": self.in_channels,
            "classes": self.classes.to_json(),
            "input": self.input.model_dump(mode="json"),
            "predict": self.predict.model_dump(mode="json"),
            "dataset": self.dataset,
            "splits": {name: list(ids) for name, ids in self.splits.items()},
            "train_patients": list(self.train_patients),
            "validation_patients": list(self.validation_patients),
            "operating_point": self.operating_point.to_json() if self.operating_point else None,
            "seen": {name: list(patients) for name, patients in self.seen.items()},
            "heads": list(self.heads),
            "unseen": list(self.unseen),
            "calibre": self.calibre,
            "seed": self.seed,
            "epoch": self.epoch,
            "recipe": self.recipe,
            "retseg": self.retseg,
            "torch": self.torch,
            "provenance": self.provenance.to_json() if self.provenance else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Card:
        """Reads what `to_json` wrote. Raises KeyError, TypeError, ValueError or ConfigError on anything else."""
        point, provenance = data["operating_point"], data.get("provenance")
        return cls(
            arch=str(data["arch"]),
            options=dict(data["options"]),
            classes=Classes.from_json(data["classes"]),
            in_channels=int(data["in_channels"]),
            input=validate(InputConfig, data["input"]),
            predict=validate(PredictConfig, data["predict"]),
            dataset=str(data["dataset"]),
            splits={name: tuple(map(str, ids)) for name, ids in data["splits"].items()},
            train_patients=tuple(map(str, data["train_patients"])),
            validation_patients=tuple(map(str, data["validation_patients"])),
            operating_point=OperatingPoint.from_json(point) if point is not None else None,
            seen={name: tuple(map(str, patients)) for name, patients in data.get("seen", {}).items()},
            heads=tuple(map(str, data.get("heads", ()))),
            unseen=tuple(map(str, data.get("unseen", ()))),
            calibre=float(data["calibre"]) if data.get("calibre") is not None else None,
            seed=int(data["seed"]),
            epoch=int(data["epoch"]),
            recipe=str(data["recipe"]),
            retseg=str(data["retseg"]),
            torch=str(data["torch"]),
            provenance=Provenance.from_json(provenance) if provenance is not None else None,
        )


def refuse_other_classes(path: Path, found: Classes, expect: Classes) -> None:
    """Raises CheckpointError unless weights for the classes `found` fit data with the classes `expect`."""
    if not found.mean_the_same(expect):
        raise CheckpointError(
            f"the weights were trained for the classes {listed(found.names, _SHOWN)}, "
            f"the data have {listed(expect.names, _SHOWN)}",
            where=path,
            fix="Take weights that were trained on this kind of data, or train anew",
        )
