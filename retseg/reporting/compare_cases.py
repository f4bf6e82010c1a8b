"""The images that the systems disagree on most, and their panels side by side, made one image at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from retseg.core.errors import InputError
from retseg.core.types import CLASS_MAP, BoolArray, Case, Classes, Sample, UInt8Array
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import read_label
from retseg.imaging.overlay import ERROR_COLOURS
from retseg.reporting.case_panels import decision_legend, error_legend
from retseg.reporting.cases import case_subtitle, scored_class
from retseg.reporting.class_pictures import class_colours, error_colours
from retseg.reporting.compare_files import SystemRecords
from retseg.reporting.config import ReportConfig
from retseg.reporting.images import Picture, grey, jpeg, painted, png, shrink_map, shrink_photograph
from retseg.reporting.numbers import scores_in
from retseg.reporting.predictions import read_prediction, scored_region
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_tables import case_table
from retseg.reporting.view_models import CaseLink, CaseView, Colour, Panel, PanelRow
from retseg.reporting.wording import counted, listed, score

_COLUMNS, _ONE_ROW = 4, 5
_NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image with the lowest agreement between two systems' decisions on it, and the names of the two.

    Agreement is Dice where one class is marked, and the share of pixels with equal classes where there are several.
    """

    sample: Sample
    agreement: float
    pair: tuple[str, str]


def disagreements(systems: Sequence[SystemRecords], prepared: PreparedSet) -> list[Disagreement]:
    """The images by the lowest agreement between any two systems' decisions, the lowest first.

    Only pixels inside the field of view count. Decisions of one image at a time are held, one bit a pixel in their
    files, and no photograph is read. An image that fewer than two systems decided on is left out, and so is a system
    that finds nothing anywhere, such as an empty baseline: it would disagree with every other on every image.
    """
    finding = [one for one in systems if scores_in(one.first.summary.get("pooled")).get("dice") != 0]
    systems = finding if len(finding) > 1 else systems
    if len(systems) < 2:
        return []
    scored = frozenset().union(*(system.first.scores.ids for system in systems))
    found = []
    for sample in prepared.samples:
        if sample.id in scored and (worst := _worst_pair(systems, sample, prepared.classes)) is not None:
            found.append(Disagreement(sample, *worst))
    return sorted(found, key=lambda one: one.agreement)


def decision(record: RunRecord, image: str, classes: Classes) -> BoolArray | UInt8Array | None:
    """What a run decided about an image, (H, W): a mask, or a class map; None where its files do not say.

    The stored mask is far quicker to read than the probabilities. It serves unless another threshold was evaluated.
    """
    path = record.folders.predict / "mask" / f"{image}.png"
    if path.is_file() and classes.positive is None:
        return np.asarray(read_label(path), np.uint8)
    if path.is_file() and _threshold_of_masks(record) in (None, record.threshold):
        return np.asarray(read_label(path) > 0, np.bool_)
    prediction = read_prediction(record, image, classes)
    if prediction is None:
        return None
    return prediction.class_map if classes.positive is None else prediction.mask


def disagreement_links(found: Sequence[Disagreement], classes: Classes) -> tuple[CaseLink, ...]:
    """The entries of the list of images."""
    return tuple(
        CaseLink(f"case-{number}", one.sample.id, "", f"{listed(one.pair)}: {_agreement(one, classes)}")
        for number, one in enumerate(found, start=1)
    )


def disagreement_views(
    found: Sequence[Disagreement],
    systems: Sequence[SystemRecords],
    observers: Sequence[str],
    measures: Sequence[str],
    prepared: PreparedSet,
    config: ReportConfig,
) -> Iterator[CaseView]:
    """Photograph, reference and every system's errors, of one image after the other."""
    records = [system.shown for system in systems]
    name = scored_class(prepared)
    for one, link in zip(found, disagreement_links(found, prepared.classes), strict=True):
        drawing = _Drawing(prepared.case(one.sample), prepared.classes, config, link.id)
        panels = tuple(drawing.panels(systems))
        yield CaseView(
            link=link,
            subtitle=case_subtitle(replace(one.sample, eye=None), prepared.classes.subject),
            scores=case_table(one.sample.id, records, observers, name, measures),
            remark=_remark(one, drawing.missing, prepared.classes),
            rows=(PanelRow("Photograph, reference, and the errors of each system", "", panels),),
            per_class=(),
            columns=_ONE_ROW if len(panels) == _ONE_ROW else _COLUMNS,
        )


