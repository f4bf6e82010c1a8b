"""The panels of one test image: photograph and reference, then each system, then each human observer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from retseg.core.types import CLASS_MAP, BoolArray, Case, Classes, Sample, UInt8Array
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.overlay import ERROR_COLOURS
from retseg.reporting.config import ReportConfig
from retseg.reporting.figures import MOST_CURVES
from retseg.reporting.images import Picture, grey, jpeg, painted, png, shrink_map, shrink_photograph
from retseg.reporting.predictions import StoredPrediction, read_prediction, scored_region
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_tables import observers_of
from retseg.reporting.view_models import ClassPanels, Colour, Panel, PanelRow, Swatch

_FOUND, _FALSE, _MISSED = (ERROR_COLOURS[name] for name in ("true positive", "false positive", "false negative"))
_FEWEST_COLUMNS, _MOST_COLUMNS = 4, 5


@dataclass(frozen=True, slots=True)
class CasePanels:
    """All panels of an image. Few classes stand in the rows, `columns` of them; many in blocks of their own.

    `legend` has the classes of the image, where its maps show several; `per_class_note` is the heading of blocks that
    are folded away.
    """

    rows: tuple[PanelRow, ...]
    per_class: tuple[ClassPanels, ...]
    columns: int
    legend: tuple[Swatch, ...] = ()
    per_class_note: str = ""


class PanelNumbers:
    """Numbers the panels of one image; `case_id` is the element that an enlarged panel returns to."""

    def __init__(self, case_id: str) -> None:
        self.case_id = case_id
        self.drawn = 0

    def panel(self, picture: Picture, caption: str, alt: str, legend: tuple[Swatch, ...] = ()) -> Panel:
        """A panel with the next number."""
        self.drawn += 1
        return Panel(
            id=f"{self.case_id}-panel-{self.drawn}",
            source=picture.source,
            width=picture.width,
            height=picture.height,
            alt=alt,
            caption=caption,
            back=self.case_id,
            legend=legend,
        )


def is_many(records: Sequence[RunRecord]) -> bool:
    """Whether all panels of so many systems would make a page of a hundred megabytes, which nobody scrolls through."""
    return len(records) > MOST_CURVES


def error_legend(classes: Classes) -> tuple[Swatch, ...]:
    """The colours of the error maps in words; none where they are those of the classes."""
    if classes.positive is None:
        return ()
    name = classes.items[classes.positive].name
    return (
        Swatch(f"{name}, found (true positive)", _FOUND),
        Swatch(f"marked, but no {name} in the reference (false positive)", _FALSE),
        Swatch(f"{name}, missed (false negative)", _MISSED),
    )


def decision_legend(classes: Classes) -> tuple[Swatch, ...]:
    """The colour of a decision that has no reference to be compared with."""
    return () if classes.positive is None else (Swatch(f"{classes.items[classes.positive].name}, marked", _FOUND),)


def class_order(classes: Classes) -> tuple[int, ...]:
    """Class indices as a reader wants them: the positive class first, what lies outside last."""
    return tuple(sorted(range(classes.count), key=lambda i: (i == classes.outside, i != classes.positive, i)))


class PanelMaker:
    """Makes the panels of one image after the other, where one class is marked.

    Args:
        records: The runs that are shown.
        prepared: The prepared set that they were tested on.
        config: Sizes and quality.
    """

    def __init__(self, records: Sequence[RunRecord], prepared: PreparedSet, config: ReportConfig) -> None:
        self.records = records
        self.prepared = prepared
        self.classes = prepared.classes
        self.config = config
        self.order = class_order(prepared.classes)
        self.many = is_many(records)
        self.legend = error_legend(prepared.classes)
        # The photograph or the errors come first.
        self.compact = 1 + prepared.classes.count > _MOST_COLUMNS
        self.columns = _FEWEST_COLUMNS if self.compact else max(_FEWEST_COLUMNS, 1 + prepared.classes.count)
        # Many classes share the space, and the bytes, that four would take.
        self.map_width = round(config.image_width * min(1.0, math.sqrt(4 / max(1, prepared.classes.count))))

    def panels(self, sample: Sample, case_id: str) -> CasePanels:
        """All panels of one image; `case_id` is the element that an enlarged panel returns to."""
        drawing = _Drawing(self, self.prepared.case(sample), case_id)
        rows = tuple(drawing.rows())
        if not self.compact:
            return CasePanels(rows, (), self.columns)
        return CasePanels(rows, drawing.class_blocks(), self.columns)


class _Drawing:
    """The panels of one image while they are being made."""

    def __init__(self, maker: PanelMaker, case: Case, case_id: str) -> None:
        self.maker = maker
        self.case = case
        self.numbers = PanelNumbers(case_id)
        self.truth: UInt8Array | None = case.targets.get(CLASS_MAP)
        self.blocks: dict[int, list[Panel]] = {index: [] for index in maker.order}

    def rows(self) -> Iterator[PanelRow]:
        yield self.reference_row()
        predicted = (
            (record, prediction)
            for record in self.maker.records
            if (prediction := read_prediction(record, self.case.sample.id, self.maker.classes)) is not None
        )
        if self.maker.many:
            yield self.row_of_systems(predicted)
        else:
            for record, prediction in predicted:
                yield self.system_row(record, prediction)
        names = [n for n in observers_of(self.maker.records) if n in self.case.observers] or list(self.case.observers)
        for name in names:
            yield self.observer_row(name, self.case.observers[name])

    def class_blocks(self) -> tuple[ClassPanels, ...]:
        items = self.maker.classes.items
        return tuple(
            ClassPanels(items[index].name, items[index].colour, tuple(panels))
            for index, panels in self.blocks.items()
            if panels
        )

    def reference_row(self) -> PanelRow:
        config, sample = self.maker.config, self.case.sample
        picture = jpeg(shrink_photograph(self.case.image, config.detail_width), config.jpeg_quality)
        lead = [self.panel(picture, "Photograph", f"Photograph {sample.id}")]
        if self.truth is None:
            return PanelRow("Photograph", "no reference", tuple(lead))
        observer = sample.reference or "reference"
        panels = self.label_panels(self.truth, observer, "Reference")
        return PanelRow("Photograph and reference", observer, self.placed(lead, panels))

    def system_row(self, record: RunRecord, prediction: StoredPrediction) -> PanelRow:
        fov = scored_region(record, self.case)
        decided = prediction.mask
        lead = [self.decision_panel(decided, fov, record.name)] if decided is not None else []
        maps: list[tuple[int, Panel]] = []
        for index in self.maker.order:
            plane = prediction.probability(index, self.maker.classes)
            if plane is None:
                continue
            name = self.maker.classes.items[index].name
            picture = png(grey(shrink_map(plane, self.maker.map_width, thin=self.is_thin(index))))
            alt = f"Probability of {name} by {record.name}, image {self.case.sample.id}"
            maps.append((index, self.panel(picture, self.caption(name, record.name), alt)))
        what = "decision" if self.truth is None else "errors"
        note = what if self.maker.compact else f"{what} and probabilities"
        return PanelRow(record.name, note, self.placed(lead, maps))

    def row_of_systems(self, predicted: Iterable[tuple[RunRecord, StoredPrediction]]) -> PanelRow:
        """One small panel for each of many systems: its errors, or its decision."""
        panels = []
        width = self.maker.config.image_width
        for record, prediction in predicted:
            if prediction.mask is not None:
                region = scored_region(record, self.case)
                shown = self.decision_panel(prediction.mask, region, record.name, width=width)
                panels.append(replace(shown, caption=record.name))
        return PanelRow("All systems", "decisions" if self.truth is None else "errors", tuple(panels))

    def observer_row(self, name: str, label: UInt8Array) -> PanelRow:
        fov = scored_region(self.maker.records[0], self.case) & (label != self.maker.classes.ignore)
        lead = [self.decision_panel(label == self.maker.classes.positive, fov, name)]
        return PanelRow(name, "human observer", self.placed(lead, self.label_panels(label, name, name)))

    def decision_panel(self, mask: BoolArray, fov: BoolArray, name: str, *, width: int | None = None) -> Panel:
        """Where a decision was wrong; without a reference only what was decided."""
        image = self.case.sample.id
        positive = self.maker.classes.positive
        assert positive is not None
        if self.truth is None:
            what = self.maker.classes.items[positive].name
            alt = f"{what} in {image} by {name}"
            return self.painted_panel([(mask & fov, _FOUND)], fov, f"Decision: {what}", alt, width)
        counted, truth = self.counted(fov), self.truth == positive
        layers: list[tuple[BoolArray, Colour]] = [
            (mask & truth & counted, _FOUND),
            (mask & ~truth & counted, _FALSE),
            (~mask & truth & counted, _MISSED),
        ]
        return self.painted_panel(layers, fov, "Errors", f"Errors of {name} on {image}", width)

    def counted(self, fov: BoolArray) -> BoolArray:
        """Where pixels count: inside the field of view, where the reference says something."""
        assert self.truth is not None
        counted: BoolArray = fov & (self.truth != self.maker.classes.ignore)
        return counted

    def painted_panel(
        self,
        layers: list[tuple[BoolArray, Colour]],
        fov: BoolArray,
        caption: str,
        alt: str,
        width: int | None = None,
    ) -> Panel:
        config = self.maker.config
        picture = painted(self.case.image, layers, width or config.detail_width, outside=~fov)
        legend = self.maker.legend if self.truth is not None else decision_legend(self.maker.classes)
        return self.panel(jpeg(picture, config.jpeg_quality, sharp_colours=True), caption, alt, legend=legend)

    def label_panels(self, label: UInt8Array, who: str, caption: str) -> list[tuple[int, Panel]]:
        """One black and white map for each class of a drawn label."""
        panels = []
        for index in self.maker.order:
            name = self.maker.classes.items[index].name
            picture = png(grey(shrink_map(label == index, self.maker.map_width, thin=self.is_thin(index))))
            alt = f"{name}, image {self.case.sample.id}, as drawn by {who}"
            panels.append((index, self.panel(picture, self.caption(name, caption), alt)))
        return panels

    def placed(self, lead: list[Panel], maps: list[tuple[int, Panel]]) -> tuple[Panel, ...]:
        """The panels of a row; the maps of many classes go into the blocks of their classes instead."""
        if not self.maker.compact:
            return (*lead, *(panel for _, panel in maps))
        for index, panel in maps:
            self.blocks[index].append(panel)
        return tuple(lead)

    def caption(self, class_name: str, who: str) -> str:
        """In a row, panels are told apart by class; in a class's block, by who drew them."""
        return who if self.maker.compact else class_name

    def is_thin(self, index: int) -> bool:
        return index == self.maker.classes.positive

    def panel(
        self,
        picture: Picture,
        caption: str,
        alt: str,
        *,
        legend: tuple[Swatch, ...] = (),
    ) -> Panel:
        return self.numbers.panel(picture, caption, alt, legend)
