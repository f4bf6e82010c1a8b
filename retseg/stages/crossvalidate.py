"""Patient-wise k-fold: every patient of a set is tested once, by weights and a threshold that never saw the patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from retseg.core.manifest import Manifest, digest_of
from retseg.core.paths import RUNS
from retseg.datasets.prepared import PreparedSet
from retseg.datasets.splits import TEST
from retseg.stages.evaluate import score
from retseg.stages.folds import fold_set, link_file
from retseg.stages.predict import STAGE as PREDICT
from retseg.stages.predict import VERSION as PREDICT_VERSION
from retseg.stages.predict import predict_prepared
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings
from retseg.stages.train import family_of, train
from retseg.stages.tune import tuned_run

_KINDS = ("prob", "mask", "fov", "overlay", "classes")


def cross_validate(
    settings: Settings,
    prepared: Path,
    folds: int,
    *,
    method: str | None = None,
    device: str = "auto",
    workers: int | None = None,
    say: Callable[[str], object] = print,
) -> StageResult:
    """Trains (or tunes) one system a fold, predicts each fold's patients, and scores all of them together.

    The predictions of all folds stand together in `runs/<dataset>-<system>-<folds>folds-<key>/predict/<dataset>`, the
    scores beside them. Each photograph is decided at its own fold's frozen threshold. Finished folds are skipped, so
    an interrupted cross-validation goes on.

    Args:
        settings: The configuration of each fold's training.
        prepared: Folder of the prepared set; all its labelled photographs take part.
        folds: How many.
        method: A training-free method to tune in each fold; None trains the net of the settings.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes for scoring; all cores when None.
        say: Gets one line about each fold.
    """
    system = method or settings.model.arch
    on_test = settings.model_copy(update={"evaluate": settings.evaluate.model_copy(update={"split": TEST})})
    sets, runs, predicted = [], [], []
    for fold in range(folds):
        dealt = fold_set(prepared, folds, fold).folder
        if method is None:
            run = train(settings, dealt, device=device).folder.parent
        else:
            run = tuned_run(settings, dealt, method, workers=workers)
        made = predict_prepared(on_test, dealt, run=run, device=device)
        say(f"{system}, fold {fold + 1} of {folds}: {'unchanged' if made.skipped else 'done'} ({run})")
        sets.append(dealt)
        runs.append(Manifest.read(run / "train"))
        predicted.append(made.folder)
    parts = [
        (folder, frozenset(sample.id for sample in PreparedSet.open(dealt).split(TEST)))
        for folder, dealt in zip(predicted, sets, strict=True)
    ]
    everyone = settings.model_copy(update={"evaluate": settings.evaluate.model_copy(update={"split": "all"})})
    name = PreparedSet.open(prepared).name
    key = digest_of([Manifest.read(folder).key for folder in predicted])[:6]
    home = RUNS / f"{name}-{system}-{folds}folds-{key}"
    _gather(parts, runs, home / "predict" / name)
    return score(everyone, sets[0], parts, home / "evaluate" / name, home.name, workers=workers)


def _gather(parts: Sequence[tuple[Path, frozenset[str]]], runs: Sequence[Manifest], out: Path) -> StageResult:
    """All folds' prediction files in one folder, where the comparison finds them, and which seeds belong together."""
    inputs = {f"fold {number}": Manifest.read(folder).digest for number, (folder, _) in enumerate(parts)}
    plan = Plan(PREDICT, PREDICT_VERSION, {"folds": len(parts)}, inputs)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        for folder, ids in parts:
            for identifier in ids:
                for kind in _KINDS:
                    for suffix in (".png", ".nii.gz"):
                        source = folder / kind / f"{identifier}{suffix}"
                        if source.is_file():
                            link_file(source, partial / kind / source.relative_to(folder / kind))
        return {
            "folds": [str(folder) for folder, _ in parts],
            "images": sum(len(ids) for _, ids in parts),
            "family": digest_of([family_of(run) for run in runs]),
            "seed": runs[0].config.get("seed"),
        }

    return run_stage(plan, out, work)
