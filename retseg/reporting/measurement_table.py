"""The measurements of one visit: a table with a column for each photograph, and sentences that sum it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retseg.reporting.catalogue import Language
from retseg.reporting.measured_files import Definition, Measured, MeasuredFolder, Range
from retseg.reporting.measurement_words import (
    PLACES,
    SIGNS,
    Place,
    place,
    said,
    said_range,
    shared_decimals,
    shown_unit,
    with_unit,
)
from retseg.reporting.patient_groups import EyeRecord
from retseg.reporting.patient_views import CellView, MeasurementGroup, MeasurementView, QualityView
from retseg.reporting.range_strip import range_strip

_MOST_NAMES = 6
"""So many measurements are named in a sentence; the table has all of them."""

_NOTHING = CellView("", "", "none", "", "", "", "")


def measurement_groups(
    eyes: Sequence[EyeRecord], headings: Sequence[str], data: MeasuredFolder, language: Language
) -> tuple[MeasurementGroup, ...]:
    """The rows in the order of the definitions, under the headings of their groups.

    A measurement that no photograph of the visit has an entry for is left out; a blank value with its reason stays.
    """
    rows: dict[str, list[MeasurementView]] = {}
    for definition in data.definitions:
        values = [eye.measured.measurements.get(definition.name) for eye in eyes]
        if any(value is not None for value in values):
            row = _row(definition, values, headings, data, language)
            rows.setdefault(definition.group, []).append(row)
    return tuple(MeasurementGroup(language.say(name) if name else "", tuple(group)) for name, group in rows.items())


def eye_summary(eye: EyeRecord, quality: QualityView, data: MeasuredFolder, language: Language) -> tuple[str, ...]:
    """What a reader in a hurry wants to know about one photograph."""
    measured = eye.measured
    sentences = [language.say("Image quality: {grade}.", grade=quality.words)]
    if not measured.measurements:
        return (*sentences, language.say("Nothing was measured."))
    outside: dict[Place, list[str]] = {"above": [], "below": []}
    compared = blank = 0
    for definition in data.definitions:
        value = measured.measurements.get(definition.name)
        if value is None:
            continue
        where, _ = place(value, data.ranges.get(definition.name))
        compared += where != "none"
        blank += value.value is None
        if where in outside:
            outside[where].append(language.say(definition.title))
    sentences += _said_outside(outside, compared, language)
    if data.field_mm is not None and not compared:
        sentences.append(_said_why_not(measured.field_mm, data.field_mm, language))
    if blank:
        sentences.append(language.say("Without a value: {count} (reasons in the table).", count=str(blank)))
    return tuple(sentences)


def _said_outside(outside: Mapping[Place, Sequence[str]], compared: int, language: Language) -> list[str]:
    """Which measurements lie above and below their ranges, and how many within."""
    sentences = []
    if outside["above"]:
        sentences.append(language.say("Above the reference range: {names}.", names=_some(outside["above"], language)))
    if outside["below"]:
        sentences.append(language.say("Below the reference range: {names}.", names=_some(outside["below"], language)))
    within = str(compared - sum(map(len, outside.values())))
    if compared:
        sentences.append(language.say("Within the reference range: {count} of {all}.", count=within, all=str(compared)))
    return sentences


def _said_why_not(field: float | None, limits: tuple[float, float], language: Language) -> str:
    """Why a photograph is not held against the reference ranges, whose fields of view are within `limits`, in mm."""
    low, high = (language.number(limit, 1) for limit in limits)
    if field is None:
        return language.say("Not compared with the reference ranges: nobody knows how wide its field of view is.")
    return language.say(
        "Not compared with the reference ranges: its field of view is {field} mm wide, theirs are {low} to {high} mm.",
        field=language.number(field, 1),
        low=low,
        high=high,
    )


def _some(titles: Sequence[str], language: Language) -> str:
    names = "; ".join(titles[:_MOST_NAMES])
    rest = len(titles) - _MOST_NAMES
    return language.say("{names} and {count} more", names=names, count=str(rest)) if rest > 0 else names


def _row(
    definition: Definition,
    values: Sequence[Measured | None],
    headings: Sequence[str],
    data: MeasuredFolder,
    language: Language,
) -> MeasurementView:
    reference = data.ranges.get(definition.name)
    digits = shared_decimals(values, reference)
    cells = tuple(_cell(value, reference, digits, language) for value in values)
    told = _told_range(reference, values, digits, language)
    reasons = {cell.reason for cell in cells}
    shared = cells[0].reason if len(reasons) == 1 and not any(cell.value for cell in cells) else ""
    units = {value.unit for value in values if value is not None and value.value is not None}
    compared = [value if value is not None and value.comparable else None for value in values]
    return MeasurementView(
        name=definition.name,
        title=language.say(definition.title),
        unit=shown_unit(next(iter(units), definition.unit)),
        explanation=language.say(definition.explanation) if definition.explanation else "",
        cells=cells,
        reference=told,
        strip=range_strip(compared, reference, _strip_words(cells, headings, told, language)),
        reason=shared,
    )


def _told_range(
    reference: Range | None, values: Sequence[Measured | None], digits: Mapping[str, int], language: Language
) -> str:
    """The range in words; empty where all values are in another unit, since nobody could compare them."""
    units = {value.unit for value in values if value is not None and value.value is not None}
    if reference is None or (units and reference.unit not in units):
        return ""
    return said_range(reference, digits[reference.unit], language)


def _cell(value: Measured | None, reference: Range | None, digits: Mapping[str, int], language: Language) -> CellView:
    if value is None:
        return _NOTHING
    text = said(value, language, digits.get(value.unit))
    if text is None:
        return CellView("", "", "none", "", "", "", said_reason(value, language))
    where, reaching = place(value, reference)
    words = language.say(PLACES[where]) if PLACES[where] else ""
    reaches = language.say("the interval reaches into it") if reaching else ""
    return CellView(with_unit(text.value, text.unit), text.interval, where, words, reaches, SIGNS[where], "")


def said_reason(value: Measured, language: Language) -> str:
    """Why there is no value."""
    if value.reason is None:
        return language.say("not measured")
    return language.say("not measured: {reason}", reason=language.message(value.reason))


def _strip_words(cells: Sequence[CellView], headings: Sequence[str], reference: str, language: Language) -> str:
    told = [
        language.say("{eye}: {value}, {place}", eye=heading, value=cell.value, place=cell.place_words or "\N{EN DASH}")
        for heading, cell in zip(headings, cells, strict=True)
        if cell.value
    ]
    return "; ".join([*told, language.say("reference range {range}", range=reference)])
