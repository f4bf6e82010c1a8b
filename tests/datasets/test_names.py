"""The same stages for every set: no room but this one knows a set by name."""

from __future__ import annotations

import re
from pathlib import Path

import retseg
from retseg.datasets.registry import DATASETS

WORDS = ("folder", "indexed", "joined", "synthetic")
"""Names of sets that are words, too."""


def names() -> set[str]:
    """The sets' names, and the first words of their titles."""
    kinds = {name: DATASETS.get(name) for name in DATASETS.names()}
    titles = {kind.title.split()[0] for name, kind in kinds.items() if name not in WORDS and not kind.generated}
    return {name for name in kinds if name not in WORDS} | titles


def test_no_file_outside_datasets_names_a_dataset():
    package = Path(retseg.__file__).parent
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, names()))})\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(package)}:{number}: {line.strip()}"
        for path in sorted(package.rglob("*.py"))
        if "datasets" not in path.relative_to(package).parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert {"chase", "hrf", "msrc"} <= {name.lower() for name in names()}
    assert not found, "\n".join(found)
