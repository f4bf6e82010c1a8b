"""Where a set of weights comes from and what it reaches: the part of its card that is for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its 95% interval; `low` and `high` are None where one patient gives none."""

    value: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """A JSON-ready dictionary that `from_json` reads back."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Figure:
        """Reads what `to_json` wrote."""
        low, high = data["low"], data["high"]
        return cls(float(data["value"]), None if low is None else float(low), None if high is None else float(high))


@dataclass(frozen=True, slots=True)
class ScoredSet:
    """What the weights reach on one test set.

    `dataset` is the set's title; `subject` is what its photographs may have in common, so that `n_subjects` of them
    were drawn for the intervals. `pooled` is over all pixels together, `means` over the photographs; both by metric.
    `protocol` says in one line how it was scored, and `command` scores it again.
    """

    dataset: str
    split: str
    n_images: int
    n_subjects: int
    subject: str
    pooled: Mapping[str, Figure]
    means: Mapping[str, Figure]
    protocol: str
    command: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary that `from_json` reads back."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "n_images": self.n_images,
            "n_subjects": self.n_subjects,
            "subject": self.subject,
            "pooled": {name: figure.to_json() for name, figure in self.pooled.items()},
            "means": {name: figure.to_json() for name, figure in self.means.items()},
            "protocol": self.protocol,
            "command": self.command,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ScoredSet:
        """Reads what `to_json` wrote."""
        return cls(
            dataset=str(data["dataset"]),
            split=str(data["split"]),
            n_images=int(data["n_images"]),
            n_subjects=int(data["n_subjects"]),
            subject=str(data["subject"]),
            pooled={name: Figure.from_json(figure) for name, figure in data["pooled"].items()},
            means={name: Figure.from_json(figure) for name, figure in data["means"].items()},
            protocol=str(data["protocol"]),
            command=str(data["command"]),
        )


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the weights came about, on what terms they may be used, and what they are good for.

    `licence` holds for the weights; `credits` are lines of text, one a dataset. `hardware` and `training` say in words
    what they were trained on and for how long; `config` holds the complete sections of the training's configuration.
    `use` says what the model is for, and each of `limits` what it cannot do.
    """

    name: str
    licence: str
    credits: tuple[str, ...] = ()
    git_commit: str | None = None
    hardware: str = ""
    training: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[ScoredSet, ...] = ()
    use: str = ""
    limits: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary that `from_json` reads back."""
        return {
            "name": self.name,
            "licence": self.licence,
            "credits": list(self.credits),
            "git_commit": self.git_commit,
            "hardware": self.hardware,
            "training": self.training,
            "config": dict(self.config),
            "results": [result.to_json() for result in self.results],
            "use": self.use,
            "limits": list(self.limits),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Provenance:
        """Reads what `to_json` wrote."""
        commit = data["git_commit"]
        return cls(
            name=str(data["name"]),
            licence=str(data["licence"]),
            credits=tuple(map(str, data["credits"])),
            git_commit=None if commit is None else str(commit),
            hardware=str(data["hardware"]),
            training=str(data["training"]),
            config=dict(data["config"]),
            results=tuple(map(ScoredSet.from_json, data["results"])),
            use=str(data["use"]),
            limits=tuple(map(str, data["limits"])),
        )