def case_remarks(
    found: int, shown: int, systems: Sequence[SystemRecords], total: int, classes: Classes
) -> tuple[str, ...]:
    """In words, how the images were chosen, and what is not shown."""
    if not found:
        return ("There are no two systems whose decisions could be laid beside each other.",)
    lowest = "the lowest Dice between the decisions of two systems, inside the field of view"
    if classes.positive is None:
        lowest = "the smallest share of pixels that two systems give the same class"
    remarks = [
        f"Of {counted(found, 'image')}, these {shown} have {lowest}: it says how far the systems are apart, not which "
        "one is right."
    ]
    if len(systems) < total:
        names = listed([system.name for system in systems])
        remarks.append(f"Of {total} systems, the best {len(systems)} are laid beside each other: {names}.")
    if any(len(system.records) > 1 for system in systems):
        remarks.append("A system with several seeds is shown by its first seed.")
    remarks.append("Every figure was computed at the full size of the image. Select a picture to enlarge it.")
    return tuple(remarks)


class _Drawing:
    """The panels of one image while they are being made."""

    def __init__(self, case: Case, classes: Classes, config: ReportConfig, case_id: str) -> None:
        self.case = case
        self.classes = classes
        self.config = config
        self.case_id = case_id
        self.drawn = 0
        self.missing: list[str] = []
        labels = case.targets.get(CLASS_MAP)
        self.class_map: UInt8Array | None = labels if classes.positive is None else None
        self.truth: BoolArray | None = None if labels is None else np.asarray(labels == classes.positive)
        # Where the reference says nothing, nobody is right or wrong.
        self.known: BoolArray = np.asarray(True if labels is None else labels != classes.ignore)

    def panels(self, systems: Sequence[SystemRecords]) -> Iterator[Panel]:
        image = self.case.sample.id
        picture = jpeg(shrink_photograph(self.case.image, self.config.detail_width), self.config.jpeg_quality)
        yield self.panel(picture, "Photograph", f"Photograph {image}")
        who = self.case.sample.reference or "reference"
        if self.class_map is not None:
            picture = png(class_colours(self.class_map, self.classes, self.config.image_width))
            yield self.panel(picture, f"Reference ({who})", f"Reference of {image}, drawn by {who}")
        elif self.truth is not None:
            picture = png(grey(shrink_map(self.truth, self.config.image_width, thin=True)))
            yield self.panel(picture, f"Reference ({who})", f"Reference of {image}, drawn by {who}")
        for system in systems:
            decided = decision(system.first, image, self.classes)
            if decided is None:
                self.missing.append(system.name)
            elif self.classes.positive is None:
                yield self.class_errors(system, np.asarray(decided, np.uint8))
            else:
                yield self.errors(system, np.asarray(decided, np.bool_))

    def class_errors(self, system: SystemRecords, class_map: UInt8Array) -> Panel:
        """Where the classes are wrong; without a reference the classes themselves."""
        image, width = self.case.sample.id, self.config.detail_width
        if self.class_map is None:
            picture = png(class_colours(class_map, self.classes, self.config.image_width))
            return self.panel(picture, system.name, f"Classes of {image} by {system.name}")
        region = scored_region(system.first, self.case)
        painting = error_colours(self.case.image, class_map, self.class_map, region, self.classes, width)
        picture = jpeg(painting, self.config.jpeg_quality, sharp_colours=True)
        return self.panel(picture, system.name, f"Errors of {system.name} on {image}")

    def errors(self, system: SystemRecords, mask: BoolArray) -> Panel:
        fov = scored_region(system.first, self.case)
        counted_here, image = fov & self.known, self.case.sample.id
        layers: list[tuple[BoolArray, Colour]] = [(mask & fov, ERROR_COLOURS["true positive"])]
        if self.truth is not None:
            layers = [
                (mask & self.truth & counted_here, ERROR_COLOURS["true positive"]),
                (mask & ~self.truth & counted_here, ERROR_COLOURS["false positive"]),
                (~mask & self.truth & counted_here, ERROR_COLOURS["false negative"]),
            ]
        painting = painted(self.case.image, layers, self.config.detail_width, outside=~fov)
        what = "Errors" if self.truth is not None else "Decision"
        picture = jpeg(painting, self.config.jpeg_quality, sharp_colours=True)
        return self.panel(picture, system.name, f"{what} of {system.name} on {image}", legend=True)

    def panel(self, picture: Picture, caption: str, alt: str, *, legend: bool = False) -> Panel:
        self.drawn += 1
        colours = error_legend(self.classes) if self.truth is not None else decision_legend(self.classes)
        return Panel(
            id=f"{self.case_id}-panel-{self.drawn}",
            source=picture.source,
            width=picture.width,
            height=picture.height,
            alt=alt,
            caption=caption,
            back=self.case_id,
            legend=colours if legend else (),
        )


