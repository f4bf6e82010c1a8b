"""The panels of one test image of a task with several classes: classes, errors, instances, and probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from retseg.core.types import CLASS_MAP, INSTANCES, BoolArray, Case, Sample, UInt8Array, UInt16Array
from retseg.datasets.prepared import PreparedSet
from retseg.postprocess.registry import separate
from retseg.reporting.case_panels import CasePanels, PanelNumbers, is_many
from retseg.reporting.class_pictures import VOID, class_colours, error_colours, occurring
from retseg.reporting.config import ReportConfig
from retseg.reporting.images import Picture, grey, jpeg, png, shrink_map, shrink_photograph
from retseg.reporting.instance_files import YARDSTICK, first_way, found_instances
from retseg.reporting.instance_pictures import instance_colours, matched, painted_instances
from retseg.reporting.predictions import StoredPrediction, read_prediction, scored_region
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_tables import observers_of
from retseg.reporting.view_models import ClassPanels, Panel, PanelRow, Swatch
from retseg.reporting.wording import capitalised, counted

_COLUMNS, _MOST_COLUMNS = 4, 5
_MOST_CLASSES, _SMALLEST_SHARE = 8, 0.004
_WIDEST_MAP = 200
_PAINTED_QUALITY = 75
_NAMED = 4
Predictions = Sequence[tuple[RunRecord, StoredPrediction]]


class ClassPanelMaker:
    """Makes the panels of one image after the other, where every pixel is given one of several classes.

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
        self.many = is_many(records)
        # A pale grey photograph under flat colours hides what a stronger compression does to it.
        self.painted_quality = min(_PAINTED_QUALITY, config.jpeg_quality)
        # Many classes share the space, and the bytes, that four would take.
        share = min(1.0, math.sqrt(4 / max(1, prepared.classes.count)))
        self.map_width = min(_WIDEST_MAP, round(config.image_width * share))

    def panels(self, sample: Sample, case_id: str) -> CasePanels:
        """All panels of one image; `case_id` is the element that an enlarged panel returns to."""
        drawing = _Drawing(self, self.prepared.case(sample), case_id)
        rows = tuple(row for row in drawing.rows() if row.panels)
        blocks = () if self.many else tuple(drawing.class_blocks())
        columns = _MOST_COLUMNS if max(len(row.panels) for row in rows) == _MOST_COLUMNS else _COLUMNS
        return CasePanels(rows, blocks, columns, drawing.legend, drawing.note(len(blocks)) if blocks else "")


