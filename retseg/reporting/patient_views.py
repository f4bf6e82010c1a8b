"""What the template of a patient's page receives: already worded in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from retseg.reporting.eye_pictures import EyePictures
from retseg.reporting.range_strip import Strip

_ROWS_OF_A_PAGE = 40


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle on the photograph, in its pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class LandmarkView:
    """The disc, the circles that bound zones B and C, the fovea's centre (x, y), and a bar of known length."""

    disc: Circle | None
    zones: tuple[Circle, ...]
    fovea: tuple[float, float] | None
    cross: float
    bar: float
    bar_label: str


@dataclass(frozen=True, slots=True)
class QualityView:
    """The grade as a word for style sheets and in the reader's language, its reasons, and what was measured for it."""

    grade: str
    words: str
    reasons: tuple[str, ...]
    measures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EyeView:
    """One photograph on the page. `id` is unique on it; `shape` is that of its marks on the strips."""

    id: str
    heading: str
    note: str
    shape: str
    pictures: EyePictures
    alternative: str
    quality: QualityView
    landmarks: LandmarkView
    scale: str
    calibre_key: tuple[str, ...]
    calibre_unit: str


@dataclass(frozen=True, slots=True)
class CellView:
    """One eye's value of one measurement; where `value` is empty, `reason` says why.

    `reaching` says that the value lies outside the range and its interval does not.
    """

    value: str
    interval: str
    place: str
    place_words: str
    reaching: str
    sign: str
    reason: str


@dataclass(frozen=True, slots=True)
class MeasurementView:
    """One row of the table of measurements."""

    name: str
    title: str
    unit: str
    explanation: str
    cells: tuple[CellView, ...]
    reference: str
    strip: Strip | None
    reason: str


@dataclass(frozen=True, slots=True)
class MeasurementGroup:
    """Rows under one heading."""

    heading: str
    rows: tuple[MeasurementView, ...]


@dataclass(frozen=True, slots=True)
class VisitView:
    """The photographs of one day and their measurements. `summary` has one entry, of sentences, for each eye."""

    id: str
    heading: str
    eyes: tuple[EyeView, ...]
    summary: tuple[tuple[str, tuple[str, ...]], ...]
    groups: tuple[MeasurementGroup, ...]
    layers: tuple[str, ...]
    threshold: str

    @property
    def dense(self) -> bool:
        """Whether the table needs small type to fit on one printed page."""
        return sum(len(group.rows) + 1 for group in self.groups) > _ROWS_OF_A_PAGE


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """How one measurement is defined, when it holds, and where it comes from."""

    title: str
    explanation: str
    definition: str
    validity: str
    citation: str


@dataclass(frozen=True, slots=True)
class PatientView:
    """The whole page of one patient. `whose` heads its second sheet of paper, `row` is its first row in the cohort."""

    title: str
    row: str
    whose: str
    facts: tuple[tuple[str, str], ...]
    visits: tuple[VisitView, ...]
    about_ranges: str
    model: tuple[tuple[str, str], ...]
    definitions: tuple[DefinitionView, ...]
