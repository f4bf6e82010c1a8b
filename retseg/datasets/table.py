"""A table (CSV) of photographs and the files that belong to them."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retseg.core.errors import InputError
from retseg.core.types import Sample
from retseg.datasets.findings import Finding
from retseg.datasets.ids import photograph_ids
from retseg.datasets.pairing import FOLDERS, FOV, LABEL, SECOND_LABEL
from retseg.datasets.splits import SPLITS, TEST, VALIDATION

COLUMNS = ("image", LABEL, SECOND_LABEL, FOV, "patient", "eye", "split", "um_per_pixel")
_EYES = {"l": "L", "left": "L", "os": "L", "r": "R", "right": "R", "od": "R"}
_SPLITS = {split: split for split in SPLITS} | {"val": VALIDATION}
_CORRECT = "Correct the table"


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table by column name, with the line each stands on. Every row has all of `COLUMNS`."""

    path: Path
    rows: list[tuple[int, dict[str, str]]]
    has_splits: bool


@dataclass(slots=True)
class TableSamples:
    """What a table says: samples (split "test" where it says nothing about splits), and what is wrong with it."""

    samples: list[Sample] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_table(path: Path) -> Table:
    """Reads a CSV whose first line names the columns; commas, semicolons and tabs separate equally well."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("table not found", where=path, fix="Check dataset.csv") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the table cannot be read ({error})", where=path, fix="Save it as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(path, header)
        rows = [(reader.line_num, _row(path, reader.line_num, header, cells)) for cells in reader if any(cells)]
    except csv.Error as error:
        raise InputError(f"the table cannot be read ({error})", where=path, fix="Save it again as CSV") from None
    return Table(path, rows, "split" in header)


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if any(cell.strip() for cell in cells[len(header) :]):
        fix = "Put names that hold the separator in double quotes"
        raise InputError(f"line {line} has {len(cells)} cells for {len(header)} columns", where=path, fix=fix)
    return dict.fromkeys(COLUMNS, "") | dict(zip(header, map(str.strip, cells), strict=False))


def _check_header(path: Path, header: list[str]) -> None:
    if "image" not in header:
        found = ", ".join(header) or "nothing"
        raise InputError(f"the table has no column 'image' (it has {found})", where=path, fix=_columns_fix())
    for name in header:
        # Columns of other people's own are welcome; one that means ours would silently lose labels or patients.
        meant = (
            [] if name in COLUMNS else [role for role, names in FOLDERS.items() if name in names and role in COLUMNS]
        )
        meant += [] if name in COLUMNS else difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.8)
        if meant:
            raise InputError(f"the table has an unknown column '{name}'", where=path, fix=f"Name it {meant[0]}")
        if header.count(name) > 1 and name in COLUMNS:
            raise InputError(f"the table has the column '{name}' twice", where=path, fix="Remove one of the two")


def _columns_fix() -> str:
    return f"Name the columns in the first line: {', '.join(COLUMNS)} (any but image may be missing)"


def table_samples(table: Table, root: Path) -> TableSamples:
    """The samples of a table. Paths are relative to the table's folder or to `root`."""
    result = TableSamples()
    places = {line: _find_files(table, root, line, row, result.findings) for line, row in table.rows}
    images = [files["image"] for files in places.values() if "image" in files]
    ids = photograph_ids(root, images)
    seen: set[Path] = set()
    for line, row in table.rows:
        files = places[line]
        if (image := files.get("image")) is None:
            continue
        if image in seen:
            result.findings.append(_wrong(table, line, f"{image.name} stands in the table twice"))
            continue
        seen.add(image)
        result.samples.append(_sample(table, line, row, files, ids[image], result.findings))
    return result


def _find_files(
    table: Table, root: Path, line: int, row: Mapping[str, str], findings: list[Finding]
) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for column in ("image", LABEL, SECOND_LABEL, FOV):
        name = row[column]
        if not name:
            if column == "image":
                findings.append(_wrong(table, line, "no image is named"))
            continue
        candidates = [folder / name.replace("\\", "/") for folder in (table.path.parent, root)]
        found = next((path for path in candidates if path.is_file()), None)
        if found is None:
            what = f"{column} missing (named in line {line} of {table.path.name})"
            findings.append(
                Finding("error", candidates[0], what, "Copy the file there, or correct the table", blocks=True)
            )
        else:
            files[column] = found
    return files


def _sample(
    table: Table, line: int, row: Mapping[str, str], files: Mapping[str, Path], name: str, findings: list[Finding]
) -> Sample:
    labels = {role: files[role] for role in (LABEL, SECOND_LABEL) if role in files}
    if LABEL not in labels and labels:
        findings.append(_wrong(table, line, "there is a label2 but no label"))
    split = _SPLITS.get(row["split"].lower() or TEST)
    if split is None:
        findings.append(_wrong(table, line, f"split is '{row['split']}', none of {', '.join(_SPLITS)}"))
    return Sample(
        id=name,
        patient=row["patient"] or name,
        image=files["image"],
        split=split or TEST,
        eye=_EYES.get(row["eye"].lower(), row["eye"] or None),
        labels=labels,
        fov=files.get(FOV),
        um_per_pixel=_scale(table, line, row["um_per_pixel"], findings),
    )


def _scale(table: Table, line: int, text: str, findings: list[Finding]) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        findings.append(_wrong(table, line, f"um_per_pixel is '{text}', not a positive number"))
        return None
    return value


def _wrong(table: Table, line: int, what: str) -> Finding:
    return Finding("error", table.path, f"line {line}: {what}", _CORRECT, blocks=True)
