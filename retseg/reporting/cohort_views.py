"""What the template of the cohort's page receives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CohortCell:
    """One value in the table; `sort` is what it is sorted by, empty where there is no value."""

    text: str
    sort: str
    sign: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CohortRow:
    """One photograph. `values` holds its values on all charts, comma between them, in the order of the charts.

    `outside` counts the values outside their reference ranges; None where nothing was compared.
    """

    id: str
    page: str
    thumbnail: str
    thumbnail_size: tuple[int, int]
    title: str
    identifier: str
    eye: str
    eye_key: str
    date: str
    date_key: str
    age: str
    grade: str
    grade_words: str
    reasons: str
    outside: int | None
    cells: tuple[CohortCell, ...]
    values: str


@dataclass(frozen=True, slots=True)
class CohortColumn:
    """A measurement's column in the table."""

    title: str
    unit: str


@dataclass(frozen=True, slots=True)
class AxisMark:
    """A place on a chart's axis and its label."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """How one measurement is spread over the photographs: bars, a stroke for each photograph, the reference range.

    `low` and `high` are the values at `left` and `right`; `scale` is what a value in a row is multiplied by to be read,
    with `digits` decimals.
    """

    title: str
    unit: str
    count: int
    scale: float
    digits: int
    low: float
    high: float
    left: float
    right: float
    width: float
    height: float
    bottom: float
    bars: str
    rug: str
    band: tuple[float, float] | None
    ticks: tuple[AxisMark, ...]
    words: str


@dataclass(frozen=True, slots=True)
class CohortView:
    """The whole page."""

    patients: int
    photographs: int
    grades: tuple[tuple[str, str, int], ...]
    eyes: tuple[tuple[str, str], ...]
    columns: tuple[CohortColumn, ...]
    rows: tuple[CohortRow, ...]
    main_charts: tuple[Distribution, ...]
    more_charts: tuple[Distribution, ...]
    about_ranges: str
    model: tuple[tuple[str, str], ...]
    explanations: tuple[tuple[str, str], ...]
