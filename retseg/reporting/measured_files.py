"""What the stage `measure` wrote: definitions, each photograph's measurements and quality, reference ranges, model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.core.messages import Message
from retseg.reporting.numbers import mapping_in, number_in

MEASURE = "measure"
GRADES = ("good", "usable", "reject")


@dataclass(frozen=True, slots=True)
class Definition:
    """One measurement as it is explained to readers; all texts are English patterns. `group` heads its table."""

    name: str
    title: str
    explanation: str = ""
    definition: str = ""
    unit: str = ""
    citation: str = ""
    validity: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its interval, or None and the reason why there is none.

    `comparable` says whether it may be held against reference ranges: only if the photograph shows as much of the
    retina as those of the ranges.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    reason: Message | None = None
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class Range:
    """A reference range in `unit`, from `n` eyes."""

    low: float
    high: float
    n: int | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Landmark:
    """The disc or the fovea, in pixels of the photograph; the fovea has no radius."""

    row: float
    column: float
    radius: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """`grade` is one of GRADES, or empty where nothing was graded."""

    grade: str = ""
    reasons: tuple[Message, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeasuredPhotograph:
    """One photograph as it was measured; `size` is (height, width) in pixels."""

    id: str
    image: str
    size: tuple[int, int] | None
    um_per_pixel: float | None
    scale: Message | None
    disc: Landmark | None
    fovea: Landmark | None
    quality: Quality
    measurements: Mapping[str, Measured]
    field_mm: float | None = None


@dataclass(frozen=True, slots=True)
class MeasuredFolder:
    """A whole folder of predictions with their measurements. `model` holds facts by name, as text.

    `field_mm` are the least and the greatest width of a field of view that can be compared with the `ranges`.
    """

    folder: Path
    definitions: tuple[Definition, ...]
    photographs: tuple[MeasuredPhotograph, ...]
    ranges: Mapping[str, Range]
    about_ranges: Message | None
    model: Mapping[str, str]
    field_mm: tuple[float, float] | None = None


def read_measured(folder: Path) -> MeasuredFolder:
    """Reads the folder; a file that is damaged is named in the error."""
    measure = folder / MEASURE
    files = sorted((measure / "photographs").rglob("*.json"))
    if not files:
        raise InputError("there are no measurements here", where=folder, fix="Make them with `retseg report PHOTOS`")
    reference = _object(measure / "reference.json", needed=False)
    about = reference.get("about")
    field = _range(reference.get("field_mm"))
    limits = None if field is None else (field.low, field.high)
    return MeasuredFolder(
        folder=folder,
        definitions=_definitions(measure / "definitions.json"),
        photographs=tuple(_photograph(path, measure / "photographs", limits) for path in files),
        ranges={str(name): one for name, data in mapping_in(reference.get("ranges")).items() if (one := _range(data))},
        about_ranges=_message(about),
        field_mm=limits,
        model={str(k): _said(v) for k, v in _object(measure / "model.json", needed=False).items() if v is not None},
    )


def _json(path: Path, needed: bool) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not needed:
            return None
        raise InputError(
            "a file of the measurements is missing", where=path, fix="Run `retseg report` again with --force"
        ) from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"the file is damaged ({reason})", where=path, fix="Run `retseg report` again with --force"
        ) from None


def _object(path: Path, needed: bool = True) -> Mapping[str, Any]:
    return mapping_in(_json(path, needed))


def _definitions(path: Path) -> tuple[Definition, ...]:
    data = _json(path, needed=True)
    if not isinstance(data, list):
        raise InputError("the definitions must be a list", where=path, fix="Run `retseg report` again with --force")
    keys = Definition.__dataclass_fields__
    rows = [{key: _said(row[key]) for key in keys if row.get(key) is not None} for row in map(mapping_in, data)]
    return tuple(Definition(**{"title": row["name"], **row}) for row in rows if row.get("name"))


def _photograph(path: Path, root: Path, limits: tuple[float, float] | None) -> MeasuredPhotograph:
    data = _object(path)
    field = number_in(data.get("field_mm"))
    comparable = limits is None or (field is not None and limits[0] <= field <= limits[1])
    # The id is where the file lies and not what it says inside: nothing in it can lead to another folder.
    identifier = path.relative_to(root).with_suffix("").as_posix()
    size = data.get("size")
    whole = [n for n in size if isinstance(n, int) and n > 0] if isinstance(size, list) else []
    return MeasuredPhotograph(
        id=identifier,
        image=_said(data.get("image") or ""),
        size=(whole[0], whole[1]) if len(whole) == 2 else None,
        um_per_pixel=number_in(data.get("um_per_pixel")),
        scale=_message(data.get("scale")),
        field_mm=field,
        disc=_landmark(data.get("disc")),
        fovea=_landmark(data.get("fovea")),
        quality=_quality(mapping_in(data.get("quality"))),
        measurements={
            str(k): _measured(mapping_in(v), comparable) for k, v in mapping_in(data.get("measurements")).items()
        },
    )


def _quality(data: Mapping[str, Any]) -> Quality:
    grade, reasons = data.get("grade"), data.get("reasons")
    measures = {
        str(k): number for k, v in mapping_in(data.get("measures")).items() if (number := number_in(v)) is not None
    }
    return Quality(
        grade=str(grade) if grade in GRADES else "",
        reasons=tuple(one for item in reasons if (one := _message(item))) if isinstance(reasons, Sequence) else (),
        measures=measures,
    )


def _measured(data: Mapping[str, Any], comparable: bool) -> Measured:
    value, low, high = (number_in(data.get(key)) for key in ("value", "low", "high"))
    whole_interval = value is not None and low is not None and high is not None and low <= high
    return Measured(
        value=value,
        low=low if whole_interval else None,
        high=high if whole_interval else None,
        unit=_said(data.get("unit") or ""),
        reason=_message(data.get("reason")),
        comparable=comparable,
    )


def _landmark(data: Any) -> Landmark | None:
    fields = mapping_in(data)
    row, column = number_in(fields.get("row")), number_in(fields.get("column"))
    if row is None or column is None:
        return None
    return Landmark(row, column, number_in(fields.get("radius")), number_in(fields.get("confidence")))


def _range(data: Any) -> Range | None:
    fields = mapping_in(data)
    low, high, n = (number_in(fields.get(key)) for key in ("low", "high", "n"))
    if low is None or high is None or low > high:
        return None
    return Range(low, high, None if n is None else int(n), _said(fields.get("unit") or ""))


def _message(data: Any) -> Message | None:
    if isinstance(data, str) and data:
        return Message(data.replace("{", "{{").replace("}", "}}"))
    fields = mapping_in(data)
    if not fields.get("pattern"):
        return None
    return Message.from_json({"pattern": fields["pattern"], "values": mapping_in(fields.get("values"))})


def _said(value: Any) -> str:
    if isinstance(value, Mapping) and "pattern" in value:
        message = _message(value)
        return "" if message is None else str(message)
    if isinstance(value, list):
        return "; ".join(map(_said, value))
    return str(value)
