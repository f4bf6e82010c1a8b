"""The table of datasets, and finding the known ones on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from retseg.core.paths import RAW
from retseg.core.registry import Registry

if TYPE_CHECKING:
    from retseg.datasets.base import Dataset
    from retseg.datasets.config import DatasetConfig

DATA_VARIABLE = "RETSEG_DATA"

GENERATED = "synthetic"
"""Name of the set that is generated where none is named and none is found."""

DATASETS: Registry[type[Dataset]] = Registry(
    "dataset",
    "retseg.datasets",
    {
        "drive": "retseg.datasets.drive:Drive",
        "chase": "retseg.datasets.chase:Chase",
        "stare": "retseg.datasets.stare:Stare",
        "hrf": "retseg.datasets.hrf:Hrf",
        "folder": "retseg.datasets.folder:Folder",
        GENERATED: "retseg.datasets.synthetic.dataset:SyntheticDataset",
        "stanford-background": "retseg.datasets.stanford:StanfordBackground",
        "penn-fudan": "retseg.datasets.penn_fudan:PennFudan",
        "indexed": "retseg.datasets.indexed:Indexed",
        "msrc": "retseg.datasets.msrc:Msrc",
        "synthetic-msrc": "retseg.datasets.synthetic.lookalikes:SyntheticMsrc",
        "synthetic-stanford": "retseg.datasets.synthetic.lookalikes:SyntheticStanford",
        "synthetic-pedestrians": "retseg.datasets.synthetic.lookalikes:SyntheticPedestrians",
        "joined": "retseg.datasets.joined:Joined",
    },
)

_LEVELS = 2
"""How far below the base known sets are looked for: data/raw/<SET>, or data/raw/<download>/<SET>."""


def find_datasets(base: Path) -> dict[str, Path]:
    """The known sets at `base` or up to two levels below it, by name; the shallowest folder of each counts.

    Generated sets are left out (they can be made anywhere, at any time): a look-alike is not taken for the set whose
    layout it has. `folder` claims nothing.
    """
    every = DATASETS.loadable().items()
    kinds = [(name, kind) for name, kind in every if not kind.generated]
    drawn = [kind for _, kind in every if kind.generated]
    found: dict[str, Path] = {}
    level = [base]
    for _ in range(_LEVELS + 1):
        for folder in level:
            marked = [name for name, kind in kinds if name not in found and kind.marks(folder)]
            if marked and not any(kind.marks(folder) for kind in drawn):
                found.update(dict.fromkeys(marked, folder))
        level = [below for folder in level for below in _subfolders(folder)]
    return {name: found[name] for name, _ in kinds if name in found}


def search_folders() -> list[Path]:
    """Where known datasets are looked for: below $RETSEG_DATA if it is set, and below data/raw."""
    folders = [Path(value).expanduser() for value in [os.environ.get(DATA_VARIABLE, "")] if value]
    return [*folders, RAW]


def known_datasets() -> dict[str, Path]:
    """Datasets of real photographs found in the search folders, by name."""
    found: dict[str, Path] = {}
    for folder in search_folders():
        for name, root in find_datasets(folder).items():
            found.setdefault(name, root)
    return found


def generated_root(name: str, config: DatasetConfig) -> Path:
    """Where a generated set lies unless somebody says otherwise: a folder of its own for whatever is asked for."""
    parts = [name, str(config.count), config.size or "", str(config.generator_seed)]
    return RAW / "-".join(part for part in parts if part)


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:  # missing, or without permission: nothing can be found there
        return []
