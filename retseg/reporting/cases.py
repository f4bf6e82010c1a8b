"""The test images: which are shown and in what order, and the panels of each, made one image at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retseg.core.types import Sample
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.case_panels import PanelMaker
from retseg.reporting.class_panels import ClassPanelMaker
from retseg.reporting.config import ReportConfig
from retseg.reporting.figures import MOST_CURVES
from retseg.reporting.metric_headings import heading, inline
from retseg.reporting.plain_words import measure_of
from retseg.reporting.predictions import has_prediction
from retseg.reporting.run_files import MEAN_OF_CLASSES, RunRecord
from retseg.reporting.score_tables import case_table, metrics_of, observers_of
from retseg.reporting.subjects import themselves
from retseg.reporting.view_models import CaseLink, CaseView
from retseg.reporting.wording import capitalised, counted, listed, score

_EYES = {"l": "left eye", "left": "left eye", "r": "right eye", "right": "right eye"}


@dataclass(frozen=True, slots=True)
class ChosenCase:
    """A test image that is shown, with its place in the order."""

    sample: Sample
    link: CaseLink


@dataclass(frozen=True, slots=True)
class CaseList:
    """The test images that are shown, in order, and in words how they were chosen."""

    chosen: tuple[ChosenCase, ...]
    remarks: tuple[str, ...]


def choose_cases(records: Sequence[RunRecord], prepared: PreparedSet, config: ReportConfig) -> CaseList:
    """The test images in the order of the first system's scores, see `_ordered`."""
    samples = _test_samples(records, prepared)
    first, name, metric = records[0], scored_class(prepared), measure_of(records[0])
    scores = {s.id: first.scores.value(s.id, first.system, name, metric, first.threshold) for s in samples}
    values = {image: value for image, value in scores.items() if value is not None}
    ranks: dict[str, str] = {}
    if len(set(values.values())) > 1:
        ranks = {max(values, key=lambda i: values[i]): "Best", min(values, key=lambda i: values[i]): "Worst"}
    ordered = _ordered(samples, values, ranks, first.several, config.max_images)
    called = heading(metric, first.several)
    chosen = tuple(
        ChosenCase(
            sample,
            CaseLink(
                id=f"case-{number}",
                heading=sample.id,
                rank=ranks.get(sample.id, ""),
                score=f"{called}\N{NO-BREAK SPACE}{score(values[sample.id])}" if sample.id in values else "",
            ),
        )
        for number, sample in enumerate(ordered, start=1)
    )
    return CaseList(chosen, tuple(_remarks(records, ranks, len(samples), len(chosen))))


def _ordered(
    samples: Sequence[Sample], values: Mapping[str, float], ranks: Mapping[str, str], several: bool, most: int
) -> list[Sample]:
    """At most so many images. Where one class is marked the best and the worst, then the others in the set's order.

    Of several classes the worst come first, since from them one learns what goes wrong, and the best one last.
    """
    if not (several and ranks):
        ends = [sample for image in ranks for sample in samples if sample.id == image]
        return [*ends, *(sample for sample in samples if sample.id not in ranks)][:most]
    rising = sorted(samples, key=lambda sample: values.get(sample.id, math.inf))
    best = [sample for sample in rising if ranks.get(sample.id) == "Best"]
    others = [sample for sample in rising if sample not in best]
    return [*others[: most - 1], *best] if most > 1 else rising[:1]


def case_views(
    chosen: Sequence[ChosenCase], records: Sequence[RunRecord], prepared: PreparedSet, config: ReportConfig
) -> Iterator[CaseView]:
    """Everything that is shown of each image. Pixels of one image at a time are held."""
    maker = _maker(records, prepared, config)
    metrics = metrics_of(records)
    observers = tuple(observers_of(records))
    name = scored_class(prepared)
    for item in chosen:
        sample = item.sample
        panels = maker.panels(sample, item.link.id)
        yield CaseView(
            link=item.link,
            subtitle=case_subtitle(sample, prepared.classes.subject),
            scores=case_table(sample.id, records, observers, name, metrics),
            remark=_missing(sample, records),
            rows=panels.rows,
            per_class=panels.per_class,
            columns=panels.columns,
            legend=panels.legend,
            per_class_note=panels.per_class_note,
        )


def _maker(records: Sequence[RunRecord], prepared: PreparedSet, config: ReportConfig) -> PanelMaker | ClassPanelMaker:
    return (ClassPanelMaker if prepared.classes.positive is None else PanelMaker)(records, prepared, config)


def _test_samples(records: Sequence[RunRecord], prepared: PreparedSet) -> list[Sample]:
    """The images that were tested: scored, or left unscored for want of a reference, or failed. In the set's order."""
    tested: set[str] = set()
    for record in records:
        tested |= record.scores.ids
        tested |= {str(image) for image in record.summary.get("unlabelled") or ()}
    return [s for s in prepared.samples if s.id in tested and any(has_prediction(r, s.id) for r in records)]


def scored_class(prepared: PreparedSet) -> str:
    """The class whose lines in metrics.csv are an image's own scores."""
    positive = prepared.classes.positive
    return MEAN_OF_CLASSES if positive is None else prepared.classes.items[positive].name


def _remarks(records: Sequence[RunRecord], ranks: dict[str, str], tested: int, shown: int) -> Iterator[str]:
    if not tested:
        yield "There is no prediction of a test image to show."
        return
    if ranks:
        by = f" of {records[0].name}" if len(records) > 1 else ""
        called = inline(measure_of(records[0]), records[0].several)
        rest = "; the others follow in the set’s order" if shown > len(ranks) else ""
        if records[0].several:
            last = "; the best one is shown last" if shown > 1 else ""
            yield f"The images are ordered by the {called}{by}, the worst first{last}."
        else:
            yield f"The images with the best and the worst {called}{by} come first{rest}."
    if len(records) > MOST_CURVES:
        yield "Of so many systems an image has one small picture each; the runs’ folders hold the probabilities."
    if shown < tested:
        yield f"{counted(shown, 'image')} of {tested} are shown here. The scores above cover all of them."
    for record in records:
        if record.failures:
            failed = listed([f"{failure.id} ({failure.reason})" for failure in record.failures])
            yield f"{record.name} could not predict {counted(len(record.failures), 'image')}: {failed}."


def case_subtitle(sample: Sample, subject: str) -> str:
    """Whom or what an image shows; nothing where each is its own subject."""
    eye = _EYES.get((sample.eye or "").lower(), sample.eye)
    whose = "" if themselves(subject) else f"{capitalised(subject)} {sample.patient}"
    return ", ".join(part for part in (whose, eye) if part)


def _missing(sample: Sample, records: Sequence[RunRecord]) -> str:
    """In words, what this image lacks."""
    parts = []
    if not sample.labels:
        parts.append("This image has no reference, so it is shown without scores.")
    for record in records:
        if not has_prediction(record, sample.id):
            reason = next((f.reason for f in record.failures if f.id == sample.id), "")
            parts.append(f"{record.name} has no prediction of it{f' ({reason})' if reason else ''}.")
    return " ".join(parts)
