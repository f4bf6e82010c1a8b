"""Finding what a stage should work on when nobody said: the dataset, the newest prepared set, the newest run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from retseg.core.errors import ConfigError, InputError
from retseg.core.manifest import Manifest
from retseg.core.paths import PREPARED, RAW, RUNS
from retseg.datasets.config import DatasetConfig
from retseg.datasets.registry import DATASETS, GENERATED, find_datasets, generated_root
from retseg.datasets.registry import known_datasets as known_datasets
from retseg.datasets.registry import search_folders as search_folders
from retseg.inference.shipped_models import DEFAULT, shipped_models

Runs = Path | Sequence[Path] | None
"""What predictions are made with: a run, several whose probabilities are averaged, or None for the newest."""

TRAINED, TUNED = "train", "tune"
"""The stage that a run's train/ folder comes from: a net's training, or a training-free method's tuning."""


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset by name and where its files lie; `note` says in plain words why this one."""

    name: str
    root: Path
    note: str


def find_source(config: DatasetConfig, root: Path | None) -> Source:
    """The dataset to prepare: as named, else the only known one, else the generated set."""
    if root is not None:
        return _source_at(config, root)
    if config.name is not None:
        return _source_called(config)
    found = known_datasets()
    if len(found) > 1:
        listed = ", ".join(f"{name} ({root})" for name, root in sorted(found.items()))
        raise ConfigError(f"several datasets are here: {listed}", fix="Choose one with --dataset NAME")
    if found:
        name, place = next(iter(found.items()))
        return Source(name, place, f"Found the dataset {name} in {place}.")
    looked = " and ".join(str(folder) for folder in search_folders())
    note = (
        f"No known dataset lies below {looked}, so the generated set is prepared: computer-drawn fundus "
        "photographs with exact labels. `retseg datasets list` names the real ones."
    )
    return Source(GENERATED, generated_root(GENERATED, config), note)


def _source_at(config: DatasetConfig, root: Path) -> Source:
    if config.name is not None:
        if not DATASETS.get(config.name).generated and not root.is_dir():
            raise InputError("the dataset's folder does not exist", where=root, fix="Check --root")
        return Source(config.name, root, f"Dataset {config.name} in {root}.")
    if not root.is_dir():
        raise InputError("the dataset's folder does not exist", where=root, fix="Check --root")
    found = find_datasets(root)
    if len(found) == 1:
        name, place = next(iter(found.items()))
        return Source(name, place, f"Found the dataset {name} in {place}.")
    if found:
        listed = ", ".join(f"{name} ({place})" for name, place in sorted(found.items()))
        raise ConfigError(f"several datasets are here: {listed}", where=root, fix="Choose one with --dataset NAME")
    raise ConfigError(
        "no known dataset's layout is recognised",
        where=root,
        fix="Name it with --dataset; for a plain folder of photographs: --dataset folder",
    )


def _source_called(config: DatasetConfig) -> Source:
    name = str(config.name)
    kind = DATASETS.get(name)
    if kind.generated:
        note = f"{kind.title[:1].upper()}{kind.title[1:]}: computer-drawn photographs with exact labels."
        return Source(name, generated_root(name, config), note)
    if kind.joins:
        kind(config)  # refuses members that cannot be joined
        real = [member for member in config.members if not DATASETS.get(member).generated]
        places = " and ".join(f"{member} in {_found(member)}" for member in real)
        # They may lie apart, so that no folder is theirs alone: each is looked for again from this one on.
        root = next((folder for folder in search_folders() if folder.is_dir()), RAW)
        return Source(name, root, f"Found {places}." if places else "All members are generated.")
    root = _found(name)
    return Source(name, root, f"Found the dataset {name} in {root}.")


def _found(name: str) -> Path:
    """Where a dataset of real photographs lies."""
    found = known_datasets()
    if name not in found:
        looked = " and ".join(str(folder) for folder in search_folders())
        raise InputError(
            f"the dataset {name} is not below {looked}",
            fix=f"Give its folder with --root; `retseg datasets show {name}` tells where to get it",
        )
    return found[name]


def newest_prepared(dataset: str | None = None) -> Path:
    """The prepared set finished last, of `dataset` if given."""
    found = _newest(PREPARED.glob("*"), "prepare", dataset)
    if found is None:
        what = "there is no prepared set" + (f" of {dataset}" if dataset else "")
        raise InputError(what, where=PREPARED, fix="Run `retseg prepare` first")
    return found


def newest_run() -> Path:
    """The run whose training finished last; without one, that of the default model that ships with retseg.

    It is a net's: a training-free method is taken only when it is named.
    """
    found = _newest(RUNS.glob("*/train"), TRAINED, None)
    if found is not None:
        return found.parent
    return _shipped_run(RUNS / DEFAULT) or _refuse_without_model(RUNS)


def shipped_weights(run: Path) -> Path | None:
    """The weights of the shipped model whose results lie in the folder `run`; None for a run of the user's own."""
    if (run / "train").is_dir() or run.resolve().parent != RUNS.resolve():
        return None
    return shipped_models().get(run.name)


