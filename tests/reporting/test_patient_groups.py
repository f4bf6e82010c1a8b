from __future__ import annotations

import datetime

from retseg.core.messages import Message
from retseg.reporting.measured_files import Measured, MeasuredPhotograph, Quality
from retseg.reporting.patient_groups import group_patients
from retseg.reporting.patients import PatientFacts, PatientTable


def photograph(identifier: str, reason: Message | None = None) -> MeasuredPhotograph:
    values = {"crae": Measured(None, reason=reason)} if reason else {}
    image = f"/photos/{identifier}.png"
    return MeasuredPhotograph(identifier, image, (8, 8), None, reason, None, None, Quality("good"), values)


MAY, JUNE = datetime.date(2026, 5, 12), datetime.date(2026, 6, 2)
TABLE = PatientTable.of(
    [
        PatientFacts("a", "1001", "Anna Muster", "left", MAY, "female", 63),
        PatientFacts("b", "1001", "Anna Muster", "right", MAY),
        PatientFacts("c", "1001", None, "left", JUNE, None, 64),
        PatientFacts("d", None, "Zoe"),
    ]
)
EVERYBODY = [photograph(name) for name in "abcde"]


def test_photographs_are_sorted_into_patients_and_visits_right_eye_first() -> None:
    anna, lonely, zoe = group_patients(EVERYBODY, TABLE)
    assert (anna.title, anna.identifier, anna.code, anna.sex, anna.age) == ("Anna Muster", "1001", "1001", "female", 64)
    assert [visit.date for visit in anna.visits] == [JUNE, MAY]
    assert [eye.shown_id for eye in anna.visits[1].eyes] == ["b", "a"]
    assert (lonely.title, lonely.name) == ("e", None)
    assert (zoe.title, zoe.code) == ("Zoe", "Zoe")


def test_nobody_known_is_a_patient_each() -> None:
    assert [patient.title for patient in group_patients(EVERYBODY, PatientTable())] == list("abcde")


def test_under_codes_nothing_is_left_that_tells_who_it_is() -> None:
    secret = Message("from {file}", {"file": "/photos/a-anna.png of 1001"})
    everybody = [photograph("a-anna", secret), photograph("b")]
    table = PatientTable.of([PatientFacts("a-anna", "1001", "Anna Muster", "left", MAY), PatientFacts("b", "1001")])
    (patient,) = group_patients(everybody, table, b"key")
    said = repr([patient.title, patient.code, patient.identifier, patient.name])
    for visit in patient.visits:
        for eye in visit.eyes:
            assert eye.measured.scale is None or "anna" not in str(eye.measured.scale)
            said += repr((eye.shown_id, eye.facts, visit.date, list(map(str, eye.measured.quality.reasons))))
            said += "".join(str(one.reason) for one in eye.measured.measurements.values())
    for secret_text in ("Anna", "anna", "1001", "05"):
        assert secret_text not in said.replace(patient.code, "").replace("F-", ""), secret_text


def test_visits_of_one_year_stay_apart_under_codes() -> None:
    anna = next(one for one in group_patients(EVERYBODY, TABLE, b"key") if len(one.visits) == 2)
    assert [visit.date for visit in anna.visits] == [datetime.date(2026, 1, 1)] * 2
    assert [len(visit.eyes) for visit in anna.visits] == [1, 2]
