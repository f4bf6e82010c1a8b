"""The measurements of one visit: a table with a column for each photograph, and sentences that sum it up."""

from __future__ import annotations

from collections.abc import Sequence

from retseg.reporting.catalogue import Language
from retseg.reporting.measured_files import Definition, Measured, MeasuredFolder
from retseg.reporting.measurement_words import SIGNS, place, said, said_place, said_range, shown_unit, with_unit
from retseg.reporting.patient_groups import EyeRecord
from retseg.reporting.patient_views import CellView, MeasurementGroup, MeasurementView, QualityView
from retseg.reporting.range_strip import range_strip

_NOTHING = CellView("", "", "none", "", "", "")


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
    sentences = [_said_quality(quality, language)]
    if not measured.measurements:
        return (*sentences, language.say("Nothing was measured."))
    outside, compared, blank = [], 0, 0
    for definition in data.definitions:
        value = measured.measurements.get(definition.name)
        if value is None:
            continue
        where, reaching = place(value, data.ranges.get(definition.name))
        compared += where != "none"
        blank += value.value is None
        if where in ("below", "above"):
            title, words = language.say(definition.title), said_place(where, False, language)
            outside.append(f"{title} ({words})" if not reaching else f"{title} ({words}, \N{PLUS-MINUS SIGN})")
    if compared:
        sentences.append(_said_outside(outside, compared, language))
    if blank:
        sentences.append(language.say("Without a value, for the reasons in the table: {count}.", count=str(blank)))
    return tuple(sentences)


def _said_outside(outside: Sequence[str], compared: int, language: Language) -> str:
    if not outside:
        return language.say("All {count} measurements that have a reference range lie within it.", count=str(compared))
    counts = {"count": str(len(outside)), "all": str(compared)}
    names = "; ".join(outside)
    return language.say("Outside the reference range, {count} of {all}: {names}.", names=names, **counts)


def _said_quality(quality: QualityView, language: Language) -> str:
    if not quality.reasons:
        return language.say("Image quality: {grade}.", grade=quality.words)
    reasons = "; ".join(reason.rstrip(".") for reason in quality.reasons)
    return language.say("Image quality: {grade} ({reasons}).", grade=quality.words, reasons=reasons)


def _row(
    definition: Definition,
    values: Sequence[Measured | None],
    headings: Sequence[str],
    data: MeasuredFolder,
    language: Language,
) -> MeasurementView:
    reference = data.ranges.get(definition.name)
    cells = tuple(_cell(value, definition.name, data, language) for value in values)
    told = said_range(reference, language) if reference is not None else ""
    reasons = {cell.reason for cell in cells}
    shared = cells[0].reason if len(reasons) == 1 and not any(cell.value for cell in cells) else ""
    units = {value.unit for value in values if value is not None and value.value is not None}
    return MeasurementView(
        name=definition.name,
        title=language.say(definition.title),
        unit=shown_unit(next(iter(units), definition.unit)),
        explanation=language.say(definition.explanation) if definition.explanation else "",
        cells=cells,
        reference=told,
        strip=range_strip(values, reference, _strip_words(cells, headings, told, language)),
        reason=shared,
    )


def _cell(value: Measured | None, name: str, data: MeasuredFolder, language: Language) -> CellView:
    if value is None:
        return _NOTHING
    text = said(value, language)
    if text is None:
        reason = language.say("not measured") if value.reason is None else language.message(value.reason)
        return CellView("", "", "none", "", "", reason)
    where, reaching = place(value, data.ranges.get(name))
    words = said_place(where, reaching, language)
    return CellView(with_unit(text.value, text.unit), text.interval, where, words, SIGNS[where], "")


def _strip_words(cells: Sequence[CellView], headings: Sequence[str], reference: str, language: Language) -> str:
    told = [
        language.say("{eye}: {value}, {place}", eye=heading, value=cell.value, place=cell.place_words)
        for heading, cell in zip(headings, cells, strict=True)
        if cell.value
    ]
    return "; ".join([*told, language.say("reference range {range}", range=reference)])
