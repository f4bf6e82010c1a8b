"""patients.csv: who is in which photograph, and what is known about them. Every column but `image` may be missing."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal, TypeVar

from retseg.core.errors import InputError, nearest

Eye = Literal["right", "left"]
_Kind = TypeVar("_Kind")

COLUMNS = ("image", "patient", "name", "eye", "date", "sex", "age", "um_per_pixel")
_EYES: Mapping[str, Eye] = {
    **dict.fromkeys(("right", "r", "od", "re", "derecho", "d", "rechts"), "right"),
    **dict.fromkeys(("left", "l", "os", "le", "izquierdo", "oi", "i", "links"), "left"),
}
_SEXES = {
    **dict.fromkeys(("f", "female", "w", "woman", "mujer", "femenino", "weiblich"), "female"),
    **dict.fromkeys(("m", "male", "man", "hombre", "masculino", "männlich"), "male"),
    **dict.fromkeys(("x", "d", "o", "other", "diverse", "divers", "otro"), "other"),
}
_UNKNOWN = frozenset({"", "-", "?", "na", "n/a", "nan", "none", "null", "unknown"})
_OLDEST, _COARSEST = 125.0, 200.0


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """One row of patients.csv; None where nothing is said.

    `age` counts years, `um_per_pixel` micrometres of retina. `sex` is "female", "male" or "other".
    """

    image: str
    patient: str | None = None
    name: str | None = None
    eye: Eye | None = None
    date: datetime.date | None = None
    sex: str | None = None
    age: float | None = None
    um_per_pixel: float | None = None


@dataclass(frozen=True, slots=True)
class PatientTable:
    """The rows of patients.csv, found by a photograph's id, its file name, or that name without its ending."""

    rows: tuple[PatientFacts, ...] = ()
    _by_key: Mapping[str, PatientFacts] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, rows: Iterable[PatientFacts]) -> PatientTable:
        """A table of these rows."""
        every = tuple(rows)
        keys: dict[str, PatientFacts | None] = {}
        for facts in every:
            for key in {_bare(facts.image), _stem(_bare(facts.image))}:
                # A file name that lies in two folders tells nobody apart.
                keys[key] = None if key in keys else facts
        exact = {key: facts for facts in every for key in (_stem(_slashes(facts.image)), _slashes(facts.image))}
        return cls(every, {**{key: facts for key, facts in keys.items() if facts is not None}, **exact})

    def find(self, identifier: str, image: str = "") -> PatientFacts | None:
        """The row about the photograph with this id, or with this file; None where there is none."""
        name = _bare(image)
        for key in (identifier, _slashes(image), name, _stem(name), _bare(identifier)):
            if key and key in self._by_key:
                return self._by_key[key]
        return None


def read_patients(path: Path) -> PatientTable:
    """Reads patients.csv: commas, semicolons or tabs; UTF-8, UTF-16 or the old Western code page."""
    text = _decoded(path)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"the table is damaged ({error})", where=path, fix="Save it again as CSV") from None
    if not lines:
        raise InputError("the table of patients is empty", where=path, fix=f"Give it the columns {', '.join(COLUMNS)}")
    columns = _columns(lines[0][1], path)
    rows, seen = [], dict[str, int]()
    for number, cells in lines[1:]:
        facts = _facts({name: cells[i].strip() if i < len(cells) else "" for name, i in columns.items()}, path, number)
        if facts.image in seen:
            what = f"lines {seen[facts.image]} and {number} are about the same image, {_cut(facts.image)}"
            raise InputError(what, where=path, fix="Keep one of them")
        seen[facts.image] = number
        rows.append(facts)
    return PatientTable.of(rows)


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"the table of patients cannot be read ({reason})", where=path, fix="Check the path") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What spreadsheets of Western Europe write where they do not write UTF-8.
        return data.decode("cp1252", errors="replace")


def _columns(header: list[str], path: Path) -> dict[str, int]:
    """Where each known column stands. Foreign columns are ignored, misspelt ones are not."""
    found: dict[str, int] = {}
    for number, title in enumerate(header):
        name = title.strip().lower().replace(" ", "_")
        if name in found:
            raise InputError(f"the column {name} is there twice", where=path, fix="Remove one of them")
        if name in COLUMNS:
            found[name] = number
            continue
        hint = nearest(name, COLUMNS)
        if hint.startswith("Did you mean") and len(name) > 2:
            raise InputError(f"unknown column '{_cut(title.strip())}'", where=path, fix=hint)
    if "image" not in found:
        raise InputError("the table has no column 'image'", where=path, fix="Add one with the photographs' file names")
    return found


def _facts(row: Mapping[str, str], path: Path, line: int) -> PatientFacts:
    known = {name: "" if text.lower() in _UNKNOWN else text for name, text in row.items()}
    where = f"{path}, line {line}"
    if not known["image"]:
        raise InputError("a row names no image", where=where, fix="Fill in the photograph's file name")
    eye, sex = known.get("eye", ""), known.get("sex", "")
    return PatientFacts(
        image=known["image"],
        patient=known.get("patient") or None,
        name=known.get("name") or None,
        eye=_choice(eye, _EYES, "eye", "right or left", where) if eye else None,
        date=_date(known.get("date", ""), where),
        sex=_choice(sex, _SEXES, "sex", "female, male or other", where) if sex else None,
        age=_number(known.get("age", ""), "age", "years", _OLDEST, where),
        um_per_pixel=_number(known.get("um_per_pixel", ""), "um_per_pixel", "micrometres", _COARSEST, where),
    )


def _choice(text: str, known: Mapping[str, _Kind], column: str, words: str, where: str) -> _Kind:
    if text.lower() not in known:
        raise InputError(f"'{_cut(text)}' is no {column}", where=where, fix=f"Write {words}, or leave it empty")
    return known[text.lower()]


def _number(text: str, column: str, unit: str, most: float, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= most or (column == "um_per_pixel" and value == 0):
        fix = f"Write {unit} as a number up to {most:g}, or leave it empty"
        raise InputError(f"'{_cut(text)}' is no {column}", where=where, fix=fix)
    return value


def _date(text: str, where: str) -> datetime.date | None:
    if not text:
        return None
    try:
        return datetime.datetime.fromisoformat(text).date()
    except ValueError:
        pass
    try:
        # Day before month is how the other languages of the reports write it, and with points it is unambiguous.
        return datetime.datetime.strptime(text, "%d.%m.%Y").date()
    except ValueError:
        fix = "Write year, month and day like 2024-05-31, or leave it empty"
        raise InputError(f"'{_cut(text)}' is no date", where=where, fix=fix) from None


def _slashes(name: str) -> str:
    """A path as this system writes it, whichever wrote it."""
    return PureWindowsPath(name).as_posix()


def _bare(name: str) -> str:
    """The file name without its folders."""
    return PurePosixPath(_slashes(name)).name


def _stem(name: str) -> str:
    """The path without the ending of its file name."""
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if path.name else name


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "\N{HORIZONTAL ELLIPSIS}"
