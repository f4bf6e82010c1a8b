"""Paired dot plots as geometry: systems side by side, and each patient a line that joins the systems' values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from retseg.reporting.figures import Scale, labels, linear, ticks
from retseg.reporting.view_models import Tick
from retseg.reporting.wording import capitalised, score

_WIDTH, _HEIGHT = 440.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 428.0, 10.0, 262.0
_CHARACTER = 6.4
"""About the width of a character of an axis label in the plot's units."""


@dataclass(frozen=True, slots=True)
class PlotColumn:
    """One system of a plot: where it stands, its label there, its full name, and the height and text of its mean."""

    position: float
    label: str
    name: str
    mean: float
    mean_label: str


@dataclass(frozen=True, slots=True)
class PatientLine:
    """One patient: an SVG path through the systems' values, a dot for each, and the values in words."""

    path: str
    dots: tuple[tuple[float, float], ...]
    words: str


@dataclass(frozen=True, slots=True)
class PairedPlot:
    """A paired dot plot in the units of its own view box. `numbered` says that columns are numbers with a key."""

    id: str
    title: str
    description: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    y_ticks: tuple[Tick, ...]
    columns: tuple[PlotColumn, ...]
    patients: tuple[PatientLine, ...]
    numbered: bool
    bar: float


def paired_plot(
    identifier: str,
    title: str,
    systems: Sequence[str],
    values: Mapping[str, Mapping[str, float | None]],
    *,
    description: str,
    subject: str = "patient",
) -> PairedPlot | None:
    """A plot of `values` (system -> patient -> value), or None where fewer than two systems have any value.

    Systems stand in the order of `systems`; one without a value is left out. A patient whose value is missing for one
    system has a gap in the line there.
    """
    known = {name: _finite(values.get(name, {})) for name in systems}
    shown = [name for name in systems if known[name]]
    if len(shown) < 2:
        return None
    numbers = [value for name in shown for value in known[name].values()]
    y_ticks = ticks(min(numbers), max(numbers), 5, outward=True)
    up = linear(y_ticks[0], y_ticks[-1], _BOTTOM, _TOP)
    spacing = (_RIGHT - _LEFT) / len(shown)
    numbered = any(len(name) * _CHARACTER > spacing - 8 for name in shown)
    at = {name: _round(_LEFT + (i + 0.5) * spacing) for i, name in enumerate(shown)}

    def height(value: float) -> float:
        return _round(up(value))

    columns = tuple(
        PlotColumn(
            at[name],
            str(number) if numbered else name,
            name,
            height(mean := fmean(known[name].values())),
            score(mean),
        )
        for number, name in enumerate(shown, start=1)
    )
    patients = dict.fromkeys(patient for name in shown for patient in known[name])
    return PairedPlot(
        id=identifier,
        title=title,
        description=description,
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_RIGHT,
        top=_TOP,
        bottom=_BOTTOM,
        y_ticks=tuple(Tick(height(v), label) for v, label in zip(y_ticks, labels(y_ticks), strict=True)),
        columns=columns,
        patients=tuple(
            _patient(
                f"{capitalised(subject)} {patient}",
                [(name, at[name], known[name].get(patient)) for name in shown],
                height,
            )
            for patient in patients
        ),
        numbered=numbered,
        bar=_round(min(18.0, spacing / 4)),
    )


def _patient(name: str, values: Sequence[tuple[str, float, float | None]], height: Scale) -> PatientLine:
    parts, dots, pen_down = [], [], False
    for _, x, value in values:
        if value is None:
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{x} {height(value)}")
        dots.append((x, height(value)))
        pen_down = True
    words = ", ".join(f"{system} {score(value)}" for system, _, value in values)
    return PatientLine("".join(parts), tuple(dots), f"{name}: {words}")


def _finite(values: Mapping[str, float | None]) -> dict[str, float]:
    return {patient: value for patient, value in values.items() if value is not None and math.isfinite(value)}


def _round(value: float) -> float:
    return round(value, 1)
