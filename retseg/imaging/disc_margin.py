"""The disc's margin, from a rough circle: the steps of light on rays from its centre, and the circle through them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray
from retseg.imaging.disc_search import VESSEL_SHARE, Circle
from retseg.imaging.light_steps import LightSteps, light_steps
from retseg.imaging.scaled_field import ScaledField

Float64 = NDArray[np.float64]

_RAYS = 72
_ROUNDS = 6
_BAND = 0.3
"""How far from the circle a step is looked for, in radii."""

_LIKELY = 0.2
"""Sigma, in radii, by which a step counts less the farther it lies from the circle."""


def fit_margin(field: ScaledField, valid: BoolArray, guess: Circle) -> tuple[Circle, float]:
    """The circle of least squares through the margin, where `valid` (h, w), near the circle `guess`.

    And the share of it that is a step towards the light inside: 1 all of it, and clearly; 0 by chance.
    """
    steps = light_steps(field, valid, VESSEL_SHARE * guess.radius, 0.004 * field.diameter)
    circle = guess
    for _ in range(_ROUNDS):
        circle = _nearer(steps, circle)
    # A circle that ran away from where it began followed something else.
    apart = np.hypot(circle.row - guess.row, circle.column - guess.column)
    if apart > 0.5 * guess.radius or not 0.65 < circle.radius / guess.radius < 1.5:
        circle = guess
    return circle, _share_of_steps(steps, valid, circle)


def _nearer(steps: LightSteps, circle: Circle) -> Circle:
    """One round: the clearest step on each ray, then the circle through these, each counting by its clearness."""
    angle = np.arange(_RAYS) * (2 * np.pi / _RAYS)
    down, right = np.cos(angle)[:, None], np.sin(angle)[:, None]
    distance = np.linspace(1 - _BAND, 1 + _BAND, 41)[None] * circle.radius
    inwards = _inwards(steps, circle, down, right, distance)
    inwards = ndimage.gaussian_filter1d(inwards, 1.5, axis=0, mode="wrap")
    likely = np.exp(-0.5 * ((distance - circle.radius) / (_LIKELY * circle.radius)) ** 2)
    clear = np.clip(inwards, 0, None) * likely
    chosen = clear.argmax(axis=1)
    weight = clear[np.arange(_RAYS), chosen] ** 2
    system = np.concatenate([down, right, np.ones_like(down)], axis=1)
    beyond = distance[0, chosen] - circle.radius
    row, column, radius = np.linalg.lstsq(system * weight[:, None], beyond * weight, rcond=None)[0]
    wider = float(np.clip(circle.radius + radius, 0.5 * circle.radius, 2 * circle.radius))
    return Circle(circle.row + float(row), circle.column + float(column), wider)


def _inwards(steps: LightSteps, circle: Circle, down: Float64, right: Float64, distance: Float64) -> Float64:
    """How steeply brightness grows towards the centre at points of the rays (rays, points); 0 outside the copy."""
    places = [circle.row + distance * down, circle.column + distance * right]
    by_row, by_column = (ndimage.map_coordinates(part, places, order=1) for part in (steps.down, steps.right))
    inwards: Float64 = -(by_row * down + by_column * right)
    return inwards


def _share_of_steps(steps: LightSteps, valid: BoolArray, circle: Circle) -> float:
    angle = np.arange(_RAYS) * (2 * np.pi / _RAYS)
    down, right = np.cos(angle)[:, None], np.sin(angle)[:, None]
    # The margin is no exact circle: the clearest step within a twentieth of the radius counts.
    distance = np.linspace(0.95, 1.05, 5)[None] * circle.radius
    inwards = _inwards(steps, circle, down, right, distance).max(axis=1)
    places = [circle.row + circle.radius * down[:, 0], circle.column + circle.radius * right[:, 0]]
    seen = ndimage.map_coordinates(valid.astype(np.float32), places, order=1)
    return float(inwards[seen > 0.5].sum() / max((seen > 0.5).sum(), 0.5 * _RAYS))
