"""What the templates receive of a task with several classes: bars of each class, and the confusion of classes."""

from __future__ import annotations

from dataclasses import dataclass

_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class BarTick:
    """A mark on the axis of the bars: where it stands, and its label."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class BarDot:
    """One system's value of a class: where it stands, its system's index, its marker's shape, and its words."""

    x: float
    hue: int
    shape: str
    tip: str


@dataclass(frozen=True, slots=True)
class ClassBar:
    """A class of the bars: a bar of its colour for one system, a dot each for several, or the reason for neither.

    `y` is the middle of its row; `value` is written behind the bar, `size` says how many test pixels it has.
    """

    name: str
    colour: _Colour
    y: float
    width: float | None = None
    value: str = ""
    dots: tuple[BarDot, ...] = ()
    reason: str = ""
    size: str = ""


@dataclass(frozen=True, slots=True)
class ClassBars:
    """One row for each class, in the units of its own view box. `key` has each system's index, shape and name."""

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
    thick: float
    ticks: tuple[BarTick, ...]
    rows: tuple[ClassBar, ...]
    key: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """A share of a true class's pixels that were given a class.

    `strength` (0..1) is how strongly the cell is painted, `right` whether truth and prediction are the same class,
    `text` stands in it and `tip` under a pointer. `pale` says that the paint is weak enough for dark letters.
    """

    x: float
    y: float
    strength: float
    right: bool
    pale: bool
    text: str
    tip: str


@dataclass(frozen=True, slots=True)
class ConfusionClass:
    """A row and a column of the matrix: where they stand, and why the row is empty where it is."""

    name: str
    colour: _Colour
    x: float
    y: float
    size: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Confusion:
    """A confusion matrix in the units of its own view box; `cell` is the side of a cell. `folded` hides it at first."""

    id: str
    title: str
    description: str
    width: float
    height: float
    left: float
    top: float
    cell: float
    classes: tuple[ConfusionClass, ...]
    cells: tuple[ConfusionCell, ...]
    scale: tuple[tuple[str, float], ...]
    folded: bool = False
