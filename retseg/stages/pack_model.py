"""Packing the weights of a finished run, with all that there is to tell about them, in one file to hand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from retseg.core.errors import ConfigError, InputError, OutputError
from retseg.core.paths import write_atomically
from retseg.inference.checkpoint import load_weights, weights_bytes
from retseg.inference.config import PredictConfig
from retseg.inference.method_predictor import METHOD_FILE
from retseg.inference.shipped_models import DEFAULT
from retseg.stages.find_net import WEIGHTS_SUFFIX
from retseg.stages.locate import find_run, shipped_weights
from retseg.stages.provenance import UNKNOWN_TERMS, provenance_of
from retseg.stages.run_model import weights_of
from retseg.stages.scored_sets import scored_set

MOST_BYTES = 4_000_000
"""No model that ships with the package may be larger."""


def pack_model(
    run: Path,
    out: Path,
    *,
    name: str = DEFAULT,
    evaluations: Sequence[Path] = (),
    predict: PredictConfig | None = None,
) -> Path:
    """Writes the file of a model that ships: weights in float32, the card of the run, and where it comes from.

    Args:
        run: A finished run of `retseg train`: its folder, or its name below runs/.
        out: The file to write.
        name: What the model is to be called.
        evaluations: Folders that `retseg evaluate` wrote about these weights; their figures go into the file.
        predict: How photographs are predicted with them where the user says nothing else; what it leaves open stays.
    """
    if out.suffix != WEIGHTS_SUFFIX:
        raise ConfigError(
            "a weights file is needed", where=out, fix=f"End the name given with --out in {WEIGHTS_SUFFIX}"
        )
    folder = find_run(run)
    weights = weights_of(folder)
    if shipped_weights(folder) is not None or weights.name == METHOD_FILE:
        what = "is packed already" if shipped_weights(folder) is not None else "has no weights: it is a tuned method"
        raise InputError(f"this {what}", where=run, fix="Name a finished run of `retseg train`")
    model = load_weights(weights, torch.device("cpu"))
    results = [scored_set(evaluation, model.card, name) for evaluation in evaluations]
    provenance = provenance_of(folder, model.card, name, results)
    if UNKNOWN_TERMS in provenance.licence:
        raise InputError(
            "the terms of a dataset that these weights have seen are not known here, so they cannot be handed on",
            where=run,
            fix="Install the package that reads the dataset",
        )
    stored = (predict or PredictConfig()).over(model.card.predict)
    card = replace(model.card, predict=stored, provenance=provenance)
    content = weights_bytes(model.net.float(), card)
    if len(content) > MOST_BYTES:
        raise OutputError(
            f"the file would have {len(content) / 1e6:.1f} MB, and a model that ships has at most "
            f"{MOST_BYTES / 1e6:.0f} MB",
            where=out,
            fix="Train a smaller net",
        )
    write_atomically(out, content)
    return out
