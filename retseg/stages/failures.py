"""The list of images that a stage left out, each with its reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from retseg.core.paths import write_atomically

NAME = "failures.csv"


@dataclass(frozen=True, slots=True)
class Failure:
    """One image that could not be used: its id, its file, and the reason in words."""

    id: str
    path: str
    reason: str


def write_failures(folder: Path, failures: Iterable[Failure]) -> None:
    """Writes `failures.csv` (columns id, path, reason); with no failure it holds the header alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "path", "reason"])
    writer.writerows([failure.id, failure.path, failure.reason] for failure in failures)
    write_atomically(folder / NAME, text.getvalue())


def read_failures(folder: Path) -> list[Failure]:
    """Reads what `write_failures` wrote."""
    with (folder / NAME).open(encoding="utf-8", newline="") as file:
        return [Failure(row["id"], row["path"], row["reason"]) for row in csv.DictReader(file)]
