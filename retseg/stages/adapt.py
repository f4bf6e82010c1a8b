"""adapt: a net trained on one camera learns from another camera's photographs, without a label."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.config import merge, read_yaml
from retseg.core.device import choose_device, device_name
from retseg.core.errors import ConfigError
from retseg.core.manifest import NAME as MANIFEST
from retseg.core.manifest import digest_of
from retseg.core.paths import RUNS, WEIGHTS
from retseg.core.progress import duration
from retseg.stages.folds import link_file
from retseg.stages.locate import find_run
from retseg.stages.pseudo_set import Unlabelled, pseudo_set
from retseg.stages.run_model import trained_config, weights_of
from retseg.stages.runner import StageResult, run_stage
from retseg.stages.settings import Settings, load_settings
from retseg.stages.train import plan_of, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from retseg.inference.card import Card

CERTAINTY = 0.5
"""Share of each class's pixels that is kept. Zou et al. raise it to one half, and no further: in the surer half there
are few mistakes to learn by heart, while half of all vessel pixels reaches well into the thinner ones."""

_BEGIN = "fine-tuning"
_COURSE: dict[str, Any] = {
    "epochs": 5,
    "max_steps": None,
    "minutes": None,
    "early_stopping": None,
    "overfit": None,
    "encoder_weights": None,
    "freeze_encoder_epochs": 0,
    "frozen_lr": None,
    "encoder_lr": None,
    "snapshots": [],
    "test_curve": False,
    # Whatever agrees best with a net's own opinion is not better for that, so no pseudo-label chooses an epoch.
    "validation_fraction": 0.0,
    "keep": "last",
}
_GENTLER = 0.1
"""The learning rate as a share of the first training's: the weights shall move, not be forgotten."""

_TAKEN_OVER = ("seed", "recipe", "input", "model", "loss", "train", "sampling", "augment")


def adapt(
    config: Path | None = None,
    assignments: Iterable[str] = (),
    shorthand: Mapping[str, Any] | None = None,
    *,
    path: Path | None = None,
    root: Path | None = None,
    run: Path | None = None,
    certainty: float = CERTAINTY,
    rounds: int = 1,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
    say: Callable[[str], object] = print,
) -> StageResult:
    """Fine-tunes a run on its own surest predictions of photographs without labels.

    Each round predicts the photographs, keeps the surest share of each class's pixels as pseudo-labels, and fine-tunes
    on these. The threshold stays the one that was frozen with the run at the start: pseudo-labels fit none. No label of
    the photographs is read, and no test photograph of a prepared set is.

    Args:
        config: YAML with settings that win over those of the first training.
        assignments: `key=value` settings that win over the file's.
        shorthand: Settings that flags are short for.
        path: A photograph or a folder of them; None takes the training photographs of a prepared set.
        root: The dataset's own folder, where the prepared set has to be made first.
        run: The run to adapt, a net's; the newest when None.
        certainty: Share of each class's pixels that is kept, above 0 and up to 1.
        rounds: How often; each round begins with the weights of the one before.
        out: The last round's run; `runs/<name>-adapted-<arch>-<key>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes for preparing; all cores when None.
        force: Do it again even if nothing changed.
        say: Gets a line about each step.
    """
    if not 0 < certainty <= 1:
        raise ConfigError(
            f"{certainty:g} is no share of the pixels", where="--certainty", fix="Choose above 0, up to 1"
        )
    given = read_yaml(config) if config is not None else {}
    source = find_run(run)
    first, card = source, _net_card(source)
    target = Unlabelled.find(load_settings(given, assignments, shorthand), path, root, workers)
    say(f"Model: {source} ({card.arch} trained on {card.dataset}).")
    say(f"Photographs: {target.words}; their labels, if any, are not read.")
    if known := len(card.patients_behind_weights(target.dataset) & target.patients):
        say(f"Note: {known} of these {len(target.patients)} patients are behind the weights already.")
    for number in range(rounds):
        label = f"Round {number + 1} of {rounds}: " if rounds > 1 else ""
        settings = _settings(first, source, given, assignments, shorthand)
        predicted = target.predict(settings, source, device, force)
        pseudo = pseudo_set(target, predicted, source, card.classes, certainty, force)
        say(f"{label}{pseudo.manifest.facts['kept']} ({pseudo.folder})")
        last = number == rounds - 1
        result = _fine_tune(settings, pseudo, card, first, out if last else None, target.name, device, force)
        took = "unchanged" if result.skipped else f"done in {duration(result.manifest.provenance['seconds'])}"
        say(f"{label}fine-tuning: {took} ({result.folder.parent})")
        source = result.folder.parent
    return result


def _net_card(run: Path) -> Card:
    weights = weights_of(run)
    if not weights.name.endswith(".safetensors"):
        raise ConfigError(
            "a training-free method has no weights to adapt", where=run, fix="Name a run of `retseg train` with --run"
        )
    from retseg.inference.checkpoint import read_card

    return read_card(weights)


def _settings(
    first: Path,
    source: Path,
    given: Mapping[str, Any],
    assignments: Iterable[str],
    shorthand: Mapping[str, Any] | None,
) -> Settings:
    """Those of the first run's own training, on a short and gentle course that begins with the weights of `source`."""
    trained = trained_config(first)
    base = {name: trained[name] for name in _TAKEN_OVER if name in trained}
    gentler = float(base["train"]["lr"]) * _GENTLER
    base = merge(base, {"train": {**_COURSE, "lr": gentler, "start": str(source)}})
    return load_settings(merge(base, given), assignments, shorthand)


def _fine_tune(
    settings: Settings,
    pseudo: StageResult,
    card: Card,
    first: Path,
    out: Path | None,
    name: str,
    device: str,
    force: bool,
) -> StageResult:
    """A run like any other, but with the threshold of `card`, which a labelled set fitted."""
    base = plan_of(settings, pseudo.manifest)
    point = card.operating_point
    inputs = {**base.inputs, "threshold": digest_of(point.to_json() if point else None)}
    plan = replace(base, inputs=inputs, device=device_name(choose_device(device)))
    run = out or RUNS / f"{name}-adapted-{settings.model.arch}-{plan.key[:6]}"
    # An interrupted fine-tuning goes on in here; once it is done its files move over.
    begun = run / _BEGIN

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        trained = train(settings, pseudo.folder, out=begun, device=device, force=force)
        for path in trained.folder.rglob("*"):
            if path.is_file() and path.name != MANIFEST:
                link_file(path, partial / path.relative_to(trained.folder))
        kept = _keep_threshold(partial, card, first)
        return {
            **trained.manifest.facts,
            "operating_point": kept,
            "adapted_from": str(settings.train.start),
            "pseudo_labels": str(pseudo.folder),
        }

    result = run_stage(plan, run / "train", work, force=force)
    shutil.rmtree(begun, ignore_errors=True)
    return result


def _keep_threshold(folder: Path, card: Card, first: Path) -> dict[str, Any] | None:
    """Gives the weights in `folder` the frozen threshold of `card` in the place of one that pseudo-labels fitted."""
    import torch

    from retseg.inference.checkpoint import load_weights, save_weights
    from retseg.inference.writer import write_operating_point

    if card.operating_point is None:
        return None
    point = card.operating_point
    point = replace(point, criterion=f"{point.criterion} (kept from {first.name})", value=None)
    weights = folder / WEIGHTS
    model = load_weights(weights, torch.device("cpu"))
    save_weights(weights, model.net, replace(model.card, operating_point=point))
    write_operating_point(folder, point)
    return point.to_json()
