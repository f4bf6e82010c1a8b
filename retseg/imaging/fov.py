"""The field of view: the part of a photograph that shows retina, found from the photograph alone.

All work is done on a small copy. The background's level is read in the corners, sharp edges are sought on rays from the
middle of the retina outwards, and a circle is fitted to them. `region` decides where circle and brightness disagree.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.cuts import find_cuts
from retseg.imaging.rays import sharp_edges
from retseg.imaging.region import Light, compose, edge_field, lit_region, rim_tolerance, sharply_bounded
from retseg.imaging.rim import Points, Rim, fit_rim, outline

_WORKING_SIDE = 700
"""Pixels of the longer side of the small copy, at least: what is less than twice as large stays native."""

_DARKEST_RETINA = 12
"""Grey levels. A photograph whose brightest parts do not reach this shows nothing."""

# A rim is believed when so many edge points lie on it, in so many of 36 directions: straight cuts may take the others.
_LEAST_AGREEING = 0.25
_FEWEST_DIRECTIONS = 6

# Straight for this share of the field's size is too long for a stretch of a circle.
_LONG_CUT = 0.3


def estimate_fov(image: UInt8Array) -> BoolArray:
    """The field of view (H, W) of an (H, W, 3) uint8 photograph. All True where no border is visible."""
    height, width = image.shape[:2]
    factor = max(1, max(height, width) // _WORKING_SIDE)
    picture = Image.fromarray(image)
    small = np.asarray(picture.reduce(factor) if factor > 1 else picture)
    # The brightest channel: retina is red in most cameras, green or blue in some, and a border is dark in all.
    brightest = np.maximum(np.maximum(small[..., 0], small[..., 1]), small[..., 2])
    bright = ndimage.gaussian_filter(brightest.astype(np.float32), 0.8)
    if float(np.percentile(bright, 99)) < _DARKEST_RETINA:
        raise ImageError("no retina visible: the image is all black", fix="Remove the photograph")
    field = _signed_field(bright)
    if field is None:
        return np.ones((height, width), np.bool_)
    grown = (field.shape[1] * factor, field.shape[0] * factor)
    native = np.asarray(Image.fromarray(field).resize(grown, Image.Resampling.BILINEAR))
    fov: BoolArray = native[:height, :width] > 0
    return fov


def fov_box(fov: BoolArray) -> tuple[int, int, int, int]:
    """The smallest box (top, left, height, width) that holds the field of view (H, W)."""
    rows, columns = np.flatnonzero(fov.any(axis=1)), np.flatnonzero(fov.any(axis=0))
    if not len(rows):
        raise ImageError("the field of view is empty", fix="Remove the photograph, or correct its mask")
    top, left = int(rows[0]), int(columns[0])
    return top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1


def fov_diameter(fov: BoolArray) -> float:
    """Diameter of the field of view (H, W) in pixels: of its circle, however much of it the frame cuts away.

    Where no circle is to be seen it is the longer side of the field's box.
    """
    _, _, height, width = fov_box(fov)
    points = outline(np.where(fov, np.float32(0.5), np.float32(-0.5)))
    tolerance = rim_tolerance((height, width))
    rim = fit_rim(points, (fov.shape[0], fov.shape[1]), tolerance)
    if rim is None:
        return float(max(height, width))
    agreeing, directions = rim.agreement(points, tolerance)
    believable = agreeing > _LEAST_AGREEING and directions >= _FEWEST_DIRECTIONS
    return rim.diameter if believable else float(max(height, width))


def _signed_field(bright: Float32Array) -> Float32Array | None:
    """A field (h, w) that is positive inside the field of view, zero at its edge; None if there is no edge."""
    level, noise = _corner_background(bright)
    above = bright - np.float32(level)
    brightest = float(np.percentile(above, 99.5))
    if brightest < 3:
        return None
    contrast = float(np.median(above[above > 0.25 * brightest]))
    light = Light(above, noise, contrast, max(2, round(0.008 * max(bright.shape))))
    lit = lit_region(light)
    if lit is None or level > 0.5 * (level + contrast):
        return None
    y, x = ndimage.center_of_mass(lit)
    edges = sharp_edges(above, (y + 0.5, x + 0.5), light.reach, noise)
    firm = edges.points[edges.firm]
    rim = _believable_rim(light, lit, firm) or _believable_rim(light, lit, edges.points)
    if rim is not None:
        return edge_field(light, *compose(light, lit, rim, firm), rim)
    # Not round: either a frame of another shape, dark and sharp all around, or no border but a few dark vessels.
    framed = level < 0.25 * (level + contrast) and lit.mean() < 0.98 and sharply_bounded(light, lit, ~lit, dark=False)
    return edge_field(light, lit, np.zeros_like(lit), None) if framed else None


def _corner_background(bright: Float32Array) -> tuple[float, float]:
    """Level and noise of the darkest corner, and of the others like it: labels or flare may lie in some.

    A convex field of view that leaves any border visible leaves at least one corner dark.
    """
    side = max(3, round(0.03 * min(bright.shape)))
    ends = (slice(side), slice(-side, None))
    corners = [bright[rows, columns] for rows in ends for columns in ends]
    levels = [float(np.median(corner)) for corner in corners]
    alike = [corner.ravel() for corner, level in zip(corners, levels, strict=True) if level < min(levels) + 6]
    values = np.concatenate(alike)
    level = float(np.median(values))
    # Compression leaves corners perfectly even; half a grey level is the least noise that makes sense.
    return level, max(1.4826 * float(np.median(np.abs(values - level))), 0.5)


def _believable_rim(light: Light, lit: BoolArray, points: Points) -> Rim | None:
    """A rim through the sharp edge points, if it explains enough of them and of the lit region."""
    # First without the long straight edges: a circle that touches cuts on two sides would explain them by halves.
    y, x = ndimage.center_of_mass(lit)
    for cut in find_cuts(points, (y, x), _LONG_CUT * max(fov_box(lit)[2:]), light.tolerance):
        points = points[np.abs(cut.beyond(points)) > light.tolerance]
    rim = fit_rim(points, light.shape, light.tolerance)
    if rim is None:
        return None
    agreeing, directions = rim.agreement(points, light.tolerance)
    inside = rim.depth_map(light.shape) > 0
    fits = (lit & ~inside).sum() < 0.2 * lit.sum() and lit.sum() > 0.3 * inside.sum()
    clear = agreeing > 0.6 and directions >= 18
    likely = agreeing > _LEAST_AGREEING and directions >= _FEWEST_DIRECTIONS
    return rim if clear or (likely and fits) else None
