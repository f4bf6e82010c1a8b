"""The list of images that a prediction gives with a word of warning, each with its reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from retseg.stages.listing import read_list, write_list

NAME = "flagged.csv"


@dataclass(frozen=True, slots=True)
class Flag:
    """One image that looks like no fundus photograph: its id, its file, how sure that is, and why in words."""

    id: str
    file: str
    verdict: str
    reason: str


def write_flagged(folder: Path, flags: Iterable[Flag]) -> None:
    """Writes `flagged.csv` (columns id, file, verdict, reason); with no flag it holds the header alone."""
    write_list(folder / NAME, Flag, flags)


def read_flagged(folder: Path) -> list[Flag]:
    """Reads what `write_flagged` wrote; of a folder without the list no image is flagged."""
    path = folder / NAME
    return read_list(path, Flag) if path.is_file() else []


def counted(flags: Iterable[Flag]) -> dict[str, int]:
    """How many images have each verdict."""
    return dict(Counter(flag.verdict for flag in flags))
