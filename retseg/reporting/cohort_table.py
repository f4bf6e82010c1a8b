"""The rows of the cohort's table, one for each photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retseg.reporting.catalogue import Language
from retseg.reporting.cohort_views import CohortCell, CohortColumn, CohortRow
from retseg.reporting.distributions import common_unit, value_in
from retseg.reporting.eye_view import eye_heading, quality_view
from retseg.reporting.measured_files import Definition, Measured, MeasuredFolder
from retseg.reporting.measurement_table import said_reason
from retseg.reporting.measurement_words import SIGNS, place, said, shared_decimals, shown_unit
from retseg.reporting.patient_groups import EyeRecord, Patient, Visit
from retseg.reporting.patient_page import page_name, row_id, said_age, said_date

MOST_COLUMNS = 7
THUMBNAILS = "thumbs"


def main_definitions(data: MeasuredFolder) -> tuple[Definition, ...]:
    """What the table shows: the first measurement of each group that has values, then more until it is full."""
    measured = [d for d in data.definitions if common_unit(d.name, data.photographs) is not None]
    groups: dict[str, Definition] = {}
    for definition in measured:
        groups.setdefault(definition.group, definition)
    first = list(groups.values())[:MOST_COLUMNS]
    rest = [definition for definition in measured if definition not in first]
    chosen = [*first, *rest[: MOST_COLUMNS - len(first)]]
    return tuple(definition for definition in measured if definition in chosen)


def table_columns(
    definitions: Sequence[Definition], data: MeasuredFolder, language: Language
) -> tuple[CohortColumn, ...]:
    """The headings of the measurements' columns."""
    units = [common_unit(one.name, data.photographs) or one.unit for one in definitions]
    return tuple(
        CohortColumn(language.say(one.title), shown_unit(unit)) for one, unit in zip(definitions, units, strict=True)
    )


def thumbnail_name(patient: Patient, number: int) -> str:
    """The file of a patient's photograph, by its number on the page, below the report's folder."""
    return f"{THUMBNAILS}/{patient.code}-{number}.jpg"


def cohort_rows(
    patients: Sequence[Patient],
    charts: Sequence[Definition],
    columns: Sequence[Definition],
    thumbnails: Mapping[str, tuple[int, int]],
    data: MeasuredFolder,
    language: Language,
    anonymous: bool,
) -> tuple[CohortRow, ...]:
    """One row for each photograph, patient by patient.

    Args:
        patients: Everybody.
        charts: The measurements that have a chart, in its order.
        columns: The measurements that have a column.
        thumbnails: (width, height) of each thumbnail by its name.
        data: The measurements.
        language: The reader's language.
        anonymous: Whether nobody is to be recognised.
    """
    units = {one.name: common_unit(one.name, data.photographs) or "" for one in (*charts, *columns)}
    digits = {one.name: _digits(one, data) for one in columns}
    rows = []
    for patient in patients:
        number = 0
        for visit in patient.visits:
            for eye in visit.eyes:
                number += 1
                cells = tuple(_cell(one, eye, units[one.name], digits[one.name], data, language) for one in columns)
                values = ",".join(_plain(value_in(one.name, units[one.name], eye.measured)) for one in charts)
                thumbnail = number, thumbnails.get(thumbnail_name(patient, number))
                rows.append(_row(patient, visit, eye, data, language, anonymous, cells, values, thumbnail))
    return tuple(rows)


def _row(
    patient: Patient,
    visit: Visit,
    eye: EyeRecord,
    data: MeasuredFolder,
    language: Language,
    anonymous: bool,
    cells: tuple[CohortCell, ...],
    values: str,
    thumbnail: tuple[int, tuple[int, int] | None],
) -> CohortRow:
    number, size = thumbnail
    quality = quality_view(eye.measured.quality, language)
    return CohortRow(
        id=row_id(patient, number),
        page=page_name(patient),
        thumbnail=thumbnail_name(patient, number) if size else "",
        thumbnail_size=size or (0, 0),
        title=patient.title,
        identifier="" if patient.identifier == patient.title else patient.identifier,
        eye=eye_heading(eye.facts, language),
        eye_key=eye.facts.eye or "unknown",
        date=said_date(visit, language, anonymous),
        date_key="" if visit.date is None else visit.date.isoformat(),
        age="" if patient.age is None else said_age(patient.age, anonymous, language),
        grade=quality.grade,
        grade_words=quality.words,
        reasons=" ".join(quality.reasons),
        outside=_outside(eye, data),
        cells=cells,
        values=values,
    )


def _outside(eye: EyeRecord, data: MeasuredFolder) -> int | None:
    places = [place(one, data.ranges.get(name))[0] for name, one in eye.measured.measurements.items()]
    compared = [where for where in places if where != "none"]
    return sum(where != "within" for where in compared) if compared else None


def _cell(
    definition: Definition,
    eye: EyeRecord,
    unit: str,
    digits: Mapping[str, int],
    data: MeasuredFolder,
    language: Language,
) -> CohortCell:
    one = eye.measured.measurements.get(definition.name)
    if one is None:
        return CohortCell("", "")
    text = said(one, language, digits.get(one.unit))
    if text is None:
        return CohortCell("", "", reason=said_reason(one, language))
    where, _ = place(one, data.ranges.get(definition.name))
    # A column has one unit; whoever has another says so and is not sorted among the rest.
    foreign = one.unit != unit
    shown = f"{text.value} {text.unit}" if foreign else text.value
    return CohortCell(shown, "" if foreign else _plain(one.value), SIGNS[where])


def _digits(definition: Definition, data: MeasuredFolder) -> dict[str, int]:
    values: list[Measured | None] = [one.measurements.get(definition.name) for one in data.photographs]
    return shared_decimals(values, data.ranges.get(definition.name))


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
