"""compare: systems that were scored on the same photographs, side by side, with what can and cannot be claimed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest
from retseg.core.paths import REPORTS
from retseg.core.progress import progress
from retseg.core.types import Classes
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.compare_page import ComparedSystem, write_compare_page
from retseg.reporting.run_files import RunFolders
from retseg.stages.evaluate import evaluate
from retseg.stages.locate import find_run
from retseg.stages.report import short_names
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings
from retseg.stages.train import family_of

STAGE = "compare"
VERSION = 1
PAGE = "compare.html"
TABLE = "comparison.csv"


@dataclass(frozen=True, slots=True)
class _Scored:
    """One run or folder with its scores; `family` is the same for runs that differ in their seed only."""

    name: str
    folders: RunFolders
    family: str
    seed: int | None = None

    @property
    def manifest(self) -> Manifest:
        return Manifest.read(self.folders.evaluate)


def compare(
    settings: Settings,
    prepared: Path | None,
    systems: Sequence[Path],
    *,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Compares runs and folders of scores on one set; runs that differ in their seed alone become one system.

    Args:
        settings: The configuration; `evaluate` counts, and `predict` where predictions have to be made.
        prepared: Folder of the prepared set; that of the first folder of scores when None.
        systems: Runs (scored first where that is missing), or folders that `retseg evaluate` wrote.
        out: Folder to write; `reports/compare-<key>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps"; for predictions that are missing.
        workers: Processes for scoring; all cores when None.
        force: Do it again even if nothing changed.
    """
    if len(systems) < 2:
        raise InputError("a comparison needs at least two systems", fix="Name two runs, or folders of scores")
    prepared = prepared or _prepared_of(systems)
    scored = _distinct([_scored(settings, prepared, path, device, workers) for path in systems])
    _refuse_different_sets(scored, Manifest.read(prepared))
    inputs = {f"{number} {one.name}": one.manifest.digest for number, one in enumerate(scored)}
    inputs["prepared"] = Manifest.read(prepared).digest
    plan = Plan(STAGE, VERSION, {"evaluate": _resampling(settings)}, inputs)
    folder = out or REPORTS / f"compare-{plan.key[:6]}"
    families = _families(scored)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        with progress("Comparing", None, unit="step") as bar:
            data = comparison_of(families, settings, partial)
            bar.advance(1, "statistics done")
            pages = [ComparedSystem(name, tuple(one.folders for one in members)) for name, members in families.items()]
            opened = PreparedSet.open(prepared)
            write_compare_page(data, pages, opened, partial)
        return {"systems": list(families), "table": _table(data, opened.classes)}

    return run_stage(plan, folder, work, force=force)


def comparison_of(families: Mapping[str, Sequence[_Scored]], settings: Settings, out: Path) -> dict[str, Any]:
    """The statistics of the comparison, also written to comparison.json, .csv and .md and to pairs.csv."""
    from retseg.evaluation.comparison import CompareSystem, compare_systems, write_comparison
    from retseg.evaluation.protocol import shared_line
    from retseg.evaluation.sums import read_sums
    from retseg.metrics.registry import METRICS

    read = {name: [read_sums(one.folders.evaluate / "scores.npz") for one in ones] for name, ones in families.items()}
    systems = [CompareSystem(name, tuple(sums[0] for sums in members), "system") for name, members in read.items()]
    first = next(iter(read.values()))[0]
    scored = {image.id for image in first[0].images}
    # An observer who drew a part of the photographs cannot be set beside systems that were scored on all of them.
    systems += [
        CompareSystem(o.name, (o,), "observer") for o in first[1:] if {image.id for image in o.images} == scored
    ]
    names = [name for name in settings.evaluate.metrics if all(name in s.metrics for c in systems for s in c.members)]
    data = compare_systems(systems, [METRICS.get(name) for name in names], **_resampling(settings))
    summaries = [one.folders.evaluate / "summary.json" for ones in families.values() for one in ones]
    lines = [str(json.loads(path.read_text(encoding="utf-8"))["protocol"]) for path in summaries]
    write_comparison(out, data, shared_line(lines))
    return data


def _resampling(settings: Settings) -> dict[str, int]:
    return {"resamples": settings.evaluate.resamples, "seed": settings.evaluate.resample_seed}


