"""sweep: a pipeline's trainings over several values of settings, ranked by what they reach on validation patients."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retseg.core.errors import ConfigError, OutputError, RetsegError
from retseg.core.manifest import Manifest, digest_of
from retseg.core.paths import REPORTS, write_atomically
from retseg.core.progress import duration
from retseg.datasets.prepared import PreparedSet
from retseg.datasets.splits import TRAIN
from retseg.stages.pipeline import find_pipeline, read_pipeline, train_folder
from retseg.stages.prepare import prepare
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings
from retseg.stages.sweep_axes import Axes, assignments_of
from retseg.stages.sweep_table import TABLE, Trial, table_csv, table_json, table_lines, table_markdown
from retseg.stages.train import plan_of, train

STAGE = "sweep"
VERSION = 1
__all__ = ["TABLE", "sweep"]

Say = Callable[[str], object]


def sweep(
    path: Path,
    assignments: Iterable[str],
    *,
    random: int | None = None,
    root: Path | None = None,
    seed: int | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
    say: Say = print,
) -> StageResult:
    """Trains every combination and ranks them by the Dice on validation patients; test photographs have no say.

    Trainings that are up to date are skipped and interrupted ones go on, so the same call goes on with a sweep. A
    combination that cannot be trained is listed with its reason.

    Args:
        path: The pipeline file, or the name of a shipped one; each combination is tried for each of its runs.
        assignments: `key=value,value,...` for several values, `key=low..high` for a range to draw from, and
            `key=value` for what all combinations share.
        random: Draw so many combinations; None multiplies all values out.
        root: The dataset's folder; looked for when None.
        seed: Short for the assignment `seed=N`; combinations are drawn by it, too.
        out: Folder for the table; `reports/sweep-<pipeline>-<key>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes for preparing; all cores when None.
        force: Train all anew.
        say: Gets a line about each combination.

    Raises:
        RetsegError: If not one combination could be trained.
    """
    found = find_pipeline(path)
    axes = Axes.parse(assignments)
    combinations = axes.combinations(random, seed or 0)
    tried = list(_trials(found, axes, combinations, seed))
    _refuse_if_all_failed(tried)
    valid = next(trial for trial in tried if trial.settings is not None)
    heading, runs = read_pipeline(found, [*axes.shared, *assignments_of(valid.changed)], seed)
    first = next(iter(runs.values()))
    prepared = prepare(first, root=root, workers=workers, force=force)
    say(f"Sweep of {heading.name}: {_counted(len(combinations), 'combination')}, prepared set {prepared.folder}")
    work = _Sweep(heading.name, prepared, device, force, say)
    trials = work.all_of(tried)
    table = table_json(heading.name, trials, axes.keys, found, prepared.folder)
    asked = [digest_of(found.read_text(encoding="utf-8")), axes.shared, combinations, seed, prepared.manifest.key]
    folder = out or REPORTS / f"sweep-{heading.name}-{digest_of(asked)[:6]}"
    inputs = {str(one.folder): Manifest.read(one.folder / "train").digest for one in trials if one.folder is not None}
    failed = {" ".join(assignments_of(one.changed)): one.failed for one in trials if one.failed}
    plan = Plan(STAGE, VERSION, {"asked": digest_of(asked), "failed": failed}, inputs, seed=seed or 0)

    def write(partial: Path, resumed: bool) -> Mapping[str, Any]:
        write_atomically(partial / "sweep.json", json.dumps(table, indent=1, allow_nan=False) + "\n")
        write_atomically(partial / TABLE, table_csv(table))
        write_atomically(partial / "sweep.md", table_markdown(table))
        return {"table": table_lines(table), "best": table["best"]}

    result = run_stage(plan, folder, write)
    _refuse_if_all_failed(trials, result.folder / TABLE)
    return result


def _trials(path: Path, axes: Axes, combinations: Sequence[Mapping[str, str]], seed: int | None) -> Iterator[Trial]:
    """Every combination for every run of the pipeline, with its settings or why it has none."""
    for changed in combinations:
        try:
            _, runs = read_pipeline(path, [*axes.shared, *assignments_of(changed)], seed)
        except ConfigError as error:
            yield Trial("", changed, failed=error.line)
            continue
        nets = {name: settings for name, settings in runs.items() if settings.method.name is None}
        for name, settings in nets.items():
            if settings.train.validation_fraction == 0:
                what = "without validation patients (train.validation_fraction=0) there is nothing to rank by"
                fix = "Set aside some, for example --set train.validation_fraction=0.15"
                yield Trial(name, changed, failed=ConfigError(what, fix=fix).line)
            else:
                yield Trial(name, changed, settings)


def _refuse_if_all_failed(trials: Sequence[Trial], where: Path | None = None) -> None:
    """One clear line if nothing is left, so that a mistyped setting does not become a table of the same complaint."""
    if all(trial.failed for trial in trials):
        reason = str(trials[0].failed).rstrip(".")
        same = all(trial.failed == trials[0].failed for trial in trials)
        which = "" if same and len(trials) == 1 else "all combinations: " if same else "every combination; the first: "
        raise RetsegError(f"nothing can be trained: {which}{reason}", where=where)


@dataclass(slots=True)
class _Sweep:
    """One sweep at work."""

    name: str
    prepared: StageResult
    device: str
    force: bool
    say: Say
    done: dict[str, Trial] = field(default_factory=dict)

    def all_of(self, tried: Sequence[Trial]) -> list[Trial]:
        """Trains what can be trained, each training once even where two combinations come to the same."""
        self._refuse_one_patient()
        results = []
        for number, trial in enumerate(tried, 1):
            self.say(f"Combination {number} of {len(tried)}: {trial.words}")
            if trial.settings is None:
                self.say(f"  left out: {trial.failed}")
                results.append(trial)
                continue
            result = self._trained(trial, trial.settings)
            if result is not None:
                results.append(result)
        return results

    def _trained(self, trial: Trial, settings: Settings) -> Trial | None:
        """The trial with its scores; None where the same training was tried before."""
        label = f"{self.name}-{trial.run}" if trial.run else self.name
        try:
            key = plan_of(settings, self.prepared.manifest).key
            if (same := self.done.get(key)) is not None:
                self.say(f"  the same training as {same.words}")
                return None
            self.done[key] = trial
            folder = train_folder(label, settings, self.prepared)
            result = train(settings, self.prepared.folder, out=folder, device=self.device, force=self.force)
        except OutputError:
            # A full disk fails all that follows, too.
            raise
        except RetsegError as error:
            self.say(f"  failed: {error.line}")
            return trial.without_scores(error.line)
        scored = trial.scored(folder, result.manifest.facts, _kept_epoch(result))
        took = "unchanged" if result.skipped else f"done in {duration(result.manifest.provenance['seconds'])}"
        self.say(f"  {took}, validation Dice {scored.dice_words} ({folder})")
        return scored

    def _refuse_one_patient(self) -> None:
        data = PreparedSet.open(self.prepared.folder)
        patients = {row.patient for row in data.rows if row.split == TRAIN and row.label}
        if len(patients) < 2:
            raise ConfigError(
                f"the prepared set has {_counted(len(patients), 'labelled training patient')}, so none can be set "
                "aside to rank by",
                where=self.prepared.folder,
                fix="Use a set with two or more",
            )


def _kept_epoch(trained: StageResult) -> dict[str, str]:
    """The line of history.csv whose weights were kept."""
    with (trained.folder / "history.csv").open(encoding="utf-8", newline="") as file:
        kept = str(trained.manifest.facts["epoch"])
        return next((row for row in csv.DictReader(file) if row["epoch"] == kept), {})


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
