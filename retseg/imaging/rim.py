"""The rim of the field of view: a circle (or an ellipse with upright axes) fitted robustly to points of an outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import Float32Array

Points = NDArray[np.float64]
"""(N, 2) of y and x in pixels, measured from the image's upper left edge: a pixel's centre lies at +0.5."""

_TRIALS = 400
_MOST_POINTS = 720
_MOST_ASPECT = 1.6
# An ellipse has one freedom more than a circle; it must explain clearly more, and most, of the outline.
_ELLIPSE_GAIN = 1.15
_ELLIPSE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Rim:
    """An ellipse with upright axes; a circle where both radii are equal. All in pixels."""

    y: float
    x: float
    radius_y: float
    radius_x: float

    @property
    def radius(self) -> float:
        """Geometric mean of the two radii."""
        return float(np.sqrt(self.radius_y * self.radius_x))

    @property
    def diameter(self) -> float:
        """The longer axis."""
        return 2 * max(self.radius_y, self.radius_x)

    def depth(self, points: Points) -> NDArray[np.float64]:
        """How far points (N, 2) lie inside the rim, in pixels; negative outside. Exact for a circle."""
        v = (points[..., 0] - self.y) / self.radius_y
        u = (points[..., 1] - self.x) / self.radius_x
        depth: NDArray[np.float64] = (1 - np.sqrt(v * v + u * u)) * self.radius
        return depth

    def depth_map(self, shape: tuple[int, int]) -> Float32Array:
        """The depth of every pixel's centre of an image (H, W)."""
        v = (np.arange(shape[0], dtype=np.float32) + np.float32(0.5 - self.y)) / np.float32(self.radius_y)
        u = (np.arange(shape[1], dtype=np.float32) + np.float32(0.5 - self.x)) / np.float32(self.radius_x)
        depth: Float32Array = (1 - np.sqrt((v * v)[:, None] + (u * u)[None])) * np.float32(self.radius)
        return depth

    def agreement(self, points: Points, tolerance: float) -> tuple[float, int]:
        """Share of the points (N, 2) within 1.5 `tolerance` of the rim, and in how many of 36 directions they lie."""
        near = points[np.abs(self.depth(points)) < 1.5 * tolerance]
        direction = np.arctan2(near[:, 0] - self.y, near[:, 1] - self.x)
        return len(near) / max(len(points), 1), len(np.unique(np.floor(direction * (18 / np.pi))))


def outline(field: NDArray[Any]) -> Points:
    """Points where the outermost zero crossing of `field` (H, W) lies, seen from all four sides, to a part of a pixel.

    `field` is positive inside. Where the inside touches the image's edge there is no rim, hence no point.
    """
    along_rows = _crossings(field)
    along_columns = _crossings(field.T)[:, ::-1]
    return np.concatenate([along_rows, along_columns])


def _crossings(field: NDArray[Any]) -> Points:
    """First and last crossing in each row, as (y, x)."""
    inside = field > 0
    width = field.shape[1]
    rows = np.flatnonzero(inside.any(axis=1))
    points = []
    for first, step in ((inside[rows].argmax(axis=1), -1), (width - 1 - inside[rows, ::-1].argmax(axis=1), 1)):
        clear = (first > 0) & (first < width - 1)
        y, x = rows[clear], first[clear]
        here, beyond = field[y, x].astype(np.float64), field[y, x + step].astype(np.float64)
        points.append(np.stack([y + 0.5, x + 0.5 + step * here / (here - beyond)], axis=1))
    return np.concatenate(points)


def fit_rim(points: Points, shape: tuple[int, int], tolerance: float) -> Rim | None:
    """The circle or ellipse that most points agree with to `tolerance` pixels, or None where there is none.

    RANSAC, then least squares on the points that agree. The same points always give the same rim.
    """
    if len(points) < 12:
        return None
    rng = np.random.default_rng(0)
    few = points if len(points) <= _MOST_POINTS else points[rng.choice(len(points), _MOST_POINTS, replace=False)]
    circle, circle_votes = _most_agreed(few, shape, tolerance, rng, circular=True)
    ellipse, ellipse_votes = _most_agreed(few, shape, tolerance, rng, circular=False)
    circular = circle is not None and ellipse_votes < max(_ELLIPSE_GAIN * circle_votes, _ELLIPSE_SHARE * len(few))
    best = circle if circular else ellipse
    return None if best is None else _refined(best, points, tolerance, circular=circular)