def _scored(settings: Settings, prepared: Path, path: Path, device: str, workers: int | None) -> _Scored:
    """The scores at `path`: a folder that evaluate wrote, a pooled k-fold run, or a run that is scored now."""
    manifest = Manifest.find(path)
    if manifest is not None and manifest.stage == "evaluate":
        return _of_scores(path, manifest)
    dataset = PreparedSet.open(prepared).name
    pooled = path / "evaluate" / dataset
    if not (path / "train").is_dir() and (found := Manifest.find(pooled)) is not None:
        return _of_scores(pooled, found)
    result = evaluate(settings, prepared, run=find_run(path), device=device, workers=workers)
    return _of_scores(result.folder, result.manifest)


def _of_scores(folder: Path, manifest: Manifest) -> _Scored:
    """The scores in a folder that evaluate wrote, and what lies around it: its run, or the maps of others in it."""
    name, run = str(manifest.config["system"]), folder.resolve().parent.parent
    if folder.resolve().parent.name != "evaluate":
        maps = folder / "maps"
        given = manifest.facts.get("predictions") or [""]
        return _Scored(name, RunFolders(name, None, maps if maps.is_dir() else Path(given[0]), folder), manifest.key)
    trained = Manifest.find(run / "train")
    predicted = run / "predict" / folder.name
    if trained is None:
        folds = Manifest.read(predicted).facts
        return _Scored(
            name, RunFolders(name, None, predicted, folder), folds.get("family") or manifest.key, folds.get("seed")
        )
    folders = RunFolders(name, run / "train", predicted, folder)
    return _Scored(name, folders, family_of(trained), trained.config.get("seed"))


def _prepared_of(systems: Sequence[Path]) -> Path:
    """The set that the first system with scores was scored on."""
    for path in systems:
        for folder in (path, *sorted((path / "evaluate").glob("*"))):
            manifest = Manifest.find(folder)
            if manifest is not None and manifest.stage == "evaluate":
                prepared = Path(str(manifest.facts.get("prepared") or ""))
                if Manifest.find(prepared) is not None:
                    return prepared
    raise InputError("it is not known which set the systems were scored on", fix="Name it with --dataset")


def _distinct(scored: list[_Scored]) -> list[_Scored]:
    """Short names where they still tell the systems apart; the same folder twice is a mistake."""
    twice = [str(path) for path, n in Counter(one.folders.evaluate.resolve() for one in scored).items() if n > 1]
    if twice:
        raise InputError("the same scores were given twice", where=twice[0], fix="Name each system once")
    names = short_names([one.name for one in scored])
    if len(set(names)) < len(names):
        names = [str(one.folders.evaluate) for one in scored]
    return [replace(one, name=name) for name, one in zip(names, scored, strict=True)]


def _families(scored: Sequence[_Scored]) -> dict[str, list[_Scored]]:
    """The systems by name: runs that differ in their seed only go together, under the first one's name."""
    groups: dict[str, list[_Scored]] = {}
    for one in scored:
        group = groups.setdefault(one.family, [])
        same = next((other.name for other in group if other.seed == one.seed), None)
        if same is not None:
            raise InputError(
                f"'{same}' and '{one.name}' are the same training with the same seed",
                where=one.folders.evaluate,
                fix="Name one of them, or train with another --seed",
            )
        group.append(one)
    return {group[0].name: group for group in groups.values()}


def _refuse_different_sets(scored: Sequence[_Scored], prepared: Manifest) -> None:
    for one in scored:
        if one.manifest.inputs.get("prepared") != prepared.digest:
            raise InputError(
                f"'{one.name}' was scored on another prepared set",
                where=one.folders.evaluate,
                fix="Score all systems on one set: `retseg evaluate --dataset` with the same prepared folder",
            )


def _table(data: Mapping[str, Any], classes: Classes) -> list[str]:
    """What a terminal shows: the chief figures of each system, and what may be claimed."""
    chief = ("dice", "iou", "accuracy") if classes.positive is None else ("auc", "dice")
    lines = []
    for system in data["systems"]:
        cells = []
        for metric in chief:
            entry = data["tables"]["pooled"].get(metric, {}).get(system["name"]) or {}
            value = entry.get("value")
            interval = f" [{entry['low']:.4f}, {entry['high']:.4f}]" if entry.get("low") is not None else ""
            cells.append(f"{metric} {'n/a' if value is None else f'{value:.4f}{interval}'}")
        seeds = f" ({system['seeds']} seeds)" if system["seeds"] > 1 else ""
        lines.append(f"{system['name']}{seeds}: {', '.join(cells)}")
    claim = f"no significance test below six {classes.subject}s" if data["weak"] else "paired tests in pairs.csv"
    return [*lines, f"n = {data['n_patients']} {classes.subject}s, {data['n_images']} photographs; {claim}."]
