"""Patient-wise k-fold: the same prepared set with its patients dealt anew, without copying a photograph."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from retseg.core.errors import ConfigError
from retseg.core.manifest import Manifest
from retseg.core.paths import PREPARED
from retseg.datasets.prepared import IndexRow, PreparedSet, write_index
from retseg.datasets.splits import TEST, TRAIN, deal_patients
from retseg.stages.prepare import STAGE, VERSION
from retseg.stages.runner import Plan, StageResult, run_stage

FOLDS = "folds"
"""Folder below data/prepared; what lies in it is never taken for the newest prepared set."""


def fold_set(prepared: Path, folds: int, fold: int, seed: int = 0) -> StageResult:
    """The prepared set in which the patients of one fold are the test and all others are for training.

    Every photograph with a label takes part, whatever its customary split; each patient is the test in exactly one of
    the `folds`. Files are hard links to those of `prepared` where the disk has them, else copies.
    """
    data = PreparedSet.open(prepared)
    rows = [row for row in data.rows if row.label is not None]
    patients = sorted({row.patient for row in rows})
    if not 2 <= folds <= len(patients):
        raise ConfigError(
            f"{folds} folds cannot be dealt: {data.name} has {len(patients)} labelled patients",
            where="--folds",
            fix=f"Choose 2 to {len(patients)}" if len(patients) > 1 else "Use a set with more patients",
        )
    test = deal_patients(patients, folds, seed)[fold]
    manifest = Manifest.read(prepared)
    plan = Plan(STAGE, VERSION, {"folds": folds, "fold": fold, "seed": seed}, {"prepared": manifest.digest}, seed=seed)
    dealt = [replace(row, split=TEST if row.patient in test else TRAIN) for row in rows]

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        for row in dealt:
            for name in _files(row, prepared):
                link_file(prepared / name, partial / name)
        write_index(partial, dealt)
        splits = {split: [row.id for row in dealt if row.split == split] for split in (TRAIN, TEST)}
        kept = ("dataset", "title", "classes", "fov_estimated")
        facts = {name: manifest.facts[name] for name in kept if name in manifest.facts}
        protocol = f"fold {fold + 1} of {folds}, dealt by patients (seed {seed})"
        return {**facts, "splits": splits, "patients": {row.id: row.patient for row in dealt}, "protocol": protocol}

    return run_stage(plan, PREPARED / FOLDS / f"{data.name}-{plan.key[:8]}", work)


def _files(row: IndexRow, prepared: Path) -> list[str]:
    sample = row.sample(prepared)
    paths = [sample.image, sample.fov, *sample.labels.values()]
    return [path.relative_to(prepared).as_posix() for path in paths if path is not None]


def link_file(source: Path, target: Path) -> None:
    """Puts the file at `target`, as a hard link where the disk has them, else as a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
