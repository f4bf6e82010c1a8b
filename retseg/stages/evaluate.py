"""evaluate: predictions beside the ground truth become figures that hold up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest, folder_digests
from retseg.core.progress import progress
from retseg.core.types import OperatingPoint
from retseg.datasets.prepared import PreparedSet
from retseg.stages.locate import find_run
from retseg.stages.predict import predict_prepared, split_samples
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

if TYPE_CHECKING:
    from retseg.inference.card import Card

STAGE = "evaluate"
VERSION = 1
OPERATING_POINT = "operating_point.json"


def evaluate(
    settings: Settings,
    prepared: Path,
    *,
    run: Path | None = None,
    predictions: Path | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Scores the predictions of a run, or those in a folder, against a prepared set.

    Args:
        settings: The configuration; `evaluate` counts, and `predict` where predictions have to be made.
        prepared: Folder of the prepared set.
        run: The trained run; the newest when neither it nor `predictions` is given.
        predictions: Folder of predictions of the prepared set; those of the run when None, made if missing.
        out: Folder to write; `evaluate/<dataset>` in the run, or beside the predictions' folder, when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps"; for predictions that are missing.
        workers: Processes to use; all cores when None.
        force: Do it again even if nothing changed.
    """
    data = PreparedSet.open(prepared)
    notes: tuple[str, ...] = ()
    if predictions is None:
        folder = find_run(run)
        made = predict_prepared(settings, prepared, run=folder, device=device)
        predictions, notes = made.folder, made.notes
        target = out or folder / "evaluate" / data.name
        system: str | None = folder.name
    else:
        if not predictions.is_dir():
            raise InputError("the folder of predictions does not exist", where=predictions, fix="Check --predictions")
        target = out or predictions.with_name(f"{predictions.resolve().name}-scores")
        system = None
    manifest = Manifest.find(predictions)
    inputs = {
        "prepared": Manifest.read(prepared).digest,
        **(folder_digests(predictions) if manifest is None else {"predictions": manifest.digest}),
    }
    plan = Plan(STAGE, VERSION, settings.part("evaluate"), inputs)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        from retseg.evaluation.evaluate import evaluate_predictions

        with progress("Scoring", len(split_samples(data, settings.evaluate.split))) as bar:
            summary = evaluate_predictions(
                data,
                predictions,
                _operating_point(predictions),
                settings.evaluate,
                partial,
                lambda n, note: bar.advance(n, note),
                card=_card(manifest),
                system=system,
                workers=workers,
            )
        return {"dataset": data.name, "predictions": str(predictions), "table": _table(summary)}

    result = run_stage(plan, target, work, force=force)
    return StageResult(result.folder, result.manifest, result.skipped, notes)


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
    """The pooled figures as lines for a terminal: the system, then the human observers."""
    rows = {str(summary["system"]): summary.get("pooled") or {}}
    for name, observer in (summary.get("observers") or {}).items():
        rows[f"observer {name}"] = observer["pooled"]
    if not summary["n_images"]:
        return ["The photographs have no labels, so there are no scores.", str(summary["protocol"])]
    metrics = list(rows[str(summary["system"])])
    width = max(map(len, rows))
    lines = [" ".join([" " * width, *(f"{name:>11}" for name in metrics)])]
    for row, values in rows.items():
        cells = (values.get(name) for name in metrics)
        lines.append(
            " ".join([f"{row:<{width}}", *(f"{v:>11.4f}" if v is not None else f"{'n/a':>11}" for v in cells)])
        )
    return [*lines, str(summary["protocol"])]
