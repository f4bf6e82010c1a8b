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
from retseg.imaging.vessels import boundary, nearest_distance

# Windows of the local cubics in typical widths of the eye's vessels. Chosen on drawn vessels, so that the stairs of a
# mask do not look like bends: in widths and not in pixels, because an enlarged mask must give the same bends.
_FIRST_WINDOW = 2.0
_WINDOW = 4.0
# In pixels: what the stairs need that the thinnest vessels have.
_LEAST_FIRST_WINDOW = 9
_LEAST_WINDOW = 19
# In typical widths: nearer to the rim, stumps of what it has cut off bend the centreline.
_RIM = 2.0
# At how many places between two pixels of the centreline cross-sections are taken, in turn.
_PHASES = 4


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
    cuts = np.cumsum([len(path) for path in rough])[:-1]
    widths = np.split(found.width, cuts)
    lone = [_own(segment, np.isfinite(width)) for segment, width in zip(segments, widths, strict=True)]
    # In junctions the walls are not this vessel's.
    shift = np.where(np.concatenate(lone), found.shift.clip(-0.25 * about, 0.25 * about), 0.0)
    centred = np.split(points + shift[:, None] * normals, cuts)
    inland = np.split(_inland(points, field, typical), cuts)
    parts = zip(segments, centred, widths, lone, inland, strict=True)
    return tuple(_course(*part, typical) for part in parts)


def _inland(points: FloatArray, field: BoolArray, typical: float) -> BoolArray:
    """Which points (N, 2) lie two typical widths or more from the rim of the field of view."""
    padded = np.pad(field, 1)
    rim = np.argwhere(boundary(padded, np.ones_like(padded))) - 1
    return nearest_distance(np.rint(points).astype(np.intp), rim) >= _RIM * typical


def _closed(path: FloatArray) -> FloatArray:
    return np.concatenate([path, path[:1]])


def _rough(segment: Segment, typical: float) -> FloatArray:
    path = segment.path.astype(np.float64)
    window = odd_window(_FIRST_WINDOW * typical, len(path), _LEAST_FIRST_WINDOW)
    path = smoothed(path, window, segment.is_ring)
    # Along a diagonal every pixel's middle lies alike between the mask's stairs: places between pixels do not.
    onward = np.diff(path, axis=0, append=path[:1] if segment.is_ring else path[-1:])
    return path + (np.arange(len(path)) % _PHASES / _PHASES)[:, None] * onward


def _normals(path: FloatArray, closed: bool) -> FloatArray:
    along = (
        np.gradient(np.concatenate([path[-1:], path, path[:1]]), axis=0)[1:-1] if closed else np.gradient(path, axis=0)
    )
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    return np.column_stack([-along[:, 1], along[:, 0]])


def _own(segment: Segment, known: BoolArray) -> BoolArray:
    """Where a segment (N,) is on its own; `known` (N,) is where it has two walls.

    Near a blunt end the centreline runs into one of the corners, and so it does where the rim of the field of view cuts
    the vessel off: from where it has lost its first wall.
    """
    own = segment.own.copy()
    half, walled = segment.median_calibre / 2, np.flatnonzero(known)
    for end, first, sound in ((segment.start, 0, walled[:1]), (segment.end, -1, walled[-1:])):
        if end.kind == EndKind.END_POINT:
            own &= _away(segment, first) >= half
        elif end.kind == EndKind.RIM and len(sound):
            lost = slice(None, sound[0]) if first == 0 else slice(sound[0] + 1, None)
            own[lost] = False
            own &= _away(segment, int(sound[0])) >= half
    return own


def _away(segment: Segment, place: int) -> FloatArray:
    """How far (N,) each point of a segment's path is from one of them, in pixels."""
    away: FloatArray = np.hypot(*(segment.path - segment.path[place]).T)
    return away


def _course(
    segment: Segment, centred: FloatArray, width: FloatArray, own: BoolArray, inland: BoolArray, typical: float
) -> Course:
    closed = segment.is_ring
    if closed:
        centred = _closed(centred)
        width, own, inland = (np.append(values, values[0]) for values in (width, own, inland))
    # The middles jump a little where the junctions begin: a short window makes a line of them again.
    centred = smoothed(centred, odd_window(_LEAST_FIRST_WINDOW, len(centred)), closed=False)
    step, (rows, columns, widths, *shares) = in_equal_steps(
        centred, np.nan_to_num(width), *(flag.astype(np.float64) for flag in (np.isfinite(width), own, own & inland))
    )
    known, own, inland = (share >= 1.0 for share in shares)
    window = odd_window(_WINDOW * typical / max(step, 1e-9), len(rows), _LEAST_WINDOW)
    line = curve(np.column_stack([rows, columns]), step, window)
    return Course(
        segment.id,
        line.points,
        line.tangent,
        line.curvature,
        _averaged(widths, own & known, window),
        own,
        _settled(inland, window) if window >= _LEAST_WINDOW else np.zeros_like(own),
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
