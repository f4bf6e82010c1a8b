"""The test images: which are shown and in what order, and the panels of each, made one image at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retseg.core.types import Sample
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.case_panels import PanelMaker
from retseg.reporting.config import ReportConfig
from retseg.reporting.figures import MOST_CURVES
from retseg.reporting.metric_headings import heading
from retseg.reporting.predictions import has_prediction
from retseg.reporting.run_files import MEAN_OF_CLASSES, RunRecord
from retseg.reporting.score_tables import case_table, metrics_of, observers_of
from retseg.reporting.view_models import CaseLink, CaseView
from retseg.reporting.wording import counted, listed, score

_ORDERED_BY = "dice"
_EYES = {"l": "left eye", "left": "left eye", "r": "right eye", "right": "right eye"}
_DICE = heading(_ORDERED_BY)


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
    """The best and the worst image by the first system's Dice, then the others in the set's order."""
    samples = _test_samples(records, prepared)
    first, name = records[0], scored_class(prepared)
    dice = {s.id: first.scores.value(s.id, first.system, name, _ORDERED_BY, first.threshold) for s in samples}
    values = {image: value for image, value in dice.items() if value is not None}
    ranks: dict[str, str] = {}
    if len(set(values.values())) > 1:
        ranks = {max(values, key=lambda i: values[i]): "Best", min(values, key=lambda i: values[i]): "Worst"}
    ordered = [sample for image in ranks for sample in samples if sample.id == image]
    ordered += [sample for sample in samples if sample.id not in ranks]
    chosen = tuple(
        ChosenCase(
            sample,
            CaseLink(
                id=f"case-{number}",
                heading=sample.id,
                rank=ranks.get(sample.id, ""),
                score=f"{_DICE}\N{NO-BREAK SPACE}{score(values[sample.id])}" if sample.id in values else "",
            ),
        )
        for number, sample in enumerate(ordered[: config.max_images], start=1)
    )
    return CaseList(chosen, tuple(_remarks(records, ranks, len(samples), len(chosen))))


def case_views(
    chosen: Sequence[ChosenCase], records: Sequence[RunRecord], prepared: PreparedSet, config: ReportConfig
) -> Iterator[CaseView]:
    """Everything that is shown of each image. Pixels of one image at a time are held."""
    maker = PanelMaker(records, prepared, config)
    metrics = metrics_of(records)
    observers = tuple(observers_of(records))
    name = scored_class(prepared)
    for item in chosen:
        sample = item.sample
        panels = maker.panels(sample, item.link.id)
        yield CaseView(
            link=item.link,
            subtitle=_subtitle(sample),
            scores=case_table(sample.id, records, observers, name, metrics),
            remark=_missing(sample, records),
            rows=panels.rows,
            per_class=panels.per_class,
            columns=panels.columns,
        )


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
        rest = "; the others follow in the set’s order" if shown > len(ranks) else ""
        yield f"The images with the best and the worst {_DICE}{by} come first{rest}."
    if len(records) > MOST_CURVES:
        yield "Of so many systems an image has one small picture each; the runs’ folders hold the probabilities."
    if shown < tested:
        yield f"{counted(shown, 'image')} of {tested} are shown here. The scores above cover all of them."
    for record in records:
        if record.failures:
            failed = listed([f"{failure.id} ({failure.reason})" for failure in record.failures])
            yield f"{record.name} could not predict {counted(len(record.failures), 'image')}: {failed}."


def _subtitle(sample: Sample) -> str:
    eye = _EYES.get((sample.eye or "").lower(), sample.eye)
    return ", ".join(part for part in (f"Patient {sample.patient}", eye) if part)


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
