"""The clinician's report: a page for each patient and the cohort's page that leads to them, made from files."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from retseg.core.paths import write_atomically
from retseg.reporting.catalogue import Language
from retseg.reporting.catalogue import language as language_of
from retseg.reporting.cohort_files import write_cohort_files
from retseg.reporting.cohort_table import cohort_rows, main_definitions, table_columns, thumbnail_name
from retseg.reporting.cohort_views import CohortView
from retseg.reporting.distributions import distribution
from retseg.reporting.eye_view import EYES, GRADES, UNKNOWN_EYE
from retseg.reporting.identity import read_key
from retseg.reporting.measured_files import MeasuredFolder, read_measured
from retseg.reporting.page import write_page
from retseg.reporting.patient_groups import Patient, group_patients
from retseg.reporting.patient_page import model_facts, write_patient_page
from retseg.reporting.patients import PatientTable

NAME = "index.html"
IMAGES = "data: 'self' file:"
"""Where the cohort's page may take images from: itself and the thumbnails beside it, on a disk or a server."""

Size = tuple[int, int]


def write_cohort(
    folder: Path,
    out: Path,
    patients: PatientTable | None = None,
    language: str = "en",
    anonymise: bool = False,
    report_progress: Callable[[int, str], None] | None = None,
    workers: int = 1,
) -> Path:
    """Writes the whole report about a folder of measured photographs, and returns the cohort's page.

    Args:
        folder: What the stages `predict` and `measure` wrote.
        out: The report's folder.
        patients: Who is in which photograph; without it each photograph is its own patient.
        language: Its code: "en", "es" or "de".
        anonymise: Call everybody by a code, made with a secret that stays in `folder`, and show no name, day or age
            from 90; blacken what lies outside the field of view, where cameras write names.
        report_progress: Called with 1 and the patient's code after each patient.
        workers: Processes that make pages at the same time.
    """
    told, data = language_of(language), read_measured(folder)
    everybody = group_patients(data.photographs, patients or PatientTable(), read_key(folder) if anonymise else None)
    sizes: dict[str, Size] = {}
    for who, made in _made(everybody, data, out, told, anonymise, workers):
        sizes.update(made)
        if report_progress is not None:
            report_progress(1, who)
    write_cohort_files(everybody, data, out, anonymise)
    view = cohort_view(everybody, data, sizes, told, anonymise)
    return write_page(
        "cohort.html",
        out / NAME,
        styles=("style.css", "clinic.css", "cohort.css"),
        scripts=("cohort.js",),
        images=IMAGES,
        language=told,
        say=told.say,
        page=view,
    )


def cohort_view(
    patients: Sequence[Patient], data: MeasuredFolder, sizes: Mapping[str, Size], told: Language, anonymous: bool
) -> CohortView:
    """The cohort's page in words; `sizes` are those of the thumbnails by their names."""
    columns = main_definitions(data)
    drawn = [(one, chart) for one in data.definitions if (chart := distribution(one, data, told)) is not None]
    # The charts of what the table shows stand first; the rest can be unfolded.
    drawn.sort(key=lambda pair: pair[0] not in columns)
    rows = cohort_rows(patients, [one for one, _ in drawn], columns, sizes, data, told, anonymous)
    counts = Counter(row.grade for row in rows)
    eyes = [*EYES.items(), ("unknown", UNKNOWN_EYE)]
    return CohortView(
        patients=len(patients),
        photographs=len(rows),
        grades=tuple(
            (grade or "none", told.say(words), counts[grade or "none"])
            for grade, words in GRADES.items()
            if counts[grade or "none"]
        ),
        eyes=tuple((key, told.say(words)) for key, words in eyes if any(row.eye_key == key for row in rows)),
        columns=table_columns(columns, data, told),
        rows=rows,
        main_charts=tuple(chart for one, chart in drawn if one in columns),
        more_charts=tuple(chart for one, chart in drawn if one not in columns),
        about_ranges="" if data.about_ranges is None else told.message(data.about_ranges),
        model=model_facts(data, told),
        explanations=tuple(
            (told.say(one.title), told.say(one.explanation)) for one in data.definitions if one.explanation
        ),
    )


def _made(
    patients: Sequence[Patient], data: MeasuredFolder, out: Path, told: Language, anonymous: bool, workers: int
) -> Iterator[tuple[str, dict[str, Size]]]:
    """Makes everybody's page; gives each patient's code and the sizes of their thumbnails as they are done."""
    if workers < 2 or len(patients) < 2:
        for patient in patients:
            yield _make(patient, _slice(patient, data), out, told.code, anonymous)
        return
    from joblib import Parallel, delayed

    jobs = (delayed(_make)(patient, _slice(patient, data), out, told.code, anonymous) for patient in patients)
    yield from Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)


def _slice(patient: Patient, data: MeasuredFolder) -> MeasuredFolder:
    """What a patient's page needs of the data: not everybody else's measurements, which would travel to each worker."""
    own = tuple(eye.measured for visit in patient.visits for eye in visit.eyes)
    return replace(data, photographs=own)


def _make(patient: Patient, data: MeasuredFolder, out: Path, code: str, anonymous: bool) -> tuple[str, dict[str, Size]]:
    _, thumbnails = write_patient_page(patient, data, out, language_of(code), anonymous)
    sizes = {}
    for number, picture in enumerate(thumbnails, 1):
        name = thumbnail_name(patient, number)
        write_atomically(out / name, picture)
        sizes[name] = Image.open(io.BytesIO(picture)).size
    return patient.code, sizes
