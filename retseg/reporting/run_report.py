"""The research report of one or several runs on one prepared set, as one self-contained page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from retseg.core.errors import InputError
from retseg.core.types import Classes
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.case_panels import class_order, decision_legend, error_legend
from retseg.reporting.cases import case_views, choose_cases
from retseg.reporting.config import ReportConfig
from retseg.reporting.curves import charts, curve_remarks, curve_table
from retseg.reporting.facts import facts_table
from retseg.reporting.making import dataset_credit
from retseg.reporting.metric_headings import meanings
from retseg.reporting.page import write_page
from retseg.reporting.plain_words import summary, title
from retseg.reporting.run_files import RunFolders as RunFolders
from retseg.reporting.run_files import RunRecord, read_run
from retseg.reporting.score_tables import has_scores, metrics_of, per_class_table, score_tables
from retseg.reporting.view_models import CaseView, RunPage, Swatch
from retseg.reporting.wording import counted, listed

NAME = "run.html"


def write_run_report(
    systems: Sequence[RunFolders],
    prepared: PreparedSet,
    out: Path,
    config: ReportConfig,
    report: Callable[[int, str], None] | None = None,
) -> Path:
    """Writes `run.html` into `out` and returns its path.

    Args:
        systems: The runs, in the order of the tables; images are ordered by the first one's scores.
        prepared: The set that all of them were evaluated on.
        out: The report's folder.
        config: Title, number and size of the images.
        report: Called with 1 and the image's id after each image.
    """
    if not systems:
        raise InputError("a report needs at least one run", fix="Name a run that has been evaluated")
    records = [read_run(folders) for folders in systems]
    page = _run_page(records, prepared, config, report)
    return write_page("run.html", out / NAME, page=page)


def _run_page(
    records: Sequence[RunRecord],
    prepared: PreparedSet,
    config: ReportConfig,
    report: Callable[[int, str], None] | None,
) -> RunPage:
    cases = choose_cases(records, prepared, config)
    labelled = any(item.sample.labels for item in cases.chosen)
    heading = config.title or title(records, prepared)
    return RunPage(
        title=heading,
        subtitle=_subtitle(prepared),
        summary=summary(records, prepared),
        facts=facts_table(records, prepared),
        charts=charts(records),
        curve_table=curve_table(records),
        curve_remarks=curve_remarks(records),
        scores=score_tables(records),
        per_class=per_class_table(records, prepared.classes),
        score_remarks=_score_remarks(records),
        definitions=meanings(metrics_of(records)) if any(map(has_scores, records)) else (),
        error_legend=error_legend(prepared.classes) if labelled else decision_legend(prepared.classes),
        class_legend=_class_legend(prepared.classes),
        case_remarks=(*cases.remarks, *_panel_remarks(prepared.classes)),
        links=tuple(item.link for item in cases.chosen),
        cases=_told(case_views(cases.chosen, records, prepared, config), report),
        credit=dataset_credit(prepared) or "",
    )


def _told(cases: Iterable[CaseView], report: Callable[[int, str], None] | None) -> Iterator[CaseView]:
    for case in cases:
        yield case
        if report is not None:
            report(1, case.link.heading)


def _subtitle(prepared: PreparedSet) -> str:
    images, patients = len(prepared.samples), len({sample.patient for sample in prepared.samples})
    return f"Prepared set {prepared.folder.name}: {counted(images, 'image')} of {counted(patients, 'patient')}"


def _score_remarks(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """What a reader must know before the tables: that there are no scores, or that they are no test's."""
    remarks = []
    unlabelled = {str(image) for record in records for image in record.summary.get("unlabelled") or ()}
    if not any(map(has_scores, records)):
        remarks.append(
            "There are no scores: the test images have no reference labels to compare with."
            if unlabelled
            else "There are no scores: no test image has both a reference and a prediction."
        )
    elif unlabelled:
        remarks.append(f"{counted(len(unlabelled), 'test image')} without a reference label could not be scored.")
    overlapping = [r.name for r in records if any((r.summary.get("fit_overlap") or {}).values())]
    if overlapping:
        remarks.append(
            f"These are no test results for {listed(overlapping)}: patients that had a part in the training are scored."
        )
    return tuple(remarks)


def _class_legend(classes: Classes) -> tuple[Swatch, ...]:
    """Class colours, where a map shows all classes at once."""
    if classes.positive is not None:
        return ()
    return tuple(Swatch(classes.items[index].name, classes.items[index].colour) for index in class_order(classes))


def _panel_remarks(classes: Classes) -> tuple[str, ...]:
    thin = ""
    if classes.positive is not None:
        name = classes.items[classes.positive].name
        thin = f" The maps of {name} and the errors are shrunk so that lines thinner than a pixel stay visible."
    return (
        "Every score was computed at the full size of the image; the pictures here are smaller, and the reference is "
        f"shrunk in the same way as the probabilities beside it.{thin} Select a picture to enlarge it.",
    )
