"""The landmarks of the retina in a photograph: the optic disc and the fovea."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disc:
    """The optic disc as a circle: centre (row, column) and radius in pixels; `confidence` from 0 to 1."""

    row: float
    column: float
    radius: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Fovea:
    """The centre of sharp sight, (row, column) in pixels; `confidence` from 0 to 1."""

    row: float
    column: float
    confidence: float
