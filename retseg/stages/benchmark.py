"""benchmark: every system trained on every set and tested on every set, over seeds and folds, in one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retseg.core.errors import ConfigError
from retseg.core.manifest import Manifest, digest_of
from retseg.core.paths import REPORTS, write_atomically
from retseg.core.progress import duration
from retseg.datasets.prepared import PreparedSet
from retseg.stages.benchmark_table import Cell, benchmark_table, set_name, table_csv, table_lines
from retseg.stages.compare import PAGE as COMPARISON
from retseg.stages.compare import compare
from retseg.stages.crossvalidate import cross_validate
from retseg.stages.evaluate import evaluate
from retseg.stages.prepare import prepared_set
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings, load_settings
from retseg.stages.train import train
from retseg.stages.tune import tuned_run

STAGE = "benchmark"
VERSION = 1
PAGE = "benchmark.html"
TABLE = "benchmark.csv"

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Grid:
    """What is multiplied out: systems (nets and training-free methods), seeds, sets to train on, sets to test on.

    `folds` of two or more tests every patient of the training set once, with weights that never saw the patient; then
    the sets to test on are the sets to train on. Sets are names, or folders of prepared sets.
    """

    train: tuple[str, ...]
    test: tuple[str, ...] = ()
    archs: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    seeds: int = 1
    folds: int = 0

    def __post_init__(self) -> None:
        if not self.archs and not self.methods:
            raise ConfigError("nothing to benchmark", fix="Name nets with --arch, or methods with --method")
        if self.folds and set(self.test) - set(self.train):
            raise ConfigError(
                "folds test the set that is trained on, so --test has no place beside --folds",
                fix="Leave out --test, or leave out --folds",
            )


@dataclass(slots=True)
class _Benchmark:
    """One benchmark at work. Every stage in it is skipped when it is up to date, so an interrupted one goes on."""

    grid: Grid
    config: Path | None
    assignments: tuple[str, ...]
    device: str
    workers: int | None
    say: Say
    prepared: dict[str, Path] = field(default_factory=dict)

    def settings(self, dataset: str, arch: str | None = None, seed: int | None = None) -> Settings:
        shorthand = {"dataset.name": dataset, "model.arch": arch}
        first = load_settings(self.config, self.assignments, shorthand)
        if seed is None:
            return first
        return first.model_copy(update={"seed": first.seed + seed})

    def set_of(self, dataset: str) -> Path:
        if dataset not in self.prepared:
            result = prepared_set(self.settings(dataset), workers=self.workers)
            name = PreparedSet.open(result.folder).name
            if name in self._names():
                raise ConfigError(
                    f"two sets of the dataset '{name}' cannot stand in one benchmark",
                    where=dataset,
                    fix="Their patients could be the same people. Name each dataset once",
                )
            self.say(f"{dataset}: {result.folder}")
            self.prepared[dataset] = result.folder
        return self.prepared[dataset]

    def _names(self) -> set[str]:
        return {PreparedSet.open(folder).name for folder in self.prepared.values()}

    def cells(self) -> list[Cell]:
        systems = [*((arch, False) for arch in self.grid.archs), *((method, True) for method in self.grid.methods)]
        return [
            cell
            for system, is_method in systems
            for trained_on in self.grid.train
            for cell in self._cells_of(system, is_method, trained_on)
        ]

    def _cells_of(self, system: str, is_method: bool, trained_on: str) -> list[Cell]:
        # A training-free method has nothing random in it, so more seeds would only repeat it.
        seeds = range(1 if is_method else self.grid.seeds)
        tests = (trained_on,) if self.grid.folds else self.grid.test or self.grid.train
        scores: dict[str, list[Path]] = {test: [] for test in tests}
        used, run = [], ""
        for seed in seeds:
            settings = self.settings(trained_on, None if is_method else system, seed)
            used.append(settings.seed)
            if self.grid.folds:
                pooled = cross_validate(
                    settings,
                    self.set_of(trained_on),
                    self.grid.folds,
                    method=system if is_method else None,
                    device=self.device,
                    workers=self.workers,
                    say=self.say,
                )
                run = str(pooled.folder.parent.parent)
                scores[trained_on].append(pooled.folder)
                continue
            folder = self._run(settings, system, is_method, trained_on)
            run = str(folder)
            for test in tests:
                result = evaluate(settings, self.set_of(test), run=folder, device=self.device, workers=self.workers)
                self._tell(f"{system} trained on {trained_on}, tested on {test}, seed {seed}", result)
                scores[test].append(result.folder)
        return [Cell(system, trained_on, test, tuple(found), tuple(used), run) for test, found in scores.items()]

    def _run(self, settings: Settings, system: str, is_method: bool, trained_on: str) -> Path:
        if is_method:
            return tuned_run(settings, self.set_of(trained_on), system, workers=self.workers)
        result = train(settings, self.set_of(trained_on), device=self.device)
        self._tell(f"train {system} on {trained_on}, seed {settings.seed}", result)
        return result.folder.parent

    def _tell(self, what: str, result: StageResult) -> None:
        took = "unchanged, skipped" if result.skipped else f"done in {duration(result.manifest.provenance['seconds'])}"
        self.say(f"{what}: {took} ({result.folder})")


def benchmark(
    grid: Grid,
    *,
    config: Path | None = None,
    assignments: Iterable[str] = (),
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
    say: Say = print,
) -> StageResult:
    """Trains, predicts and scores what the grid asks for, then writes benchmark.html, benchmark.csv and benchmark.json.

    Args:
        grid: Systems, seeds, folds, sets.
        config: YAML file with settings that all runs share.
        assignments: `key=value` settings that win over the file's.
        out: Folder to write; `reports/benchmark-<key>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes for preparing and scoring; all cores when None.
        force: Write the table anew; the stages below are redone only where something changed.
        say: Gets one line about each stage.
    """
    work = _Benchmark(grid, config, tuple(assignments), device, workers, say)
    cells = work.cells()
    settings = work.settings(grid.train[0])
    inputs = {
        f"{cell.system} {cell.train} {cell.test} {seed}": Manifest.read(folder).digest
        for cell in cells
        for seed, folder in zip(cell.seeds, cell.scores, strict=True)
    }
    resampling = {"resamples": settings.evaluate.resamples, "seed": settings.evaluate.resample_seed}
    plan = Plan(STAGE, VERSION, {"folds": grid.folds, **resampling}, inputs)

    def write(partial: Path, resumed: bool) -> Mapping[str, Any]:
        from retseg.reporting.benchmark_page import write_benchmark_page

        table = benchmark_table([*grid.archs, *grid.methods], cells, grid.folds, resampling)
        write_atomically(partial / "benchmark.json", json.dumps(table, indent=1, allow_nan=False) + "\n")
        write_atomically(partial / TABLE, table_csv(table))
        write_benchmark_page(table, partial)
        return {"runs": sorted({cell.run for cell in cells}), "table": table_lines(table)}

    name = "+".join([*grid.archs, *grid.methods])[:40]
    folder = out or REPORTS / f"benchmark-{name}-{digest_of(sorted(inputs))[:6]}"
    result = run_stage(plan, folder, write, force=force)
    compared = _compare(work, cells, settings, folder, force=force)
    return StageResult(result.folder, result.manifest, result.skipped, tuple(map(str, compared)))


def _compare(work: _Benchmark, cells: Sequence[Cell], settings: Settings, folder: Path, *, force: bool) -> list[Path]:
    """A comparison beside the table for every pair of sets that two or more systems were trained and tested on."""
    pages = []
    for trained_on, tested_on in dict.fromkeys((cell.train, cell.test) for cell in cells):
        scores = [path for cell in cells if (cell.train, cell.test) == (trained_on, tested_on) for path in cell.scores]
        if len({cell.system for cell in cells if (cell.train, cell.test) == (trained_on, tested_on)}) < 2:
            continue
        out = folder.with_name(f"{folder.name}-{set_name(trained_on)}-on-{set_name(tested_on)}")
        prepared = Path(str(Manifest.read(scores[0]).facts["prepared"]))
        made = compare(settings, prepared, scores, out=out, workers=work.workers, force=force)
        pages.append(made.folder / COMPARISON)
    return pages
