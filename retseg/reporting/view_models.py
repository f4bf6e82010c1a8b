"""What the templates receive: plain, typed, already worded. A template decides nothing but the place of things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retseg.reporting.class_views import ClassBars, Confusion

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table. `best` marks the best system of a column; `small` stands under the text, in small type."""

    text: str
    best: bool = False
    small: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its heading, a smaller second part of it, and its cells.

    `human` sets an observer's row apart; `minor` mutes a row that stands beside another for comparison.
    """

    heading: str
    cells: tuple[Cell, ...]
    note: str = ""
    human: bool = False
    minor: bool = False


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows under one heading; an empty heading shows none.

    `colour` puts a swatch before the heading, `note` words after it.
    """

    heading: str
    rows: tuple[Row, ...]
    colour: Colour | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with row headings. `notes` stand under it, one paragraph each; `aside` goes on with the caption."""

    caption: str
    corner: str
    columns: tuple[str, ...]
    groups: tuple[RowGroup, ...]
    notes: tuple[str, ...] = ()
    textual: bool = False
    aside: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it stands in the chart's own units, and its label."""

    position: float
    label: str


HUMAN_HUE = -1
"""The hue of what humans drew and of lines that belong to nobody: the colour of text."""


@dataclass(frozen=True, slots=True)
class LineEnd:
    """The name of a curve beside the chart: a thin path from the curve's end, a stroke in its own style, its words.

    `x` and `y` are where the words start, level with their middle; `full` is the whole of a name that was cut.
    """

    leader: str
    sample: str
    x: float
    y: float
    words: str
    full: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: an SVG path, its system's index (which chooses the colour) and dash style, and an optional marker.

    `dash` is a style of its own for each system (0 solid), where `dashed` tells two curves of one system apart. `last`
    is where a curve ends; `end` names it there.
    """

    label: str
    path: str
    hue: int
    dashed: bool
    marker: tuple[float, float] | None = None
    dash: int = 0
    last: tuple[float, float] | None = None
    end: LineEnd | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A single point: `shape` is "dot", "small-dot", "diamond", "square", "triangle" or "bar" (an upright stroke).

    `label` stands in the key (an empty one does not), `text` beside the point, `tip` under a pointer.
    """

    x: float
    y: float
    hue: int
    shape: str
    label: str = ""
    text: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Words inside a chart, from `x` on ("start"), around it ("middle") or up to it ("end")."""

    x: float
    y: float
    words: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Bar:
    """An upright bar; `x` and `y` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    hue: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in the units of its own view box: lines, and optionally guides, bars, single points and words.

    A `wide` one takes the page's whole width, and its lines are named at their ends.
    """

    id: str
    title: str
    description: str
    x_label: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    y_label: str = ""
    guides: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()
    texts: tuple[Text, ...] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class SmallCharts:
    """Small charts on the same axes, one for each system; the path `behind` is drawn in grey in all of them."""

    id: str
    title: str
    note: str
    behind: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a page under its own heading: remarks, charts, pictures, tables, and what is folded away.

    `contents` is its short name in the list of contents; `fold` says what the folded tables are. Each of
    `folded_panels` is folded away by itself.
    """

    id: str
    heading: str
    contents: str
    remarks: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    fold: str = ""
    folded: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()
    folded_panels: tuple[Panel, ...] = ()
    bars: ClassBars | None = None
    matrices: tuple[Confusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Swatch:
    """An entry of a legend; `hatched` is drawn in two greys."""

    label: str
    colour: Colour
    hatched: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: a data URI with its size in pixels, what it shows in words, and its caption.

    `back` is the id of the element that the page returns to when the enlarged panel is closed; `legend` is shown with
    the enlarged panel.
    """

    id: str
    source: str
    width: int
    height: int
    alt: str
    caption: str
    back: str
    legend: tuple[Swatch, ...] = ()


@dataclass(frozen=True, slots=True)
class PanelRow:
    """Panels of one origin: the photograph with the reference, a system, or a human observer."""

    heading: str
    note: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class ClassPanels:
    """All panels of one class, for tasks with many classes: the reference first, then each system."""

    heading: str
    colour: Colour
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class CaseLink:
    """An entry of the list of test images."""

    id: str
    heading: str
    rank: str
    score: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """One test image with everything that is shown of it.

    `legend` has the classes that occur in it. With a `per_class_note`, its heading, `per_class` is folded away.
    """

    link: CaseLink
    subtitle: str
    scores: Table | None
    remark: str
    rows: tuple[PanelRow, ...]
    per_class: tuple[ClassPanels, ...]
    columns: int
    legend: tuple[Swatch, ...] = ()
    per_class_note: str = ""


@dataclass(frozen=True, slots=True)
class RunPage:
    """The whole research report of one or several runs. `cases` is consumed once, so that pixels are never all held.

    `patients` is the file of the clinician's page beside it, empty where there is none.
    """

    title: str
    subtitle: str
    summary: tuple[str, ...]
    side_by_side: Table | None
    validation: Table | None
    facts: tuple[Table, ...]
    charts: tuple[Chart, ...]
    small_charts: SmallCharts | None
    curve_table: Table | None
    curve_remarks: tuple[str, ...]
    scores: tuple[Table, ...]
    per_class: Table | None
    score_remarks: tuple[str, ...]
    definitions: tuple[tuple[str, str], ...]
    error_legend: tuple[Swatch, ...]
    class_legend: tuple[Swatch, ...]
    case_remarks: tuple[str, ...]
    links: tuple[CaseLink, ...]
    cases: Iterable[CaseView]
    credit: str
    banner: str = ""
    chapters: tuple[Chapter, ...] = ()
    learning: Chapter | None = None
    patients: str = ""
    error_note: str = ""
    class_note: str = ""
    medical: bool = True
