"""From the pixels of a vessel graph to smooth courses with widths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter1d

from retseg.biomarkers.course import Course
from retseg.biomarkers.cross_sections import cross_sections
from retseg.biomarkers.smoothing import FloatArray, curve, in_equal_steps, odd_window, smoothed
from retseg.core.types import BoolArray
from retseg.imaging.segments import EndKind, Segment

# Windows of the local cubics in typical widths of the eye's vessels. Chosen on drawn vessels, so that the stairs of a
# mask do not look like bends: in widths and not in pixels, because an enlarged mask must give the same bends.
_FIRST_WINDOW = 2.0
_WINDOW = 4.0
# In pixels: what the stairs need that the thinnest vessels have.
_LEAST_FIRST_WINDOW = 9
_LEAST_WINDOW = 19


def traced(segments: Sequence[Segment], mask: BoolArray, field: BoolArray, typical: float) -> tuple[Course, ...]:
    """The courses of the segments of two pixels or more of a mask (H, W) without pinholes.

    `field` (H, W) is the field of view, and `typical` the mean width of the eye's vessels in pixels. A centreline of
    pixels is smoothed, moved to the middle between the walls, and smoothed again.
    """
    segments = [segment for segment in segments if len(segment.path) > 1]
    if not segments:
        return ()
    rough = [_rough(segment, typical) for segment in segments]
    points = np.concatenate(rough)
    normals = np.concatenate([_normals(path, segment.is_ring) for path, segment in zip(rough, segments, strict=True)])
    about = np.concatenate([segment.calibre for segment in segments]).astype(np.float64)
    found = cross_sections(mask, field, points, normals, about)
    own = np.concatenate([_own(segment) for segment in segments])
    # In junctions the walls are not this vessel's.
    shift = np.where(own, found.shift.clip(-0.25 * about, 0.25 * about), 0.0)
    centred = points + shift[:, None] * normals
    cuts = np.cumsum([len(path) for path in rough])[:-1]
    parts = zip(*(np.split(values, cuts) for values in (centred, found.width, own)), strict=True)
    return tuple(_course(segment, *part, typical=typical) for segment, part in zip(segments, parts, strict=True))


def _closed(path: FloatArray) -> FloatArray:
    return np.concatenate([path, path[:1]])


def _rough(segment: Segment, typical: float) -> FloatArray:
    path = segment.path.astype(np.float64)
    window = odd_window(_FIRST_WINDOW * typical, len(path), _LEAST_FIRST_WINDOW)
    return smoothed(path, window, segment.is_ring)


def _normals(path: FloatArray, closed: bool) -> FloatArray:
    along = (
        np.gradient(np.concatenate([path[-1:], path, path[:1]]), axis=0)[1:-1] if closed else np.gradient(path, axis=0)
    )
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    return np.column_stack([-along[:, 1], along[:, 0]])


def _own(segment: Segment) -> BoolArray:
    """Where a segment (N,) is on its own. Near a blunt end its centreline runs into one of the corners."""
    own = segment.own.copy()
    half = segment.median_calibre / 2
    for end, place in ((segment.start, segment.path[0]), (segment.end, segment.path[-1])):
        if end.kind in (EndKind.END_POINT, EndKind.RIM):
            own &= np.hypot(*(segment.path - place).T) >= half
    return own


def _course(segment: Segment, centred: FloatArray, width: FloatArray, own: BoolArray, *, typical: float) -> Course:
    closed = segment.is_ring
    if closed:
        centred, width, own = _closed(centred), np.append(width, width[0]), np.append(own, own[0])
    # The middles jump a little where the junctions begin: a short window makes a line of them again.
    centred = smoothed(centred, odd_window(_LEAST_FIRST_WINDOW, len(centred)), closed=False)
    step, (rows, columns, widths, known, alone) = in_equal_steps(
        centred, np.nan_to_num(width), np.isfinite(width).astype(np.float64), own.astype(np.float64)
    )
    window = odd_window(_WINDOW * typical / max(step, 1e-9), len(rows), _LEAST_WINDOW)
    line = curve(np.column_stack([rows, columns]), step, window)
    own = alone >= 1.0
    return Course(
        segment.id,
        line.points,
        line.tangent,
        line.curvature,
        _averaged(widths, own & (known >= 1.0), window),
        own,
        _settled(own, window) if window >= _LEAST_WINDOW else np.zeros_like(own),
        line.step,
    )


def _averaged(values: FloatArray, known: BoolArray, window: int) -> FloatArray:
    """The mean of the known values (N,) in a window around each of them; NaN at the others.

    One cross-section of a mask is wrong by a fraction of a pixel.
    """
    weight = uniform_filter1d(known.astype(np.float64), window, mode="constant")
    total = uniform_filter1d(np.where(known, values, 0.0), window, mode="constant")
    return np.where(known, total / np.where(known, weight, 1.0), np.nan)


def _settled(own: BoolArray, window: int) -> BoolArray:
    """Where a whole window lies on the vessel's own: in a junction its centreline turns towards the others."""
    settled: BoolArray = uniform_filter1d(own.astype(np.float64), window, mode="constant") > 1 - 0.5 / window
    return settled