def _most_agreed(
    points: Points, shape: tuple[int, int], tolerance: float, rng: np.random.Generator, *, circular: bool
) -> tuple[Rim | None, float]:
    """The candidate through a few random points with the most points near it, and their votes."""
    count = 3 if circular else 4
    chosen = points[rng.integers(0, len(points), (_TRIALS, count))]
    centre, scale = points.mean(axis=0), points.std() + 1e-9
    y, x = np.moveaxis((chosen - centre) / scale, -1, 0)
    # a (x^2) + b (y^2) + c x + d y = 1 with a = b for a circle.
    quadratic = (x * x + y * y,) if circular else (x * x, y * y)
    system = np.stack([*quadratic, x, y], axis=-1)
    regular = np.abs(np.linalg.det(system)) > 1e-9
    if not regular.any():
        return None, 0.0
    solution = np.linalg.solve(system[regular], np.ones((int(regular.sum()), count, 1)))[..., 0]
    a, b = solution[:, 0], solution[:, 0 if circular else 1]
    c, d = solution[:, -2], solution[:, -1]
    with np.errstate(all="ignore"):
        x0, y0 = -c / (2 * a), -d / (2 * b)
        power = 1 + a * x0 * x0 + b * y0 * y0
        radius_x, radius_y = np.sqrt(power / a) * scale, np.sqrt(power / b) * scale
        aspect = radius_x / radius_y
        radius = np.sqrt(radius_x * radius_y)
        sensible = (radius > 0.15 * min(shape)) & (radius < 1.2 * np.hypot(*shape))
        sensible &= (aspect < _MOST_ASPECT) & (aspect > 1 / _MOST_ASPECT)
    candidates = np.stack([y0 * scale + centre[0], x0 * scale + centre[1], radius_y, radius_x], axis=1)[sensible]
    if not len(candidates):
        return None, 0.0
    votes = _votes(candidates, points, tolerance)
    index = int(votes.argmax())
    if votes[index] <= 0:
        return None, 0.0
    return Rim(*map(float, candidates[index])), float(votes[index])


def _votes(candidates: NDArray[np.float64], points: Points, tolerance: float) -> NDArray[np.float64]:
    """How many points (N, 2) lie near each candidate's rim; `candidates` (M, 4) are centres and radii, as in `Rim`."""
    y, x, radius_y, radius_x = (column[:, None] for column in candidates.T)
    away = np.sqrt(((points[:, 0] - y) / radius_y) ** 2 + ((points[:, 1] - x) / radius_x) ** 2)
    depth = (1 - away) * np.sqrt(radius_y * radius_x)
    # A vote counts the more the nearer the point: a circle that merely touches a straight cut gains little.
    votes: NDArray[np.float64] = np.clip(1 - (depth / tolerance) ** 2, 0, None).sum(axis=1)
    return votes


def _refined(rim: Rim, points: Points, tolerance: float, *, circular: bool) -> Rim:
    """Gauss-Newton steps on the points that agree, which fade out smoothly towards twice the tolerance."""
    for _ in range(8):
        depth = rim.depth(points)
        weight = np.clip(1 - (depth / (2 * tolerance)) ** 2, 0, None)
        v, u = (points[:, 0] - rim.y) / rim.radius_y, (points[:, 1] - rim.x) / rim.radius_x
        length = np.hypot(v, u) + 1e-9
        # How the depth grows with the centre and the radii.
        columns = [v / length, u / length, v * v / length**2, u * u / length**2]
        if circular:
            columns[2:] = [columns[2] + columns[3]]
        matrix = np.stack(columns, axis=1)
        if (weight > 0).sum() < 2 * matrix.shape[1]:
            return rim
        step = np.linalg.lstsq(matrix * weight[:, None], -depth * weight, rcond=None)[0]
        step_y, step_x = step[2], step[-1]
        radii = (rim.radius_y + float(step_y), rim.radius_x + float(step_x))
        if min(radii) <= 0:
            return rim
        rim = Rim(rim.y + float(step[0]), rim.x + float(step[1]), *radii)
    return rim
