"""evaluate: predictions beside the ground truth become figures that hold up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.errors import ConfigError, InputError
from retseg.core.manifest import Manifest, folder_digests
from retseg.core.progress import progress
from retseg.core.types import OperatingPoint
from retseg.datasets.prepared import PreparedSet
from retseg.stages.locate import Runs
from retseg.stages.predict import predict_prepared, split_samples
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings
from retseg.stages.tune import tuned_run

if TYPE_CHECKING:
    from retseg.evaluation.evaluate import Predictions
    from retseg.inference.card import Card

STAGE = "evaluate"
VERSION = 4
OPERATING_POINT = "operating_point.json"
_TRAPPED = ("auc", "dice", "accuracy")
"""Figures that a terminal shows of a mistake of protocol; the report shows all."""


def evaluate(
    settings: Settings,
    prepared: Path,
    *,
    run: Runs = None,
    method: str | None = None,
    predictions: Path | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Scores the predictions of a run, or anyone's maps in a folder, against a prepared set.

    Args:
        settings: The configuration; `evaluate` counts, and `predict` where predictions have to be made.
        prepared: Folder of the prepared set.
        run: The trained or tuned run, or several, whose probabilities are averaged; the newest trained one when neither
            it nor `method` nor `predictions` is given.
        method: A training-free method in place of a run; tuned on the set's training patients first.
        predictions: Folder of maps of the prepared set; those of the run when None, made if missing.
        out: Folder to write; `evaluate/<dataset>` in the run, or beside the predictions' folder, when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps"; for predictions that are missing.
        workers: Processes to use; all cores when None.
        force: Do it again even if nothing changed.
    """
    if sum(bool(source) for source in (run, method, predictions)) > 1:
        raise ConfigError("several things to score were named", fix="Give one of --run, --method and --predictions")
    data = PreparedSet.open(prepared)
    notes: tuple[str, ...] = ()
    if predictions is None:
        given = run if method is None else tuned_run(settings, prepared, method, workers=workers)
        made = predict_prepared(settings, prepared, run=given, device=device)
        predictions, notes = made.folder, made.notes
        home = made.folder.parent.parent
        target = out or home / "evaluate" / data.name
        system = home.name
    else:
        if not predictions.is_dir():
            raise InputError("the folder of predictions does not exist", where=predictions, fix="Check --predictions")
        target = out or predictions.with_name(f"{predictions.resolve().name}-scores")
        system = predictions.resolve().name
    result = score(settings, prepared, [(predictions, None)], target, system, workers=workers, force=force)
    return StageResult(result.folder, result.manifest, result.skipped, (*notes, *result.notes))


