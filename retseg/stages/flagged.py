"""The list of images that a prediction gives with a word of warning, each with its reasons."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from retseg.core.paths import write_atomically

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
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "file", "verdict", "reason"])
    writer.writerows([flag.id, flag.file, flag.verdict, flag.reason] for flag in flags)
    write_atomically(folder / NAME, text.getvalue())


def read_flagged(folder: Path) -> list[Flag]:
    """Reads what `write_flagged` wrote; of a folder without the list no image is flagged."""
    if not (folder / NAME).is_file():
        return []
    with (folder / NAME).open(encoding="utf-8", newline="") as file:
        return [Flag(row["id"], row["file"], row["verdict"], row["reason"]) for row in csv.DictReader(file)]


def counted(flags: Iterable[Flag]) -> dict[str, int]:
    """How many images have each verdict."""
    return dict(Counter(flag.verdict for flag in flags))
