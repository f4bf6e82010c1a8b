"""A patient's page: one self-contained file with both eyes, their measurements, and how they were made."""

from __future__ import annotations

from pathlib import Path

from retseg.reporting.catalogue import Language
from retseg.reporting.eye_view import eye_view, headings
from retseg.reporting.measured_files import MeasuredFolder
from retseg.reporting.measurement_table import eye_summary, measurement_groups
from retseg.reporting.page import write_page
from retseg.reporting.patient_groups import Patient, Visit
from retseg.reporting.patient_views import DefinitionView, PatientView, VisitView

FOLDER = "patients"
SEXES = {"female": "female", "male": "male", "other": "other"}
LAYERS = ("mask", "contour", "probability", "uncertainty", "calibre")
MODEL_FACTS = {
    "model": "Model",
    "version": "Version",
    "weights_sha256": "Weights (SHA-256)",
    "threshold": "Threshold",
    "date": "Analysed on",
    "protocol": "Protocol",
    "credits": "Training data",
}


def page_name(patient: Patient) -> str:
    """The file of a patient's page below the report's folder."""
    return f"{FOLDER}/{patient.code}.html"


def row_id(patient: Patient, number: int) -> str:
    """The id of the row of a patient's photograph on the cohort's page, by the photograph's number."""
    return f"row-{patient.code}-{number}"


def write_patient_page(
    patient: Patient, data: MeasuredFolder, out: Path, language: Language, anonymous: bool = False
) -> tuple[Path, tuple[bytes, ...]]:
    """Writes the page of one patient below the report's folder `out`.

    Returns:
        The page, and a small JPEG of each photograph in the order of the page.
    """
    view = patient_view(patient, data, language, anonymous)
    path = write_page(
        "patient.html",
        out / page_name(patient),
        styles=("style.css", "clinic.css", "patient.css"),
        scripts=("viewer.js",),
        language=language,
        say=language.say,
        page=view,
    )
    return path, tuple(eye.pictures.thumbnail for visit in view.visits for eye in visit.eyes)


def patient_view(patient: Patient, data: MeasuredFolder, language: Language, anonymous: bool = False) -> PatientView:
    """The whole page in words and pictures."""
    facts = _facts(patient, language, anonymous)
    about = "" if data.about_ranges is None else language.message(data.about_ranges)
    return PatientView(
        title=patient.title,
        row=row_id(patient, 1),
        whose=" · ".join([patient.title, *(f"{title} {text}" for title, text in facts)]),
        facts=facts,
        visits=tuple(
            _visit(visit, number, patient, data, language, anonymous) for number, visit in enumerate(patient.visits, 1)
        ),
        about_ranges=about,
        model=model_facts(data, language),
        definitions=definition_views(data, language),
    )


def model_facts(data: MeasuredFolder, language: Language) -> tuple[tuple[str, str], ...]:
    """What made the maps: known facts first, in their order, then whatever else the file has."""
    known = [
        (language.say(title), language.localised(data.model[k]))
        for k, title in MODEL_FACTS.items()
        if data.model.get(k)
    ]
    others = [(key.replace("_", " "), text) for key, text in data.model.items() if key not in MODEL_FACTS and text]
    return (*known, *others)


def definition_views(data: MeasuredFolder, language: Language) -> tuple[DefinitionView, ...]:
    """How everything is defined."""
    return tuple(
        DefinitionView(
            title=language.say(one.title),
            explanation=language.say(one.explanation) if one.explanation else "",
            definition=language.say(one.definition) if one.definition else "",
            validity=language.say(one.validity) if one.validity else "",
            citation=one.citation,
        )
        for one in data.definitions
    )


def said_date(visit: Visit, language: Language, anonymous: bool) -> str:
    """The day of a visit, only its year where nobody is to be recognised, or empty."""
    if visit.date is None:
        return ""
    return str(visit.date.year) if anonymous else language.date(visit.date)


def said_age(age: float, anonymous: bool, language: Language) -> str:
    """An age in years."""
    if anonymous and age >= 90:
        return language.say("{age} or older", age="90")
    return language.number(age, 0 if float(age).is_integer() else 1)


def _facts(patient: Patient, language: Language, anonymous: bool) -> tuple[tuple[str, str], ...]:
    facts = []
    if patient.name and patient.name != patient.identifier:
        facts.append((language.say("Patient"), patient.identifier))
    if patient.sex:
        facts.append((language.say("Sex"), language.say(SEXES.get(patient.sex, patient.sex))))
    if patient.age is not None:
        facts.append((language.say("Age"), said_age(patient.age, anonymous, language)))
    dates = [said for visit in patient.visits if (said := said_date(visit, language, anonymous))]
    if dates:
        heading = language.say("Visit") if len(dates) == 1 else language.say("Visits")
        facts.append((heading, "; ".join(dates)))
    return tuple(facts)


def _visit(
    visit: Visit, number: int, patient: Patient, data: MeasuredFolder, language: Language, anonymous: bool
) -> VisitView:
    told = headings(visit.eyes, language)
    eyes = tuple(
        eye_view(data.folder, eye, heading, f"eye-{number}-{column}", column, language, anonymous)
        for column, (eye, heading) in enumerate(zip(visit.eyes, told, strict=True))
    )
    date = said_date(visit, language, anonymous)
    heading = language.say("Photographs")
    if len(patient.visits) > 1:
        heading = language.say("Visit of {date}", date=date) if date else language.say("Visit without a date")
    present = {layer.kind for eye in eyes for layer in eye.pictures.layers}
    return VisitView(
        id=f"visit-{number}",
        heading=heading,
        eyes=eyes,
        summary=tuple(
            (view.heading, eye_summary(eye, view.quality, data, language))
            for eye, view in zip(visit.eyes, eyes, strict=True)
        ),
        groups=measurement_groups(visit.eyes, told, data, language),
        layers=tuple(kind for kind in LAYERS if kind in present),
        threshold=language.localised(data.model.get("threshold", "")),
    )
