"""What a run predicts with: a net, a tuned method, or several of them as one; and the threshold in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.errors import CheckpointError, ConfigError
from retseg.core.manifest import Manifest, digest_of, file_digest
from retseg.core.paths import RUNS, WEIGHTS
from retseg.core.types import Classes, OperatingPoint
from retseg.datasets.prepared import PreparedSet
from retseg.inference.card import Card, refuse_other_classes
from retseg.inference.config import PredictConfig
from retseg.inference.method_predictor import FITTED_FILE, METHOD_FILE, read_method_card
from retseg.inference.shipped_models import DEFAULT, shipped_models
from retseg.stages.locate import Runs, find_runs, newest_tuned, shipped_weights
from retseg.stages.settings import Settings
from retseg.stages.sources import sources_of
from retseg.stages.tune import published_run, tune

if TYPE_CHECKING:
    import torch

    from retseg.inference.prediction import Predicts

UNFITTED = 0.5
"""Threshold of last resort, for weights that carry no operating point."""


def weights_of(run: Path) -> Path:
    """What a run predicts with: the weights file of its net, the file of its tuned method, or a shipped model's."""
    method = run / "train" / METHOD_FILE
    return method if method.is_file() else shipped_weights(run) or run / "train" / WEIGHTS


def trained_config(run: Path) -> Mapping[str, Any]:
    """The sections of the configuration that a net was trained with, as its manifest or its card keeps them."""
    if shipped_weights(run) is None:
        return Manifest.read(run / "train").config
    provenance = _read_card(weights_of(run)).provenance
    if provenance is None or not provenance.config:
        raise CheckpointError(
            "this model does not say how it was trained", where=run, fix="Pack it again with `retseg models pack`"
        )
    return provenance.config


def open_predictor(weights: Sequence[Path], config: PredictConfig, device: torch.device | None) -> Predicts:
    """What `weights_of` found, ready to predict; of several the mean. A method needs no device."""
    if len(weights) > 1:
        from retseg.inference.ensemble import Ensemble

        return Ensemble([open_predictor([one], config, device) for one in weights])
    (path,) = weights
    if path.name == METHOD_FILE:
        from retseg.inference.method_predictor import MethodPredictor, load_method

        return MethodPredictor(load_method(path))
    from retseg.inference.checkpoint import load_weights
    from retseg.inference.predictor import Predictor

    assert device is not None
    return Predictor(load_weights(path, device), config, device)


@dataclass(frozen=True, slots=True)
class Member:
    """One net or one tuned method: its run, its file and its card. `digests` are of all files that it depends on."""

    run: Path
    weights: Path
    card: Card
    digests: Mapping[str, str]

    @classmethod
    def of(cls, run: Path) -> Member:
        """What the run of this folder predicts with."""
        weights = weights_of(run)
        arrays = weights.with_name(FITTED_FILE)
        fitted = {"fitted": file_digest(arrays)} if weights.name == METHOD_FILE and arrays.is_file() else {}
        return cls(run, weights, _read_card(weights), {"weights": file_digest(weights), **fitted})

    @property
    def shipped(self) -> bool:
        """Whether it came with retseg."""
        return self.weights in shipped_models().values()

    def words(self, remark: str = "") -> str:
        """Its run, or its name, and where it comes from."""
        origin = f"{_origin(self.weights, self.card)}{remark}"
        return f"{self.run.name}, which ships with retseg ({origin})" if self.shipped else f"{self.run} ({origin})"

    @property
    def choices(self) -> str:
        """How to take another model than this one, which nobody named; a sentence, or nothing."""
        if self.shipped:
            return " No run of yours is here; `--run NAME` takes one."
        more = shipped_weights(RUNS / DEFAULT) is not None
        return f" `--run {DEFAULT}` takes the one that ships with retseg." if more else ""

    @property
    def hides(self) -> str:
        """That a run of the user's own goes before the shipped model of its name; a sentence, or nothing."""
        name = self.run.resolve().name
        if self.shipped or name not in shipped_models() or self.run.resolve().parent != RUNS.resolve():
            return ""
        return f" It is a run of yours and goes before the model {name} that ships with retseg; rename it to use that."