class _Drawing:
    """The panels of one image while they are being made."""

    def __init__(self, maker: ClassPanelMaker, case: Case, case_id: str) -> None:
        self.maker, self.case = maker, case
        self.image = case.sample.id
        self.numbers = PanelNumbers(case_id)
        self.truth: UInt8Array | None = case.targets.get(CLASS_MAP)
        self.observer = case.sample.reference or "reference"
        self.predicted: Predictions = [
            (record, prediction)
            for record in maker.records
            if (prediction := read_prediction(record, self.image, maker.classes)) is not None
        ]

    @cached_property
    def maps(self) -> list[UInt8Array]:
        """All class maps of this image, the reference first."""
        found = [one.class_map for _, one in self.predicted if one.class_map is not None]
        return [*([] if self.truth is None else [self.truth]), *found]

    @cached_property
    def legend(self) -> tuple[Swatch, ...]:
        """The classes that take a visible part of a map of this image, and void where the reference has any."""
        items = self.maker.classes.items
        shown = occurring(self.maps, self.maker.classes, _SMALLEST_SHARE)
        void = (VOID,) if self.truth is not None and (self.truth == self.maker.classes.ignore).any() else ()
        return (*(Swatch(items[index].name, items[index].colour) for index in shown), *void)

    def rows(self) -> Iterator[PanelRow]:
        lead = [self.photograph(), *self.reference()]
        predicted = [self.class_map(one.class_map, r.name, "Predicted classes") for r, one in self.decided()]
        errors = [panel for r, one in self.decided() for panel in self.errors(one.class_map, r, r.name)]
        name = self.observer if self.truth is not None else "no reference"
        if len(self.maker.records) == 1:
            panels = [*lead, *(replace(p, caption="Prediction") for p in predicted)]
            yield PanelRow("Classes", "", (*panels, *(replace(p, caption="Errors") for p in errors)))
        elif self.maker.many:
            yield PanelRow("Photograph and reference", name, tuple(lead))
            yield PanelRow("All systems", "errors" if errors else "classes", tuple(errors or predicted))
        elif len(lead) + len(predicted) <= _MOST_COLUMNS:
            yield PanelRow("Classes", "", (*lead, *predicted))
            yield PanelRow("Errors", "", tuple(errors))
        else:
            yield PanelRow("Photograph and reference", name, tuple(lead))
            yield PanelRow("Predicted classes", "", tuple(predicted))
            yield PanelRow("Errors", "", tuple(errors))
        if self.maker.classes.things and not self.maker.many:
            yield PanelRow("Instances", "one colour each", tuple(self.instances()))
        yield from self.observers()

    def decided(self) -> Iterator[tuple[RunRecord, StoredPrediction]]:
        return ((record, one) for record, one in self.predicted if one.class_map is not None)

    def photograph(self) -> Panel:
        picture = shrink_photograph(self.case.image, self.width)
        return self.panel(jpeg(picture, self.maker.config.jpeg_quality), "Photograph", f"Photograph {self.image}")

    @property
    def width(self) -> int:
        return self.maker.config.image_width if self.maker.many else self.maker.config.detail_width

    def reference(self) -> list[Panel]:
        if self.truth is None:
            return []
        panel = self.class_map(self.truth, self.observer, "Reference classes")
        return [replace(panel, caption="Reference")]

    def class_map(self, class_map: UInt8Array | None, who: str, what: str) -> Panel:
        assert class_map is not None
        picture = png(class_colours(class_map, self.maker.classes, self.maker.config.image_width))
        names = self.maker.classes.names
        largest = occurring([class_map], self.maker.classes, _SMALLEST_SHARE)[:_NAMED]
        said = ", ".join(f"{names[index]} {(class_map == index).mean():.0%}" for index in largest)
        alt = f"{what} of {self.image} by {who}" + (f": {said}" if said else "")
        return self.panel(picture, who, alt, legend=self.legend)

    def errors(self, class_map: UInt8Array | None, record: RunRecord, who: str) -> list[Panel]:
        """The error map; none where there is no reference."""
        if self.truth is None or class_map is None:
            return []
        region = scored_region(record, self.case)
        picture = error_colours(self.case.image, class_map, self.truth, region, self.maker.classes, self.width)
        alt = f"Errors of {who} on {self.image}: {self.wrong(class_map, region):.0%} of the pixels"
        encoded = jpeg(picture, self.maker.painted_quality, sharp_colours=True)
        return [self.panel(encoded, who, alt, legend=self.legend)]

    def wrong(self, class_map: UInt8Array, region: BoolArray) -> float:
        """The share of the counted pixels that were given a wrong class."""
        assert self.truth is not None
        counted_here = region & (self.truth != self.maker.classes.ignore)
        return float((class_map != self.truth)[counted_here].mean()) if counted_here.any() else 0.0

    def instances(self) -> Iterator[Panel]:
        """The reference's instances, then each system's, and what connected components make of its class map."""
        truth = self.case.targets.get(INSTANCES)
        known = {} if truth is None else instance_colours(truth)
        if truth is not None:
            yield self.instance_panel(truth, known, "Reference", self.observer)
        for record, prediction in self.decided():
            found, way = found_instances(record, self.image), first_way(record)
            whose = "" if len(self.maker.records) == 1 else f"{record.name}, "
            if found is not None:
                yield self.instance_panel(found, self.alike(found, truth, known), f"{whose}{way}", record.name)
            if prediction.class_map is not None and way != YARDSTICK:
                pieces = separate(prediction.class_map, self.maker.classes, {}, "components")
                colours = self.alike(pieces, truth, known)
                yield self.instance_panel(pieces, colours, f"{whose}{YARDSTICK}", record.name)

    @staticmethod
    def alike(ids: UInt16Array, truth: UInt16Array | None, known: Mapping[int, int]) -> dict[int, int]:
        """Colours in which a found figure has that of the true one that it matches."""
        if truth is None or truth.shape != ids.shape:
            return instance_colours(ids)
        return instance_colours(ids, {one: known[other] for one, other in matched(ids, truth).items()})

    def instance_panel(self, ids: UInt16Array, colours: Mapping[int, int], what: str, who: str) -> Panel:
        picture = painted_instances(self.case.image, ids, colours, self.width)
        number = len(np.unique(ids[ids > 0]))
        alt = f"{capitalised(what)} instances in {self.image} by {who}: {counted(number, 'instance')}"
        encoded = jpeg(picture, self.maker.painted_quality, sharp_colours=True)
        return self.panel(encoded, f"{capitalised(what)}: {number}", alt)

    def observers(self) -> Iterator[PanelRow]:
        names = [n for n in observers_of(self.maker.records) if n in self.case.observers] or list(self.case.observers)
        for name in names:
            label = self.case.observers[name]
            panels = [replace(self.class_map(label, name, "Drawn classes"), caption="Drawn classes")]
            panels += [replace(p, caption="Errors") for p in self.errors(label, self.maker.records[0], name)]
            yield PanelRow(name, "human observer", tuple(panels))

    def class_blocks(self) -> Iterator[ClassPanels]:
        """The reference and every system's probability of each class that occurs in a map of this image."""
        items = self.maker.classes.items
        for index in occurring(self.maps, self.maker.classes, _SMALLEST_SHARE)[:_MOST_CLASSES]:
            panels = (
                [] if self.truth is None else [self.grey_map(self.truth == index, index, "Reference", self.observer)]
            )
            for record, prediction in self.predicted:
                plane = prediction.probability(index, self.maker.classes)
                if plane is not None:
                    caption = "Probability" if len(self.maker.records) == 1 else record.name
                    panels.append(self.grey_map(plane, index, caption, record.name))
            yield ClassPanels(items[index].name, items[index].colour, tuple(panels))

    def grey_map(self, values: np.ndarray, index: int, caption: str, who: str) -> Panel:
        name = self.maker.classes.names[index]
        what = f"{name}, image {self.image}, as drawn by {who}"
        if values.dtype != bool:
            what = f"Probability of {name} by {who}, image {self.image}"
        return self.panel(png(grey(shrink_map(values, self.maker.map_width))), caption, what)

    def note(self, shown: int) -> str:
        """The heading of the probabilities, which says what it leaves out."""
        every = len(occurring(self.maps, self.maker.classes, _SMALLEST_SHARE))
        largest = f"the {shown} largest of {every} classes" if shown < every else "the classes"
        return f"Probabilities of {largest} that occur in the reference or the prediction of this image"

    def panel(self, picture: Picture, caption: str, alt: str, *, legend: tuple[Swatch, ...] = ()) -> Panel:
        return self.numbers.panel(picture, caption, alt, legend)