def score(
    settings: Settings,
    prepared: Path,
    parts: Sequence[tuple[Path, frozenset[str] | None]],
    out: Path,
    system: str,
    *,
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Scores folders of predictions together, each for the photographs named beside it (None for all)."""
    data = PreparedSet.open(prepared)
    inputs = {"prepared": Manifest.read(prepared).digest}
    for number, (folder, _) in enumerate(parts):
        manifest = Manifest.find(folder)
        name = "predictions" if len(parts) == 1 else f"predictions {number}"
        inputs |= folder_digests(folder) if manifest is None else {name: manifest.digest}
    plan = Plan(STAGE, VERSION, {**settings.part("evaluate"), "system": system}, inputs)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        from retseg.evaluation.evaluate import evaluate_predictions

        with progress("Scoring", len(split_samples(data, settings.evaluate.split))) as bar:
            summary = evaluate_predictions(
                data,
                [_predictions(folder, ids) for folder, ids in parts],
                settings.evaluate,
                partial,
                lambda n, note: bar.advance(n, note),
                system=system,
                workers=workers,
            )
        return {
            "dataset": data.name,
            "prepared": str(prepared),
            "predictions": [str(folder) for folder, _ in parts],
            "table": _table(summary),
        }

    return run_stage(plan, out, work, force=force)


def _predictions(folder: Path, ids: frozenset[str] | None) -> Predictions:
    from retseg.evaluation.instances import PREDICTED
    from retseg.evaluation.parts import Predictions

    manifest = Manifest.find(folder)
    separation = str(manifest.facts.get("separation") or PREDICTED) if manifest is not None else PREDICTED
    return Predictions(folder, _operating_point(folder), _card(manifest), ids, separation)


def _operating_point(predictions: Path) -> OperatingPoint | None:
    path = predictions / OPERATING_POINT
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return OperatingPoint.from_json(content) if content is not None else None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the operating point cannot be read ({error})", where=path, fix="Give --threshold, or predict again"
        ) from None


def _card(manifest: Manifest | None) -> Card | None:
    """The card of the weights that made the predictions, where a manifest of ours says so."""
    if manifest is None or "card" not in manifest.facts:
        return None
    from retseg.inference.card import Card

    return Card.from_json(manifest.facts["card"])


def _table(summary: Mapping[str, Any]) -> list[str]:
    """The figures as lines for a terminal: one line a metric, a column for the system and each human observer."""
    if not summary["n_images"]:
        return ["The photographs have no labels, so there are no scores.", str(summary["protocol"])]
    systems = {str(summary["system"]): summary}
    systems |= {f"observer {name}": view for name, view in (summary.get("observers") or {}).items()}
    # What is undefined for a reason, and for everyone, is told in one line instead of a row of "n/a" each.
    unexplained = [
        metric
        for metric in summary["pooled"]
        if metric not in (summary.get("undefined") or {})
        or any(view["pooled"].get(metric) is not None for view in systems.values())
    ]
    lines = _aligned([["", *systems], *([m, *(_cell(view, m) for view in systems.values())] for m in unexplained)])
    matched = [str(summary["matched"])] if summary.get("matched") else []
    warnings = [f"Warning: {text}" for text in summary.get("warnings") or ()]
    notes = [_note(summary), *_why(summary), *_absent(summary), *_instances(summary), *_traps(summary)]
    return [*matched, *lines, *notes, *warnings, str(summary["protocol"])]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, the cells of a column below each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _note(summary: Mapping[str, Any]) -> str:
    """What the figures of the table are taken over."""
    from retseg.metrics.registry import METRICS

    if "at_half" not in summary:
        return "Pooled over all pixels; means over the classes (accuracy: the share of pixels given their true class)."
    there = [metric for metric, value in summary["pooled"].items() if value is not None]
    shapes = [metric for metric in there if METRICS.get(metric).needs == "shapes"]
    if not shapes:
        return "Pooled over all pixels."
    those = shapes[0] if len(shapes) == 1 else f"{shapes[0]} to {shapes[-1]}"
    return f"Pooled over all pixels; figures of shape ({those}) are means over the photographs."


def _absent(summary: Mapping[str, Any]) -> Iterator[str]:
    """The classes that have no figures."""
    from retseg.evaluation.protocol import absent_words

    if lacking := summary.get("not_applicable"):
        yield f"N/A: {absent_words(lacking)}."


def _instances(summary: Mapping[str, Any]) -> Iterator[str]:
    """The figures of single things, one line a metric, a column for each way of telling them apart."""
    if not (found := summary.get("instances")):
        return
    systems = found["systems"]
    names = [metric["name"] for metric in found["metrics"]]
    yield from _aligned(
        [["instances", *systems], *([name, *(_cell(view, name) for view in systems.values())] for name in names)]
    )
    yield "Pooled over the instances of all photographs."


def _traps(summary: Mapping[str, Any]) -> Iterator[str]:
    """What each mistake of protocol would have reported, one line a mistake."""
    for trap in summary.get("traps") or ():
        shown = [
            f"{metric} {value:.4f} instead of {trap['honest'][metric]:.4f}"
            for metric, value in trap["figures"].items()
            if metric in _TRAPPED and value is not None and trap["honest"].get(metric) is not None
        ]
        if shown:
            yield f"Mistake: {trap['title']}: {', '.join(shown)}"


def _why(summary: Mapping[str, Any]) -> Iterator[str]:
    """Why figures of the system are not there at all, one line a reason."""
    metrics_of: dict[str, list[str]] = {}
    for metric, reason in (summary.get("undefined") or {}).items():
        metrics_of.setdefault(str(reason), []).append(metric)
    for reason, metrics in metrics_of.items():
        yield f"No {', '.join(metrics)}: {reason}."


def _cell(view: Mapping[str, Any], metric: str) -> str:
    """The pooled figure (of a shape: the mean over photographs) with its interval."""
    value = view["pooled"].get(metric)
    if value is None:
        return "n/a"
    interval = ((view.get("intervals") or {}).get("pooled") or {}).get(metric)
    return f"{value:.4f}" + (f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else "")
