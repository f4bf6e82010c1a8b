"""The Python API: the stages as plain functions with the defaults of the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.config import merge, nest
from retseg.stages import compare as compare_stage
from retseg.stages import evaluate as evaluate_stage
from retseg.stages import predict as predict_stage
from retseg.stages import prepare as prepare_stage
from retseg.stages import report as report_stage
from retseg.stages import train as train_stage
from retseg.stages.locate import find_runs
from retseg.stages.run_model import open_predictor, weights_of
from retseg.stages.settings import Settings, load_settings

if TYPE_CHECKING:
    from retseg.inference.prediction import Predicts

PathLike = str | os.PathLike[str]
Values = Mapping[str, Any]


def prepare(
    dataset: str | None = None,
    root: PathLike | None = None,
    out: PathLike | None = None,
    *,
    set: Values | None = None,
    workers: int | None = None,
    force: bool = False,
) -> Path:
    """Turns a dataset's folder into images, labels and fields of view; returns the prepared folder.

    `set` maps settings to values, as `--set` does: `{"dataset.protocol": "10/10"}`.
    """
    settings = _settings(set, {"dataset.name": dataset})
    return prepare_stage.prepare(settings, root=_path(root), out=_path(out), workers=workers, force=force).folder


def train(
    prepared: PathLike | None = None,
    *,
    arch: str | None = None,
    recipe: str | None = None,
    seed: int | None = None,
    out: PathLike | None = None,
    set: Values | None = None,
    device: str = "auto",
    force: bool = False,
) -> Path:
    """Trains a net on a prepared folder (the newest when None); returns the run's folder."""
    settings = _settings(set, {"model.arch": arch, "recipe": recipe, "seed": seed})
    folder = _prepared(settings, prepared)
    return train_stage.train(settings, folder, out=_path(out), device=device, force=force).folder.parent


def predict(
    photographs: PathLike | None = None,
    *,
    run: PathLike | Sequence[PathLike] | None = None,
    method: str | None = None,
    prepared: PathLike | None = None,
    out: PathLike | None = None,
    set: Values | None = None,
    device: str = "auto",
    force: bool = False,
) -> Path:
    """Predicts a photograph, a folder of them, or a prepared set; returns the folder with maps, masks and overlays.

    Of several runs the probabilities are averaged. `method` names a training-free method in the place of a run; on a
    prepared set it is tuned first.
    """
    settings = _settings(set, {})
    if photographs is not None:
        result = predict_stage.predict_photographs(
            settings, Path(photographs), run=_runs(run), method=method, out=_path(out), device=device, force=force
        )
    else:
        result = predict_stage.predict_prepared(
            settings,
            _prepared(settings, prepared),
            run=_runs(run),
            method=method,
            out=_path(out),
            device=device,
            force=force,
        )
    return result.folder


def evaluate(
    run: PathLike | Sequence[PathLike] | None = None,
    *,
    method: str | None = None,
    predictions: PathLike | None = None,
    prepared: PathLike | None = None,
    out: PathLike | None = None,
    set: Values | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Scores predictions inside the field of view; returns the content of summary.json.

    Of several runs the probabilities are averaged. `method` names a training-free method and `predictions` a folder of
    anyone's maps, in the place of a run.
    """
    settings = _settings(set, {})
    result = evaluate_stage.evaluate(
        settings,
        _prepared(settings, prepared),
        run=_runs(run),
        method=method,
        predictions=_path(predictions),
        out=_path(out),
        device=device,
        workers=workers,
        force=force,
    )
    summary: dict[str, Any] = json.loads((result.folder / "summary.json").read_text(encoding="utf-8"))
    return summary


def report(
    run: PathLike | Sequence[PathLike] | None = None,
    *,
    prepared: PathLike | None = None,
    out: PathLike | None = None,
    set: Values | None = None,
    device: str = "auto",
    force: bool = False,
) -> Path:
    """Makes the HTML report of one or several runs, predicting and evaluating first if need be; returns the page."""
    settings = _settings(set, {})
    result = report_stage.report(
        settings, _prepared(settings, prepared), runs=_runs(run), out=_path(out), device=device, force=force
    )
    return result.folder / report_stage.PAGE


def compare(
    systems: Sequence[PathLike],
    *,
    prepared: PathLike | None = None,
    out: PathLike | None = None,
    set: Values | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Compares runs, and folders of scores, on one set; returns the content of comparison.json."""
    result = compare_stage.compare(
        _settings(set, {}),
        _path(prepared),
        [Path(system) for system in systems],
        out=_path(out),
        device=device,
        workers=workers,
        force=force,
    )
    data: dict[str, Any] = json.loads((result.folder / "comparison.json").read_text(encoding="utf-8"))
    return data


def load(
    run: PathLike | Sequence[PathLike] | None = None, *, device: str = "auto", set: Values | None = None
) -> Predicts:
    """A trained net, a tuned method, or the mean of several runs, ready: `load(run).probabilities(image, fov)`.

    `image` is (H, W, 3) uint8 RGB and `fov` (H, W) bool (`retseg.imaging.fov.estimate_fov` finds it); the result is
    (classes, H, W) float32 in 0..1 on the same grid. `set` maps `predict.*` settings to values.
    """
    from retseg.core.device import choose_device

    weights = [weights_of(folder) for folder in find_runs(_runs(run))]
    return open_predictor(weights, _settings(set, {}).predict, choose_device(device))


def _settings(values: Values | None, shorthand: Values) -> Settings:
    nested: dict[str, Any] = {}
    for key, value in (values or {}).items():
        nested = merge(nested, nest(key, value))
    return load_settings(nested, (), shorthand)


def _prepared(settings: Settings, folder: PathLike | None) -> Path:
    return Path(folder) if folder is not None else prepare_stage.prepared_set(settings).folder


def _runs(value: PathLike | Sequence[PathLike] | None) -> list[Path] | None:
    if value is None:
        return None
    return [Path(value)] if isinstance(value, str | os.PathLike) else [Path(one) for one in value]


def _path(value: PathLike | None) -> Path | None:
    return None if value is None else Path(value)