def _worst_pair(
    systems: Sequence[SystemRecords], sample: Sample, classes: Classes
) -> tuple[float, tuple[str, str]] | None:
    region = _region(systems[0].first, sample)
    several = classes.positive is None
    decided: dict[str, UInt8Array] = {}
    for system in systems:
        mask = decision(system.first, sample.id, classes)
        if mask is None:
            continue
        if mask.shape != region.shape:
            raise InputError(
                f"the decision on {sample.id} is {mask.shape[1]} x {mask.shape[0]} pixels, and its field of view "
                f"{region.shape[1]} x {region.shape[0]}",
                where=system.first.folders.predict,
                fix="Run `retseg predict` again with --force",
            )
        if several:
            decided[system.name] = np.asarray(mask[region], np.uint8)
            continue
        # A mask is only needed as bits inside the field of view: an eighth of the memory, and quicker to compare.
        decided[system.name] = np.packbits(mask & region)
    if several:
        return min((((_equal(decided[a], decided[b])), (a, b)) for a, b in combinations(decided, 2)), default=None)
    sizes = {name: int(np.bitwise_count(bits).sum()) for name, bits in decided.items()}
    values = [(_dice(decided[a], decided[b], sizes[a] + sizes[b]), (a, b)) for a, b in combinations(decided, 2)]
    return min(values, default=None)


def _equal(one: UInt8Array, other: UInt8Array) -> float:
    """The share of pixels with the same class."""
    return float((one == other).mean()) if one.size else 1.0


def _dice(one: UInt8Array, other: UInt8Array, total: int) -> float:
    """Dice of two packed masks of `total` pixels together; two empty masks agree."""
    return 2 * int(np.bitwise_count(one & other).sum()) / total if total else 1.0


def _region(record: RunRecord, sample: Sample) -> BoolArray:
    """The field of view that was evaluated, without reading the photograph."""
    path = record.folders.evaluate / "fov" / f"{sample.id}.png"
    if not path.is_file():
        assert sample.fov is not None
        path = sample.fov
    return np.asarray(read_label(path) > 0, np.bool_)


def _threshold_of_masks(record: RunRecord) -> float | None:
    """The threshold that the stored masks were made with, or None where that is not recorded."""
    try:
        data = json.loads((record.folders.predict / "operating_point.json").read_text(encoding="utf-8"))
        return float(data["threshold"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _agreement(one: Disagreement, classes: Classes) -> str:
    if classes.positive is None:
        return f"{one.agreement:.0%}{_NBSP}alike"
    return f"Dice{_NBSP}{score(one.agreement)}"


def _remark(one: Disagreement, missing: Sequence[str], classes: Classes) -> str:
    furthest = f"{listed(one.pair)} are furthest apart here"
    text = f"{furthest}: the Dice between their decisions is {score(one.agreement)}."
    if classes.positive is None:
        text = f"{furthest}: they give {one.agreement:.0%} of the pixels the same class."
    return f"{text} There is no decision of {listed(missing)} to show." if missing else text
