"""Units: measurements are taken in pixels, and this is the one place where they become micrometres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["fraction", "number", "count", "angle", "length", "per length", "per squared length", "per area"]
"""What sort of quantity a number is.

fraction: a share from 0 to 1. number: a pure number, such as a dimension or a ratio. count: how many. angle: in
degrees. length: such as a width. per length: such as a curvature, or a length in an area. per squared length: such as a
squared curvature. per area: a count in an area.
"""


@dataclass(frozen=True, slots=True)
class Value:
    """A measured number and its unit; the unit is empty for pure numbers."""

    number: float
    unit: str

    def to_json(self) -> dict[str, Any]:
        """As files hold it."""
        return {"value": self.number, "unit": self.unit}


@dataclass(frozen=True, slots=True)
class _Unit:
    """How a kind is written.

    A number in pixels is multiplied by `pixel_factor` for the unit `pixels`. Where the scale is known, it is multiplied
    by the size of a pixel in units of `metre_unit` micrometres, raised to `power`, for the unit `metric`.
    """

    pixels: str
    metric: str
    power: int = 0
    metre_unit: float = 1.0
    pixel_factor: float = 1.0


_UNITS: dict[Kind, _Unit] = {
    "fraction": _Unit("fraction", "fraction"),
    "number": _Unit("", ""),
    "count": _Unit("count", "count"),
    "angle": _Unit("°", "°"),
    "length": _Unit("px", "µm", 1),
    "per length": _Unit("1/px", "1/mm", -1, 1000.0),
    "per squared length": _Unit("1/px²", "1/mm²", -2, 1000.0),
    # Counts in single pixels would be numbers that nobody can read.
    "per area": _Unit("1/Mpx", "1/mm²", -2, 1000.0, 1e6),
}

KINDS: tuple[Kind, ...] = tuple(_UNITS)


def in_units(number: float, kind: Kind, um_per_pixel: float | None) -> Value:
    """A number that was measured in pixels as a value: in micrometres or millimetres if the scale is known."""
    unit = _UNITS[kind]
    if um_per_pixel is None or unit.power == 0:
        return Value(number * unit.pixel_factor, unit.pixels)
    return Value(number * (um_per_pixel / unit.metre_unit) ** unit.power, unit.metric)