@dataclass(frozen=True, slots=True)
class RunModel:
    """What a prediction is made with, nets or tuned methods, and the threshold in force.

    `run` is the folder that its predictions lie in: the run of a single member, a folder of its own for several.
    """

    run: Path
    members: tuple[Member, ...]
    card: Card
    notes: tuple[str, ...]

    @classmethod
    def find(cls, given: Runs, expect: Classes | None = None) -> RunModel:
        """The model of the runs that were named; with `expect` refused unless it knows these classes."""
        members = [Member.of(folder) for folder in find_runs(given)]
        if len(members) > 1:
            return cls._ensemble(members, expect)
        (member,) = members
        if expect is not None:
            refuse_other_classes(member.weights, member.card.classes, expect)
        which = "" if given or member.shipped else ", the newest run"
        more = member.hides or ("" if given else member.choices)
        return cls(member.run, (member,), member.card, (f"Model: {member.words(which)}.{more}",))

    @classmethod
    def _ensemble(cls, members: list[Member], expect: Classes | None) -> RunModel:
        from retseg.inference.ensemble import ensemble_card, refuse_different_classes

        refuse_different_classes([(member.run, member.card) for member in members])
        if expect is not None:
            refuse_other_classes(members[0].weights, members[0].card.classes, expect)
        note = f"Model: the mean of {len(members)} runs: {', '.join(member.words() for member in members)}."
        # The same runs in another order are the same ensemble, down to the last digit of every sum.
        ordered = sorted(members, key=lambda member: list(member.digests.values()))
        home = RUNS / f"ensemble-{digest_of([dict(member.digests) for member in ordered])[:6]}"
        return cls(home, tuple(ordered), ensemble_card([member.card for member in ordered]), (note,))

    @classmethod
    def of_method(
        cls,
        settings: Settings,
        method: str,
        run: Runs,
        classes: Classes,
        prepared: Path | None = None,
        workers: int | None = None,
    ) -> RunModel:
        """A method tuned on the prepared set; without training photographs as it was tuned last, or as published."""
        if run:
            raise ConfigError("--run and --method exclude each other", fix="Give one of the two")
        if prepared is not None and _can_tune(prepared):
            tuned = tune(settings, prepared, method, workers=workers)
            return cls._with_notes(tuned.folder.parent, tuned.notes)
        last = newest_tuned(method)
        if last is not None:
            return cls.find(last, classes if prepared is not None else None)
        folder = published_run(settings, method, classes).folder.parent
        words = f"{method} was never tuned: it has its published parameters, and the threshold {UNFITTED} is unfitted."
        return cls._with_notes(folder, (words,))

    @classmethod
    def _with_notes(cls, run: Path, notes: tuple[str, ...]) -> RunModel:
        found = cls.find(run)
        return replace(found, notes=(*notes, *found.notes))

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of all files that the prediction depends on."""
        if len(self.members) == 1:
            return dict(self.members[0].digests)
        return {f"{name} {n}": one for n, member in enumerate(self.members) for name, one in member.digests.items()}

    @property
    def needs_no_device(self) -> bool:
        """Whether all are methods, which take neither torch nor a device."""
        return all(member.weights.name == METHOD_FILE for member in self.members)

    def operating_point(self, config: PredictConfig) -> OperatingPoint | None:
        """The threshold in force: the one asked for, else the one stored with the weights, else one half."""
        if self.card.classes.positive is None:
            return None
        if config.threshold is not None:
            return OperatingPoint(config.threshold, "given by the user", "", "none")
        return self.card.operating_point or OperatingPoint(UNFITTED, "not fitted", "", "none")


def _can_tune(prepared: Path) -> bool:
    return any(row.split == "train" and row.label for row in PreparedSet.open(prepared).rows)


def _read_card(weights: Path) -> Card:
    if weights.name == METHOD_FILE:
        return read_method_card(weights)
    from retseg.inference.checkpoint import read_card

    return read_card(weights)


def _origin(weights: Path, card: Card) -> str:
    if weights.name != METHOD_FILE:
        return f"{card.arch} trained on {' and '.join(sources_of(card))}"
    return f"{card.arch} tuned on {card.dataset}" if card.dataset else f"{card.arch}, not tuned"
