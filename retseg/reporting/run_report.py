"""The research report of one or several runs on one prepared set, as one self-contained page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from retseg.core.errors import InputError
from retseg.core.types import Classes
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.agreement_table import agreement_table
from retseg.reporting.bland_altman import density_chapter
from retseg.reporting.case_panels import decision_legend, error_legend
from retseg.reporting.cases import CaseList, case_views, choose_cases, scored_class
from retseg.reporting.class_chapter import class_chapter
from retseg.reporting.class_legend import class_legend, has_void
from retseg.reporting.class_pictures import ERROR_NOTE
from retseg.reporting.config import ReportConfig
from retseg.reporting.curves import charts, curve_remarks, curve_table, small_loss_charts
from retseg.reporting.facts import facts_tables
from retseg.reporting.figures import MOST_CURVES
from retseg.reporting.instance_chapter import instance_chapter, instance_meanings
from retseg.reporting.learning import learning_chapter
from retseg.reporting.making import dataset_credit
from retseg.reporting.metric_headings import meanings
from retseg.reporting.numbers import scores_in
from retseg.reporting.page import write_page
from retseg.reporting.plain_words import summary, title
from retseg.reporting.roc_charts import curve_chapter
from retseg.reporting.run_files import RunFolders as RunFolders
from retseg.reporting.run_files import RunRecord, read_run
from retseg.reporting.score_remarks import banner, score_remarks
from retseg.reporting.score_tables import has_scores, metrics_of, per_class_table, score_tables
from retseg.reporting.side_by_side import side_by_side, validation_table
from retseg.reporting.strips import strip_chapter
from retseg.reporting.subjects import PATIENT, images_of
from retseg.reporting.trap_table import trap_chapter
from retseg.reporting.view_models import CaseView, Chapter, RunPage, Table
from retseg.reporting.width_table import width_table

NAME = "run.html"


def write_run_report(
    systems: Sequence[RunFolders],
    prepared: PreparedSet,
    out: Path,
    config: ReportConfig,
    report: Callable[[int, str], None] | None = None,
    patients: str = "",
) -> Path:
    """Writes `run.html` into `out` and returns its path.

    Args:
        systems: The runs, in the order of the tables; images are ordered by the first one's scores.
        prepared: The set that all of them were evaluated on.
        out: The report's folder.
        config: Title, number and size of the images.
        report: Called with 1 and the image's id after each image.
        patients: Name of the page about the patients that will lie beside it; empty where there is none.
    """
    if not systems:
        raise InputError("a report needs at least one run", fix="Name a run that has been evaluated")
    records = [read_run(folders, prepared.classes) for folders in systems]
    page = replace(_run_page(records, prepared, config, report), patients=patients)
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
        side_by_side=side_by_side(records),
        validation=validation_table(records),
        facts=facts_tables(records, prepared),
        charts=charts(records),
        small_charts=small_loss_charts(records),
        curve_table=curve_table(records),
        curve_remarks=curve_remarks(records),
        scores=(*score_tables(records), *_further_tables(records)),
        # Where all classes count alike, a chapter of their own has this table.
        per_class=per_class_table(records, prepared.classes) if prepared.classes.positive is not None else None,
        score_remarks=score_remarks(records),
        definitions=_definitions(records),
        error_legend=error_legend(prepared.classes) if labelled else decision_legend(prepared.classes),
        class_legend=class_legend(prepared, [item.sample for item in cases.chosen]),
        case_remarks=(*cases.remarks, *_panel_remarks(prepared.classes)),
        links=tuple(item.link for item in cases.chosen),
        cases=_told(case_views(cases.chosen, records, prepared, config), report),
        credit=dataset_credit(prepared) or "",
        banner=banner(records),
        chapters=_chapters(records, prepared),
        learning=learning_chapter(records),
        error_note=_error_note(prepared, cases) if labelled else "",
        class_note=_instance_note(prepared.classes),
        medical=prepared.classes.subject == PATIENT,
    )


def _further_tables(records: Sequence[RunRecord]) -> tuple[Table, ...]:
    """Tables of the results that only some evaluations have."""
    scored = [record for record in records if has_scores(record)]
    found = (width_table(scored), agreement_table(scored)) if scored else ()
    return tuple(table for table in found if table is not None)


def _chapters(records: Sequence[RunRecord], prepared: PreparedSet) -> tuple[Chapter, ...]:
    """What evaluate found beyond the tables of scores; each part only where the files have it."""
    scored = [record for record in records if has_scores(record)]
    if not scored:
        return ()
    found = (
        class_chapter(scored, prepared.classes),
        instance_chapter(scored, prepared.classes),
        _curves_of_best(scored),
        strip_chapter(scored, scored_class(prepared)),
        density_chapter(scored),
        trap_chapter(scored),
    )
    return tuple(chapter for chapter in found if chapter is not None)


def _curves_of_best(scored: Sequence[RunRecord]) -> Chapter | None:
    """The curves of the evaluation; of many systems those of the best, since they lie too close to be told apart."""
    if len(scored) <= MOST_CURVES:
        return curve_chapter(scored)
    areas = {record.name: scores_in(record.summary.get("pooled")).get("auc") for record in scored}
    ranked = sorted(scored, key=lambda record: -(areas[record.name] or 0.0))[:MOST_CURVES]
    chapter = curve_chapter([record for record in scored if record in ranked])
    if chapter is None:
        return None
    remark = (
        f"Curves are drawn for the {MOST_CURVES} of {len(scored)} systems with the largest area under the ROC curve on "
        "the test images; the tables have all of them."
    )
    return replace(chapter, remarks=(remark, *chapter.remarks))


def _told(cases: Iterable[CaseView], report: Callable[[int, str], None] | None) -> Iterator[CaseView]:
    for case in cases:
        yield case
        if report is not None:
            report(1, case.link.heading)


def _subtitle(prepared: PreparedSet) -> str:
    images, subjects = len(prepared.samples), len({sample.patient for sample in prepared.samples})
    return f"Prepared set {prepared.folder.name}: {images_of(images, subjects, prepared.classes.subject)}"


def _definitions(records: Sequence[RunRecord]) -> tuple[tuple[str, str], ...]:
    if not any(map(has_scores, records)):
        return ()
    return (*meanings(metrics_of(records), records[0].several), *instance_meanings(records))


def _error_note(prepared: PreparedSet, cases: CaseList) -> str:
    """How to read an error map that has the colours of the classes."""
    if prepared.classes.positive is not None:
        return ""
    void = any(has_void(item.sample, prepared.classes) for item in cases.chosen)
    return f"{ERROR_NOTE}{'. Stripes: void, which counts nowhere.' if void else '.'}"


def _instance_note(classes: Classes) -> str:
    if not classes.things:
        return ""
    return (
        "The colours of instances only tell neighbours apart: a figure that matches one of the reference has its "
        "colour. A white line separates figures that touch; the number under a picture is that of its instances."
    )


def _panel_remarks(classes: Classes) -> tuple[str, ...]:
    if classes.positive is None:
        return ("Every score was computed at the full size of the image. Select a picture to enlarge it.",)
    name = classes.items[classes.positive].name
    thin = f" The maps of {name} and the errors are shrunk so that lines thinner than a pixel stay visible."
    return (
        "Every score was computed at the full size of the image; the pictures here are smaller, and the reference is "
        f"shrunk in the same way as the probabilities beside it.{thin} Select a picture to enlarge it.",
    )
