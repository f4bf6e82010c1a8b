"""Lists of images beside a stage's results: one line each, its columns the fields of a small record of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from retseg.core.paths import write_atomically

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Entry = TypeVar("Entry", bound="DataclassInstance")


def write_list(path: Path, kind: type[Entry], entries: Iterable[Entry]) -> None:
    """Writes the entries as CSV; without any it holds the header alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([item.name for item in fields(kind)])
    writer.writerows(map(astuple, entries))
    write_atomically(path, text.getvalue())


def read_list(path: Path, kind: type[Entry]) -> list[Entry]:
    """Reads what `write_list` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [kind(**{item.name: row[item.name] for item in fields(kind)}) for row in csv.DictReader(file)]
