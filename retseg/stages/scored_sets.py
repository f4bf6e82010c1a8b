"""What weights reach on test sets, gathered from folders that `retseg evaluate` wrote."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from retseg.core.config import Section
from retseg.core.errors import InputError
from retseg.core.manifest import Manifest
from retseg.datasets.config import DatasetConfig
from retseg.evaluation.config import EvaluateConfig
from retseg.inference.card import Card
from retseg.inference.config import PredictConfig
from retseg.inference.provenance import Figure, ScoredSet
from retseg.reporting.making import title_of

STAGE = "evaluate"


def scored_set(folder: Path, card: Card, name: str) -> ScoredSet:
    """The figures of one evaluation of the weights with `card`, and the commands that make them again.

    Args:
        folder: What `retseg evaluate` wrote.
        card: The card of the weights; the scores of other weights are refused.
        name: What the model is called in the commands.
    """
    manifest = Manifest.read(folder)
    if manifest.stage != STAGE:
        raise InputError(
            f"this is the result of `retseg {manifest.stage}`, not an evaluation",
            where=folder,
            fix="Give a folder that `retseg evaluate` wrote",
        )
    summary, protocol = _read(folder / "summary.json"), _read(folder / "protocol.json")
    _refuse_other_weights(folder, protocol.get("weights"), card)
    if not summary["n_images"]:
        raise InputError("nothing was scored here, as the photographs have no labels", where=folder, fix="Leave it out")
    intervals = summary.get("intervals") or {}
    return ScoredSet(
        dataset=title_of(str(summary["dataset"])),
        split=str(summary["split"]),
        n_images=int(summary["n_images"]),
        n_subjects=int(summary["n_patients"]),
        subject=str(summary["subject"]),
        pooled=_figures(summary["pooled"], intervals.get("pooled") or {}),
        means=_figures(summary["per_image_mean"], intervals.get("per_image_mean") or {}),
        protocol=str(summary["protocol"]),
        command=_command(manifest, name),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"the file cannot be read ({error})", where=path, fix="Run `retseg evaluate` again with --force"
        ) from None
    return data


def _refuse_other_weights(folder: Path, scored: Mapping[str, Any] | None, card: Card) -> None:
    # What was packed already is the same net with more to tell.
    if scored is None or replace(Card.from_json(scored), provenance=None) != replace(card, provenance=None):
        raise InputError(
            "these are not the scores of these weights",
            where=folder,
            fix="Score them: `retseg evaluate --run RUN --dataset NAME`",
        )


def _figures(values: Mapping[str, float | None], intervals: Mapping[str, Any]) -> dict[str, Figure]:
    return {
        metric: Figure(value, *(intervals.get(metric) or (None, None)))
        for metric, value in values.items()
        if value is not None
    }


def _command(manifest: Manifest, name: str) -> str:
    """The commands, with every setting that is not as by default; what is not on disk any more is taken as such."""
    facts = manifest.facts
    dataset = str(facts["dataset"])
    predictions = Manifest.find(Path(str((facts.get("predictions") or [""])[0])))
    prepared = Manifest.find(Path(str(facts.get("prepared") or "")))
    scoring = manifest.config.get("evaluate") or {}
    split = scoring.get("split", EvaluateConfig().split)
    words = ["retseg", "evaluate", "--run", name, "--dataset", dataset]
    words += ["--split", str(split)] if split != EvaluateConfig().split else []
    words += _assignments("evaluate", scoring, EvaluateConfig(), "split")
    if predictions is not None:
        # Every class is written wherever a prepared set is predicted.
        words += _assignments("predict", predictions.config.get("predict") or {}, PredictConfig(), "all_classes")
    choices = prepared.config.get("dataset") or {} if prepared is not None else {}
    first = _assignments("dataset", choices, DatasetConfig(), "name")
    prepare = [shlex.join(["retseg", "prepare", "--dataset", dataset, *first])] if first else []
    return " && ".join([*prepare, shlex.join(words)])


def _assignments(section: str, values: Mapping[str, Any], default: Section, but: str) -> list[str]:
    usual = default.model_dump(mode="json")
    changed = {key: value for key, value in values.items() if key != but and usual.get(key) != value}
    return [word for key, value in changed.items() for word in ("--set", f"{section}.{key}={_yaml(value)}")]


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
