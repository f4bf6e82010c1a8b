"""The cohort as tables for other programs: cohort.csv with a line for each photograph, cohort.json with everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retseg.core.messages import Message
from retseg.core.paths import write_atomically
from retseg.reporting.measured_files import MeasuredFolder
from retseg.reporting.patient_groups import EyeRecord, Patient, Visit
from retseg.reporting.patient_page import page_name

CSV, JSON = "cohort.csv", "cohort.json"

# What a spreadsheet would take for a formula and run.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_cohort_files(patients: Sequence[Patient], data: MeasuredFolder, out: Path, anonymous: bool) -> None:
    """Writes both files into `out`. Values are in the units of the measurements, blank where they were not trusted."""
    buffer = io.StringIO(newline="")
    names = [one.name for one in data.definitions]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_header(names))
    everything = [(p, visit, eye) for p in patients for visit in p.visits for eye in visit.eyes]
    for patient, visit, eye in everything:
        writer.writerow([_safe(cell) for cell in _line(patient, visit, eye, names, anonymous)])
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    write_atomically(out / CSV, "\N{ZERO WIDTH NO-BREAK SPACE}" + buffer.getvalue())
    write_atomically(out / JSON, json.dumps(_all(patients, data, anonymous), ensure_ascii=False, indent=1) + "\n")


def _header(names: Sequence[str]) -> list[str]:
    facts = ["patient", "name", "page", "photograph", "eye", "date", "sex", "age", "um_per_pixel", "quality", "reasons"]
    values = [f"{name}{ending}" for name in names for ending in ("", "_low", "_high", "_unit")]
    return [*facts, *values, "blank_because"]


def _line(patient: Patient, visit: Visit, eye: EyeRecord, names: Sequence[str], anonymous: bool) -> list[Any]:
    measured = eye.measured
    facts = _facts(patient, visit, eye, anonymous)
    quality = [measured.um_per_pixel, measured.quality.grade, "; ".join(map(str, measured.quality.reasons))]
    values: list[Any] = []
    blank = []
    for name in names:
        one = measured.measurements.get(name)
        values += [None] * 4 if one is None else [one.value, one.low, one.high, one.unit]
        if one is not None and one.value is None:
            blank.append(f"{name}: {_text(one.reason) or 'not measured'}")
    return [*facts.values(), *quality, *values, "; ".join(blank)]


def _facts(patient: Patient, visit: Visit, eye: EyeRecord, anonymous: bool) -> dict[str, Any]:
    day = None if visit.date is None else (str(visit.date.year) if anonymous else visit.date.isoformat())
    return {
        "patient": patient.identifier,
        "name": patient.name,
        "page": page_name(patient),
        "photograph": eye.shown_id,
        "eye": eye.facts.eye,
        "date": day,
        "sex": patient.sex,
        "age": patient.age,
    }


def _all(patients: Sequence[Patient], data: MeasuredFolder, anonymous: bool) -> dict[str, Any]:
    return {
        "about": "Research use; not a medical device. A value that could not be trusted is null, with its reason.",
        "model": dict(data.model),
        "definitions": [asdict(one) for one in data.definitions],
        "reference": {
            "about": _text(data.about_ranges),
            "ranges": {name: asdict(one) for name, one in data.ranges.items()},
        },
        "photographs": [
            _photograph(patient, visit, eye, anonymous)
            for patient in patients
            for visit in patient.visits
            for eye in visit.eyes
        ],
    }


def _photograph(patient: Patient, visit: Visit, eye: EyeRecord, anonymous: bool) -> dict[str, Any]:
    measured = eye.measured
    return {
        **_facts(patient, visit, eye, anonymous),
        "um_per_pixel": measured.um_per_pixel,
        "scale": _text(measured.scale),
        "disc": None if measured.disc is None else asdict(measured.disc),
        "fovea": None if measured.fovea is None else asdict(measured.fovea),
        "quality": {
            "grade": measured.quality.grade,
            "reasons": list(map(str, measured.quality.reasons)),
            "measures": dict(measured.quality.measures),
        },
        "measurements": {
            name: {**asdict(one), "reason": _text(one.reason)} for name, one in measured.measurements.items()
        },
    }


def _text(message: Message | None) -> str | None:
    return None if message is None else str(message)


def _safe(cell: Any) -> Any:
    """Text that begins like a formula gets an apostrophe; numbers stay as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
