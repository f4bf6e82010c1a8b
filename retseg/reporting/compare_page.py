"""The comparison of systems on one test set, as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.case_panels import error_legend
from retseg.reporting.class_legend import class_legend
from retseg.reporting.class_pictures import ERROR_NOTE
from retseg.reporting.compare_cases import case_remarks, disagreement_links, disagreement_views, disagreements
from retseg.reporting.compare_curves import MOST_CURVES, compared_curves
from retseg.reporting.compare_files import ComparedSystem as ComparedSystem
from retseg.reporting.compare_files import Comparison, SystemRecords, read_systems
from retseg.reporting.compare_tables import figure_tables, pairs_table, patients_table, protocol_lines
from retseg.reporting.compare_views import ComparePage
from retseg.reporting.compare_words import best_first, comparison_summary, comparison_title
from retseg.reporting.config import ReportConfig
from retseg.reporting.dot_plots import PairedPlot, paired_plot
from retseg.reporting.making import dataset_credit, dataset_title
from retseg.reporting.metric_headings import meanings
from retseg.reporting.page import write_page
from retseg.reporting.score_remarks import banner, score_remarks
from retseg.reporting.subjects import PATIENT, images_of, plural
from retseg.reporting.wording import capitalised, counted, listed

NAME = "compare.html"


def write_compare_page(
    comparison: Mapping[str, Any],
    systems: Sequence[ComparedSystem],
    prepared: PreparedSet,
    out: Path,
    *,
    images: int = 4,
) -> Path:
    """Writes `compare.html` into `out` and returns its path.

    Args:
        comparison: What comparison.json holds.
        systems: The systems by the names that the comparison knows them by, with the folders of their runs.
        prepared: The set that all of them were evaluated on.
        out: The comparison's folder.
        images: How many of the images that the systems disagree on most are shown.
    """
    if not systems:
        raise InputError("a comparison needs at least one system", fix="Name runs that have been evaluated")
    figures = Comparison.of(comparison, prepared.classes)
    page = _page(figures, read_systems(systems, figures), prepared, images)
    return write_page(NAME, out / NAME, page=page)


def _page(comparison: Comparison, systems: Sequence[SystemRecords], prepared: PreparedSet, images: int) -> ComparePage:
    records = [record for system in systems for record in system.records]
    drawn = _drawn(comparison, systems)
    curves = compared_curves(drawn, len(systems))
    plots = _plots(comparison)
    found = disagreements(drawn, prepared) if images > 0 else []
    shown = found[:images]
    observers = [observer.name for observer in comparison.observers]
    return ComparePage(
        title=comparison_title(comparison, dataset_title(prepared)),
        subtitle=images_of(comparison.n_images, comparison.n_patients, comparison.subject),
        banner=banner(records),
        summary=(comparison_summary(comparison, dataset_title(prepared)),),
        score_remarks=score_remarks(records),
        scores=figure_tables(comparison, systems),
        pairs=pairs_table(comparison, systems),
        pair_remarks=("No significance test is made; the summary says why.",) if comparison.weak else (),
        charts=curves.charts,
        curve_remarks=curves.remarks,
        curve_tables=curves.tables,
        plots=plots,
        plot_remarks=_plot_remarks(comparison, plots),
        per_patient=patients_table(comparison, systems),
        error_legend=error_legend(prepared.classes) if shown else (),
        case_remarks=case_remarks(len(found), len(shown), drawn, len(systems), prepared.classes),
        links=disagreement_links(shown, prepared.classes),
        cases=disagreement_views(shown, drawn, observers, comparison.measures, prepared, ReportConfig()),
        definitions=meanings(comparison.told, comparison.several),
        protocol=protocol_lines(systems),
        credit=dataset_credit(prepared) or "",
        subjects=capitalised(plural(comparison.subject)),
        error_note=f"{ERROR_NOTE}." if shown and comparison.several else "",
        class_legend=class_legend(prepared, [one.sample for one in shown]) if shown else (),
        medical=comparison.subject == PATIENT,
    )


def _drawn(comparison: Comparison, systems: Sequence[SystemRecords]) -> list[SystemRecords]:
    """The systems that are drawn: all of a few, the best of many, always in the order of the tables."""
    best = set([name for name in best_first(comparison) if any(name == s.name for s in systems)][:MOST_CURVES])
    return [system for system in systems if system.name in best]


def _plots(comparison: Comparison) -> tuple[PairedPlot, ...]:
    names = [entrant.name for entrant in comparison.entrants]
    plots = (
        paired_plot(
            f"plot-{metric}",
            f"{comparison.heading(metric)}, {counted(comparison.n_patients, comparison.subject)}",
            names,
            comparison.per_patient.get(metric, {}),
            subject=comparison.subject,
            description=f"{comparison.heading(metric)} of every {comparison.subject} by {listed(names)}. "
            "A table below has the figures.",
        )
        for metric in comparison.measures
    )
    return tuple(plot for plot in plots if plot is not None)


def _plot_remarks(comparison: Comparison, plots: Sequence[PairedPlot]) -> tuple[str, ...]:
    if not plots:
        return (f"There are no two systems with figures of the same {plural(comparison.subject)}.",)
    several = " A system with several seeds stands there with its mean over them."
    return (
        f"Each line is one {comparison.subject}, from system to system; the bar, with its figure below, is a system’s "
        f"mean over the {plural(comparison.subject)}. Lines that all run the same way tell more than bars that lie "
        "apart."
        f"{several if any(entrant.seeds > 1 for entrant in comparison.systems) else ''}",
    )
