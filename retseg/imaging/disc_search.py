"""Where in a photograph the optic disc is likeliest: a bright round thing to which vessels run from all around.

Every place and every radius is tried at once, by correlation: how much of the circle is a step towards the light, and
how well the vessels around it point to its centre. The first alone would find the cup, a reflex or an exudate; the
second alone any branching of large vessels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from retseg.core.types import BoolArray, Float32Array
from retseg.imaging.light_steps import light_steps
from retseg.imaging.scaled_field import ScaledField
from retseg.imaging.vessel_lines import VesselLines

Transform = NDArray[np.complex64]

_RADII = np.geomspace(0.04, 0.13, 12)
"""Radii that are tried, in diameters of the field: discs in fields of 25 to 65 degrees."""

_OCTAVE = 4
"""So many neighbouring radii share one picture without vessels."""

VESSEL_SHARE = 0.4
"""Width of the widest vessels on the disc, in disc radii."""

_LEAST_VISIBLE = 0.6
"""Share of the circle that must lie in the field."""

_ALIGNMENT_WEIGHT = 0.8
# A cup is a clearer circle than the disc around it; of two concentric circles the larger is the disc.
_LARGER_WEIGHT = 0.15


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle in pixels of a small copy."""

    row: float
    column: float
    radius: float

    def distance(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """How far every pixel of a picture (h, w) lies from the centre."""
        rows, columns = (np.arange(length) - at for length, at in zip(shape, (self.row, self.column), strict=True))
        away: NDArray[np.float64] = np.hypot(rows[:, None], columns[None])
        return away


def likeliest_disc(field: ScaledField, valid: BoolArray, lines: VesselLines) -> Circle | None:
    """The likeliest place of the disc in a small copy, where `valid` (h, w); None where no circle fits the field."""
    correlate = _Correlation(valid.shape, int(0.35 * field.diameter) + 1)
    seen = correlate.prepared(valid.astype(np.float32))
    run = [correlate.prepared(part) for part in (*lines.sums(), lines.weight)]
    usual = float(lines.weight.mean())
    best, highest = None, -np.inf
    steps: list[Transform] = []
    for number, radius in enumerate(_RADII * field.diameter):
        if number % _OCTAVE == 0:
            wide = VESSEL_SHARE * _RADII[min(number + 1, len(_RADII) - 1)] * field.diameter
            light = light_steps(field, valid, wide, 0.006 * field.diameter)
            steps = [correlate.prepared(part) for part in (light.down, light.right)]
        ring = correlate.ring(radius)
        visible = np.maximum(correlate(seen, ring), 0)
        towards = -(correlate(steps[0], ring * correlate.down) + correlate(steps[1], ring * correlate.right))
        score = towards / np.maximum(visible, 0.5) + _ALIGNMENT_WEIGHT * _alignment(correlate, run, seen, usual, radius)
        score = np.where((visible > _LEAST_VISIBLE) & valid, score, -np.inf)
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        total = float(score[row, column] + _LARGER_WEIGHT * np.log(radius / (_RADII[0] * field.diameter)))
        if total > highest:
            best, highest = Circle(float(row), float(column), float(radius)), total
    return best


def _alignment(
    correlate: _Correlation, run: Sequence[Transform], seen: Transform, usual: float, radius: float
) -> Float32Array:
    """How the vessels around each place run, (h, w): 1 towards it, -1 round it; nearer to 0 where there are few.

    `run` holds the vessels' doubled directions (cosine and sine) and their weight, whose mean is `usual`.
    """
    around = ((correlate.distance > 0.9 * radius) & (correlate.distance < 2.6 * radius)).astype(np.float32)
    row, column = correlate.down, correlate.right
    towards = correlate(run[0], around * (row**2 - column**2)) + correlate(run[1], around * (2 * row * column))
    length = correlate(run[2], around) + usual * np.maximum(correlate(seen, around), 1)
    aligned: Float32Array = (towards / np.maximum(length, 1e-6)).astype(np.float32, copy=False)
    return aligned


class _Correlation:
    """Correlation of pictures (h, w) with kernels of limited reach, by Fourier transforms.

    `distance`, `down` and `right` say of every kernel pixel how far from the centre it lies, and in which direction
    (a unit vector).
    """

    def __init__(self, shape: tuple[int, ...], reach: int) -> None:
        self.shape = shape
        self.padded = tuple(fft.next_fast_len(length + reach, real=True) for length in shape)
        rows, columns = (np.fft.fftfreq(length, 1 / length).astype(np.float32) for length in self.padded)
        self.distance: Float32Array = np.hypot(rows[:, None], columns[None])
        apart = np.maximum(self.distance, 1)
        self.down: Float32Array = (rows[:, None] / apart).astype(np.float32)
        self.right: Float32Array = (columns[None] / apart).astype(np.float32)

    def ring(self, radius: float) -> Float32Array:
        """A soft circle whose pixels sum to 1."""
        ring = np.exp(-0.5 * ((self.distance - radius) / (0.07 * radius + 0.6)) ** 2)
        soft: Float32Array = ring / ring.sum()
        return soft

    def prepared(self, picture: Float32Array) -> Transform:
        """The transform of a picture (h, w)."""
        transform: Transform = fft.rfft2(picture, self.padded)
        return transform

    def __call__(self, picture: Transform, kernel: Float32Array) -> Float32Array:
        """At each place, the sum of the picture around it times the kernel."""
        whole = fft.irfft2(picture * np.conj(fft.rfft2(kernel)), self.padded)
        part: Float32Array = whole[: self.shape[0], : self.shape[1]]
        return part