def _shipped_run(run: Path) -> Path | None:
    return RUNS / run.name if shipped_weights(run) is not None else None


def _refuse_without_model(where: Path) -> NoReturn:
    raise InputError(
        "there is no trained run yet, and this copy of retseg ships no model",
        where=where,
        fix="Train one with `retseg train` (`retseg datasets list` names photographs to train on), see one made in "
        "minutes with `retseg demo`, or do without with `--method frangi`",
    )


def newest_tuned(method: str) -> Path | None:
    """The run in which the training-free method was tuned last, or None where it never was."""
    facts = {folder: manifest.facts for folder in RUNS.glob("*/train") if (manifest := Manifest.find(folder))}
    mine = [f for f, known in facts.items() if known.get("method") == method and not known.get("published")]
    found = _newest(mine, TUNED, None)
    return found.parent if found is not None else None


def find_run(path: Path | None) -> Path:
    """The run's folder for what the user gave: its folder, its train folder or weights, its name, or None.

    A shipped model is named like a run and has no `train/`: its folder below `runs/` is where its results go, and need
    not be there. A run of the user's own with that name goes before it.
    """
    if path is None:
        return newest_run()
    if path.is_file() and path.parent.name == "train":
        return path.parent.parent
    candidates = (path, RUNS / path)
    for candidate in candidates:
        if (candidate / "train").is_dir():
            return candidate
        if candidate.name == "train" and candidate.is_dir():
            return candidate.parent
    if any(one.with_name(one.name + ".partial").exists() or (one / "train.partial").is_dir() for one in candidates):
        raise InputError("the run is not finished", where=path, fix="Run its `retseg train` command again to go on")
    for candidate in candidates:
        if (shipped := _shipped_run(candidate)) is not None:
            return shipped
    if path.name == DEFAULT:
        _refuse_without_model(path)
    raise InputError("no trained run is here", where=path, fix="Give a folder below runs/, or train one")


def find_runs(given: Runs) -> list[Path]:
    """The runs' folders for what the user gave; a cross-validation or an ensemble stands for its members."""
    paths = [given] if isinstance(given, Path) else list(given or ())
    if not paths:
        return [newest_run()]
    runs = [find_run(member) for path in paths for member in _members(path) or [path]]
    known: set[Path] = set()
    for run in runs:
        if run.resolve() in known:
            raise InputError("the same run was given twice", where=run, fix="Name each run once")
        known.add(run.resolve())
    return runs


def _members(path: Path) -> list[Path]:
    """The runs behind a folder of `runs/` that has predictions but no training of its own; none for any other."""
    for home in (path, RUNS / path):
        if (home / "train").is_dir():
            return []
        for folder in sorted(home.glob("predict/*")):
            facts = manifest.facts if (manifest := Manifest.find(folder)) else {}
            if "folds" in facts:
                return [Path(str(Manifest.read(Path(fold)).facts["run"])) for fold in facts["folds"]]
            if "runs" in facts:
                return [Path(run) for run in facts["runs"]]
    return []


def run_names() -> list[str]:
    """Names of the finished runs below runs/, newest first."""
    found = [(m.provenance["finished"], p.parent.name) for p in RUNS.glob("*/train") if (m := Manifest.find(p))]
    return [name for _, name in sorted(found, reverse=True)]


def _newest(folders: Iterable[Path], stage: str, dataset: str | None) -> Path | None:
    best: tuple[str, Path] | None = None
    for folder in folders:
        if folder.name.endswith(".partial") or folder.name.startswith("."):
            continue
        manifest = Manifest.find(folder)
        if manifest is None or manifest.stage != stage:
            continue
        if dataset is not None and manifest.facts.get("dataset") != dataset:
            continue
        finished = str(manifest.provenance["finished"])
        if best is None or finished > best[0]:
            best = (finished, folder)
    return best[1] if best else None
