"""The clinician's report: photographs become a page for each patient and the cohort's page that leads to them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from retseg.core.errors import listed
from retseg.core.manifest import file_digest
from retseg.core.paths import REPORTS
from retseg.core.progress import progress
from retseg.core.types import Sample
from retseg.datasets.folder import photographs
from retseg.reporting.cohort_page import NAME as PAGE
from retseg.reporting.cohort_page import write_cohort
from retseg.reporting.patients import Eye, PatientFacts, PatientTable, read_patients
from retseg.reporting.print_pdf import find_browser, print_pages
from retseg.stages.failures import NAME as FAILURES
from retseg.stages.failures import read_failures, write_failures
from retseg.stages.locate import Runs
from retseg.stages.measure import measure
from retseg.stages.predict import predict_photographs
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

STAGE = "patient report"
VERSION = 1
_EYES: Mapping[str, Eye] = {"L": "left", "R": "right"}
__all__ = ["PAGE", "report_photographs", "table_of", "write_pages"]


def report_photographs(
    settings: Settings,
    path: Path,
    *,
    run: Runs = None,
    out: Path | None = None,
    patients: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Predicts, measures and reports a photograph, or every photograph below a folder.

    Args:
        settings: The configuration; `predict`, `measure` and `report` count.
        path: A photograph or a folder of them.
        run: The trained run, or several; the newest when None, else the model that ships with retseg.
        out: Folder to write; `reports/<name of path>` when None.
        patients: A table that says who is in which photograph.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes for measuring and for making pages; all cores when None.
        force: Do it again even if nothing changed.
    """
    if settings.report.pdf:
        find_browser()  # before hours of work, not behind them
    table = PatientTable() if patients is None else read_patients(patients)
    predicted = predict_photographs(settings, path, run=run, device=device, force=force)
    failures = read_failures(predicted.folder)
    bad = {failure.id for failure in failures}
    every = photographs(path)
    samples = [_scaled(sample, table) for sample in every if sample.id not in bad]
    measured = measure(settings, predicted.folder, samples, workers=workers, force=force)
    failures += read_failures(measured.folder)
    inputs = {"measurements": measured.manifest.digest}
    if patients is not None:
        inputs["patients"] = file_digest(patients)
    plan = Plan(STAGE, VERSION, settings.part("report"), inputs)
    folder = out or REPORTS / (path.stem if path.is_file() else path.resolve().name)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        facts = write_pages(settings, predicted.folder, partial, table_of(samples, table), workers)
        if not settings.report.anonymise:  # files are often named after patients
            write_failures(partial, failures)
            facts["failures"] = len(failures)
        return {**facts, "images": len(samples)}

    result = run_stage(plan, folder, work, force=force)
    notes = [*predicted.notes, *_unmatched(table, every)]
    if failures and settings.report.anonymise:
        notes.append(
            f"{len(failures)} image(s) could not be used; each with its reason: {predicted.folder}, {FAILURES}"
        )
    return StageResult(result.folder, result.manifest, result.skipped, tuple(notes))


def _scaled(sample: Sample, table: PatientTable) -> Sample:
    """The photograph with the scale that the table gives it."""
    facts = table.find(sample.id, sample.image.name)
    return sample if facts is None or facts.um_per_pixel is None else replace(sample, um_per_pixel=facts.um_per_pixel)


def write_pages(
    settings: Settings, predicted: Path, out: Path, table: PatientTable, workers: int | None
) -> dict[str, Any]:
    """Writes all pages about the measured photographs of a prediction into `out`; returns what they are."""
    config = settings.report
    with progress("Making pages", None, unit="patient") as bar:
        write_cohort(
            predicted,
            out,
            table,
            config.language,
            config.anonymise,
            lambda n, note: bar.advance(n, note),
            workers or os.cpu_count() or 1,
        )
    pages = sorted((out / "patients").glob("*.html"))
    if config.pdf:
        with progress("Printing", len(pages), unit="page") as bar:
            print_pages(pages, report_progress=lambda n, note: bar.advance(n, note))
    return {"patients": len(pages), "language": config.language, "anonymised": config.anonymise}


def table_of(samples: Sequence[Sample], given: PatientTable | None = None) -> PatientTable:
    """Whose eyes the photographs show: what the table says that was given, else their files' names or their dataset."""
    given = given or PatientTable()
    return PatientTable.of(_facts(sample, given.find(sample.id, sample.image.name)) for sample in samples)


def _facts(sample: Sample, given: PatientFacts | None) -> PatientFacts:
    facts = given or PatientFacts(sample.id)
    patient = facts.patient or (None if facts.name else sample.patient)
    return replace(facts, image=sample.id, patient=patient, eye=facts.eye or _EYES.get(sample.eye or ""))


def _unmatched(table: PatientTable, samples: Sequence[Sample]) -> list[str]:
    """What to say of rows that are about no photograph: as a rule a misspelt file name."""
    found = {facts.image for one in samples if (facts := table.find(one.id, one.image.name)) is not None}
    rest = [facts.image for facts in table.rows if facts.image not in found]
    return [f"The table of patients names images that are not among the photographs: {listed(rest)}."] if rest else []
