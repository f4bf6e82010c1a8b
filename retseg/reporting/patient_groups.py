"""Photographs sorted into patients and visits, under their own names or under codes."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retseg.core.messages import Message
from retseg.reporting.identity import anonymous_code, file_codes, without_identity, without_names
from retseg.reporting.measured_files import MeasuredPhotograph
from retseg.reporting.patients import PatientFacts, PatientTable

_ORDER = {"right": 0, "left": 1, None: 2}


@dataclass(frozen=True, slots=True)
class EyeRecord:
    """One photograph and what is known about whose it is. `shown_id` is what a page calls it."""

    measured: MeasuredPhotograph
    facts: PatientFacts
    shown_id: str


_Dated = tuple[datetime.date | None, EyeRecord]
"""A photograph with its true day, which sorts it into a visit even where a page shows the year only."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The photographs of one day, right eyes first as they stand before the reader."""

    date: datetime.date | None
    eyes: tuple[EyeRecord, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient: the name of the page's file, what the page calls them, and their visits, the latest first.

    `identifier` and `name` are as patients.csv has them, or the code and None where nobody is to be recognised.
    """

    code: str
    identifier: str
    name: str | None
    sex: str | None
    age: float | None
    visits: tuple[Visit, ...]

    @property
    def title(self) -> str:
        """What heads the page."""
        return self.name or self.identifier


def group_patients(
    photographs: Sequence[MeasuredPhotograph], table: PatientTable, key: bytes | None = None
) -> tuple[Patient, ...]:
    """The patients of these photographs, in the order of their titles; a photograph of nobody known is its own patient.

    With a `key` everybody is called by a code made with it, and no name, day of birth or file name is kept.
    """
    groups: dict[str, list[_Dated]] = {}
    for measured in photographs:
        facts = table.find(measured.id, measured.image) or PatientFacts(image=measured.image)
        who = facts.patient or facts.name or measured.id
        record = EyeRecord(measured, facts, measured.id)
        shown = record if key is None else _anonymous(record, who, key)
        groups.setdefault(who, []).append((facts.date, shown))
    codes = file_codes(groups) if key is None else {who: anonymous_code(who, key) for who in groups}
    patients = [_patient(who if key is None else codes[who], codes[who], eyes) for who, eyes in groups.items()]
    return tuple(sorted(patients, key=lambda patient: (patient.title.casefold(), patient.code)))


def _patient(identifier: str, code: str, eyes: Sequence[_Dated]) -> Patient:
    by_date: dict[datetime.date | None, list[EyeRecord]] = {}
    for day, eye in eyes:
        by_date.setdefault(day, []).append(eye)
    latest = sorted(by_date, key=lambda day: day or datetime.date.min, reverse=True)
    newest_first = [eye.facts for day in latest for eye in by_date[day]]
    return Patient(
        code=code,
        identifier=identifier,
        name=next((facts.name for facts in newest_first if facts.name), None),
        sex=next((facts.sex for facts in newest_first if facts.sex), None),
        age=next((facts.age for facts in newest_first if facts.age is not None), None),
        visits=tuple(Visit(by_date[day][0].facts.date, tuple(sorted(by_date[day], key=_place))) for day in latest),
    )


def _place(eye: EyeRecord) -> tuple[int, str]:
    return _ORDER[eye.facts.eye], eye.shown_id


def _anonymous(record: EyeRecord, who: str, key: bytes) -> EyeRecord:
    """The record under codes. Messages may quote a file's name, so identifiers are replaced in them, too."""
    measured, facts = record.measured, record.facts
    patient, image = anonymous_code(who, key), anonymous_code(measured.id, key, "F")
    file = Path(measured.image)
    codes = {name: image for name in (measured.id, measured.image, file.name, file.stem, facts.image) if name}
    codes |= {name: patient for name in (facts.patient, facts.name) if name}
    return EyeRecord(_told_without(measured, codes), without_identity(facts, patient, image), image)


def _told_without(measured: MeasuredPhotograph, codes: Mapping[str, str]) -> MeasuredPhotograph:
    def clean(message: Message | None) -> Message | None:
        return None if message is None else without_names(message, codes)

    reasons = tuple(without_names(reason, codes) for reason in measured.quality.reasons)
    return replace(
        measured,
        scale=clean(measured.scale),
        quality=replace(measured.quality, reasons=reasons),
        measurements={name: replace(one, reason=clean(one.reason)) for name, one in measured.measurements.items()},
    )
