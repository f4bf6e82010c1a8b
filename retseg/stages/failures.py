"""The list of images that a stage left out, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from retseg.stages.listing import read_list, write_list

NAME = "failures.csv"


@dataclass(frozen=True, slots=True)
class Failure:
    """One image that could not be used: its id, its file, and the reason in words."""

    id: str
    path: str
    reason: str


def write_failures(folder: Path, failures: Iterable[Failure]) -> None:
    """Writes `failures.csv` (columns id, path, reason); with no failure it holds the header alone."""
    write_list(folder / NAME, Failure, failures)


def read_failures(folder: Path) -> list[Failure]:
    """Reads what `write_failures` wrote."""
    return read_list(folder / NAME, Failure)
