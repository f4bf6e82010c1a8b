"""A declared pipeline: one YAML with settings and named runs, from photographs to one report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from retseg.core.config import Section, merge, parse_assignments, read_yaml, validate
from retseg.core.errors import InputError, nearest
from retseg.core.paths import REPORTS, RUNS
from retseg.core.progress import duration
from retseg.stages.evaluate import evaluate
from retseg.stages.predict import predict_prepared
from retseg.stages.prepare import prepare
from retseg.stages.report import report
from retseg.stages.runner import StageResult
from retseg.stages.settings import PIPELINE_KEYS, Settings, load_settings
from retseg.stages.train import train
from retseg.stages.tune import tune

Say = Callable[[str], object]


class Pipeline(Section):
    """A pipeline file. Its other keys are settings that all runs share; each run may change some of them.

    Attributes:
        name: What its runs and its report are called.
        about: What it is for, in a sentence or two.
        budget: Minutes of training for all nets together, shared out equally; each then ends by the clock
            (`train.minutes`), whatever epochs it has reached. None lets every run train to its last epoch.
        runs: Settings of each run by the run's name; one run with the shared settings when empty. A run with
            `method.name` tunes that method in the place of a net.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    about: str = ""
    budget: float | None = Field(default=None, gt=0)
    runs: dict[str, dict[str, Any]] = Field(default={})


def shipped_pipelines() -> dict[str, Path]:
    """The pipelines that come with retseg, by name."""
    package = Path(__file__).resolve().parents[1]
    # Installed, they lie inside the package; in a source tree, beside it.
    for folder in (package / "pipelines", package.parent / "pipelines"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return {}


def find_pipeline(given: Path) -> Path:
    """The pipeline file for what the user gave: a path, or the name of a shipped one."""
    if given.is_file():
        return given
    shipped = shipped_pipelines()
    if given.suffix in ("", ".yaml") and given.stem in shipped and given.parent in (Path(), Path("pipelines")):
        return shipped[given.stem]
    raise InputError(
        "pipeline not found", where=given, fix=f"Give a YAML file, or a shipped one. {nearest(given.stem, shipped)}"
    )


def read_pipeline(
    path: Path, assignments: Iterable[str] = (), seed: int | None = None
) -> tuple[Pipeline, dict[str, Settings]]:
    """A pipeline file as its heading and the complete settings of each of its runs.

    An assignment is for every run, unless its key begins with `runs.NAME.`; `budget=MINUTES` is the heading's.
    """
    sets = list(assignments)
    of_heading = [one for one in sets if one.partition("=")[0].strip().split(".")[0] in PIPELINE_KEYS]
    data = merge(read_yaml(path), parse_assignments(of_heading))
    heading = validate(Pipeline, {key: data[key] for key in PIPELINE_KEYS if key in data}, where=str(path))
    shared = {key: value for key, value in data.items() if key not in PIPELINE_KEYS}
    runs: Mapping[str, dict[str, Any]] = heading.runs or {"": {}}
    rest = [one for one in sets if one not in of_heading]
    nets = sum((merge(shared, over or {}).get("method") or {}).get("name") is None for over in runs.values())
    flags = {"seed": seed, "train.minutes": heading.budget and heading.budget / max(1, nets)}
    settings = {name: load_settings(merge(shared, over or {}), rest, flags) for name, over in runs.items()}
    return heading, settings


def run_pipeline(
    path: Path,
    *,
    root: Path | None = None,
    assignments: Iterable[str] = (),
    seed: int | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
    say: Say = print,
) -> Path:
    """Runs every stage of every run and returns the path of the report. Unchanged stages are skipped and say so.

    Args:
        path: The pipeline file, or the name of a shipped one.
        root: The dataset's folder; looked for when None.
        assignments: `key=value` settings that win over the file's, for every run.
        seed: Short for the assignment `seed=N`.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes to use; all cores when None.
        force: Do every stage anew.
        say: Gets one line about each stage.
    """
    heading, runs = read_pipeline(find_pipeline(path), assignments, seed)
    say(f"Pipeline {heading.name}" + (f": {heading.about}" if heading.about else ""))
    first = next(iter(runs.values()))
    prepared = prepare(first, root=root, workers=workers, force=force)
    _say_done(say, "prepare", prepared)
    folders = []
    for name, settings in runs.items():
        label = f"{heading.name}-{name}" if name else heading.name
        if settings.method.name is not None:
            trained = tune(settings, prepared.folder, settings.method.name, label=label, workers=workers, force=force)
        else:
            folder = train_folder(label, settings, prepared)
            trained = train(settings, prepared.folder, out=folder, device=device, force=force)
        folder = trained.folder.parent
        _say_done(say, f"{'train' if settings.method.name is None else 'tune'} {name}".strip(), trained)
        for fact in ("transfer", "stopped"):
            if words := trained.manifest.facts.get(fact):
                say(f"  {words}")
        predicted = predict_prepared(settings, prepared.folder, run=folder, device=device, force=force)
        _say_done(say, f"predict {name}".strip(), predicted)
        scored = evaluate(settings, prepared.folder, run=folder, device=device, workers=workers, force=force)
        _say_done(say, f"evaluate {name}".strip(), scored)
        folders.append(folder)
    page = report(
        first, prepared.folder, runs=folders, out=REPORTS / heading.name, device=device, workers=workers, force=force
    )
    _say_done(say, "report", page)
    return page.folder / "run.html"


def train_folder(label: str, settings: Settings, prepared: StageResult) -> Path:
    """A run's folder named after the pipeline; the key in it keeps runs with other settings apart."""
    from retseg.stages.train import plan_of

    return RUNS / f"{label}-{plan_of(settings, prepared.manifest).key[:6]}"


def _say_done(say: Say, stage: str, result: StageResult) -> None:
    for note in result.notes:
        say(f"  {note}")
    took = "unchanged, skipped" if result.skipped else f"done in {duration(result.manifest.provenance['seconds'])}"
    say(f"{stage}: {took} ({result.folder})")
