"""The field of view: the part of a photograph that shows retina, found from the photograph alone.

All work is done on a small copy. The background's level is read in the corners, the retina is what rises above it, and
a circle is fitted to its outline. Where the two disagree, the sharpness of the edge decides: a rim that fades into the
dark is retina that is badly lit; a sharp edge is a cut, a notch or the camera's index tab.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.cuts import find_cuts
from retseg.imaging.rays import EDGE_LEVEL, EVEN, SHARP, sharp_edges
from retseg.imaging.rim import Points, Rim, fit_rim, outline

_WORKING_SIDE = 700
"""Pixels of the longer side of the small copy, at least: DRIVE and STARE stay native, larger ones are averaged."""

_DARKEST_RETINA = 12
_CUT_SHARE = 0.55


@dataclass(frozen=True, slots=True)
class _Background:
    level: float
    noise: float


def estimate_fov(image: UInt8Array) -> BoolArray:
    """The field of view (H, W) of an (H, W, 3) uint8 photograph. All True where no border is visible."""
    factor = max(1, max(image.shape[:2]) // _WORKING_SIDE)
    picture = Image.fromarray(image)
    small = np.asarray(picture.reduce(factor) if factor > 1 else picture)
    # The brightest channel: retina is red in most cameras, green or blue in some, and a border is dark in all.
    bright = ndimage.gaussian_filter(small.max(axis=2).astype(np.float32), 0.8)
    if float(np.percentile(bright, 99)) < _DARKEST_RETINA:
        raise ImageError("no retina visible: the image is all black", fix="Remove the photograph")
    background = _corner_background(bright)
    whole = np.ones(image.shape[:2], np.bool_)
    field = _signed_field(bright, background)
    if field is None:
        return whole
    height, width = field.shape
    grown = Image.fromarray(field).resize((width * factor, height * factor), Image.Resampling.BILINEAR)
    fov: BoolArray = np.asarray(grown)[: image.shape[0], : image.shape[1]] > 0
    return fov


def _corner_background(bright: Float32Array) -> _Background:
    """Level and noise of the darkest corner, and of the others like it: labels or flare may lie in some.

    A convex field of view that leaves any border visible leaves at least one corner dark.
    """
    side = max(3, round(0.03 * min(bright.shape)))
    ends = (slice(side), slice(-side, None))
    corners = [bright[rows, columns] for rows in ends for columns in ends]
    levels = [float(np.median(corner)) for corner in corners]
    level = min(levels)
    alike = np.concatenate([c.ravel() for c, own in zip(corners, levels, strict=True) if own < level + 6])
    noise = 1.4826 * float(np.median(np.abs(alike - np.median(alike))))
    return _Background(float(np.median(alike)), max(noise, 0.5))


def _signed_field(bright: Float32Array, background: _Background) -> Float32Array | None:
    """A field (h, w) that is positive inside the field of view and crosses zero at its edge; None if there is no edge."""
    above = bright - np.float32(background.level)
    brightest = float(np.percentile(above, 99.5))
    contrast = float(np.median(above[above > 0.25 * brightest]))
    lit = _largest(above > max(5 * background.noise, 0.08 * contrast, 2.0))
    if lit is None or background.level > 0.5 * (background.level + contrast):
        return None
    reach = max(2, round(0.008 * max(bright.shape)))
    y, x = ndimage.center_of_mass(lit)
    edges = sharp_edges(above, (y + 0.5, x + 0.5), reach, background.noise)
    rim = _believable_rim(edges.points[edges.firm], lit) or _believable_rim(edges.points, lit)
    if rim is None and not _framed(above, lit, background, contrast, reach):
        return None
    region, glare = _composed(above, lit, rim, edges.points, reach, background.noise)
    return _edge_field(above, region, glare, rim, max(6 * background.noise, 0.2 * contrast))


def _framed(above: Float32Array, lit: BoolArray, background: _Background, contrast: float, reach: int) -> bool:
    """Whether a lit region that is not round has a border around it at all: dark, sharp, and not just a few vessels."""
    dark = background.level < 0.25 * (background.level + contrast) and lit.mean() < 0.98
    return dark and _sharply_bounded(above, lit, ~lit, reach, background.noise, dark=False)


def _largest(mask: BoolArray) -> BoolArray | None:
    """The largest connected part, freed of what hangs on to it by a thread, its holes filled."""
    opened = _opened(mask, max(1, round(0.007 * max(mask.shape))))
    labels, count = ndimage.label(opened)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return _filled(labels == sizes.argmax())


def _opened(mask: BoolArray, size: int) -> BoolArray:
    # Beyond the image's edge the retina goes on: nothing is eroded from there.
    eroded = ndimage.binary_erosion(mask, iterations=size, border_value=1)
    opened: BoolArray = ndimage.binary_dilation(eroded, iterations=size) & mask
    return opened


def _filled(mask: BoolArray) -> BoolArray:
    """Without the holes that do not touch the image's edge."""
    labels, count = ndimage.label(~mask)
    touching = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    hole = np.ones(count + 1, np.bool_)
    hole[touching] = False
    hole[0] = True
    filled: BoolArray = hole[labels]
    return filled


def _sample(values: Float32Array, points: Points) -> Float32Array:
    y = np.clip(points[:, 0].astype(np.intp), 0, values.shape[0] - 1)
    x = np.clip(points[:, 1].astype(np.intp), 0, values.shape[1] - 1)
    sampled: Float32Array = values[y, x]
    return sampled


def _sharp(above: Float32Array, points: Points, outward: Points, reach: float, noise: float) -> BoolArray:
    """Whether the brightness is even up to each point and falls off at once behind it."""
    deep = _sample(above, points - 3 * reach * outward)
    inner = _sample(above, points - reach * outward)
    outer = _sample(above, points + reach * outward)
    sharp: BoolArray = (inner > 4 * noise) & (outer < SHARP * inner) & (inner > EVEN * deep)
    return sharp


def _believable_rim(points: Points, lit: BoolArray) -> Rim | None:
    """A rim through the sharp edge points, if it explains enough of them and of the lit region."""
    shape = (lit.shape[0], lit.shape[1])
    tolerance = _tolerance(shape)
    rim = fit_rim(points, shape, tolerance)
    if rim is None:
        return None
    agree = np.abs(rim.depth(points)) < 1.5 * tolerance
    sectors = len(np.unique((rim.angles(points[agree]) * (18 / np.pi)).astype(int)))
    inside = rim.depth_map(shape) > 0
    beyond = (lit & ~inside).sum() / lit.sum()
    clear = sectors >= 18 and agree.mean() > 0.6
    likely = sectors >= 6 and agree.mean() > 0.25 and beyond < 0.2 and lit.sum() > 0.3 * inside.sum()
    return rim if clear or likely else None


def _tolerance(shape: tuple[int, int]) -> float:
    return max(1.0, 0.004 * max(shape))


def _composed(
    above: Float32Array, lit: BoolArray, rim: Rim | None, edges: Points, reach: int, noise: float
) -> tuple[BoolArray, BoolArray]:
    """The region of retina, and the glare beside it whose brightness says nothing about the edge."""
    if rim is None:
        return lit, np.zeros_like(lit)
    shape = (lit.shape[0], lit.shape[1])
    tolerance = _tolerance(shape)
    region = rim.depth_map(shape) > 0
    for cut in find_cuts(edges[rim.depth(edges) > 2 * tolerance], (rim.y, rim.x), rim.diameter, tolerance):
        kept = cut.keeps(shape)
        if (lit & region & ~kept).sum() < 0.01 * lit.sum():
            region &= kept
    round_area, glare = region.sum(), np.zeros_like(lit)
    for part in _parts(region & ~lit):
        if _sharply_bounded(above, part, lit, reach, noise, dark=True):
            region &= ~part
    for part in _parts(lit & ~region):
        if part.sum() < 0.02 * round_area and _sharply_bounded(above, part, ~lit, reach, noise, dark=False):
            region |= part
        else:
            glare |= part
    return region, glare


def _parts(mask: BoolArray) -> list[BoolArray]:
    """The connected parts of `mask` that are more than slivers."""
    labels, count = ndimage.label(_opened(mask, 2))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return [labels == index for index in range(1, count + 1) if sizes[index] >= 30]


def _sharply_bounded(
    above: Float32Array, part: BoolArray, other: BoolArray, reach: float, noise: float, *, dark: bool
) -> bool:
    """Whether most of the border between a part and the `other` side is a sharp edge; `dark`: the part is the dark side."""
    border = part & ndimage.binary_dilation(other, iterations=2)
    if not border.any():
        return False
    smooth = ndimage.gaussian_filter(part.astype(np.float32), 2.0)
    slope_y, slope_x = np.gradient(smooth)
    y, x = np.nonzero(border)
    towards_dark = np.stack([slope_y[y, x], slope_x[y, x]], axis=1) * (1 if dark else -1)
    length = np.linalg.norm(towards_dark, axis=1, keepdims=True) + 1e-9
    points = np.stack([y, x], axis=1) + 0.5
    return bool(_sharp(above, points, towards_dark / length, reach, noise).mean() > _CUT_SHARE)


def _edge_field(
    above: Float32Array, region: BoolArray, glare: BoolArray, rim: Rim | None, least: float
) -> Float32Array:
    """Brightness decides within a narrow band along the region's edge, relative to the retina just inside; else the rim."""
    core = ndimage.binary_erosion(region, iterations=3, border_value=1)
    around = ndimage.binary_dilation(region, iterations=3)
    weight = ndimage.gaussian_filter(core.astype(np.float32), 5.0)
    retina = ndimage.gaussian_filter(np.where(core, above, np.float32(0)), 5.0) / np.maximum(weight, 1e-6)
    field = np.where(core, np.float32(4), np.float32(-4))
    band = around & ~core
    reliable = band & (weight > 1e-3) & (retina > least)
    if glare.any():
        reliable &= ~ndimage.binary_dilation(glare, iterations=4)
    field[reliable] = 3 * (above[reliable] / retina[reliable] - EDGE_LEVEL)
    guessed = band & ~reliable
    outer = np.where(region, np.float32(1), np.float32(-1)) if rim is None else rim.depth_map((region.shape[0], region.shape[1]))
    field[guessed] = np.where(region, np.maximum(outer, 0.5), np.minimum(outer, -0.5))[guessed]
    result: Float32Array = np.clip(field, -4, 4)
    return result


def fov_box(fov: BoolArray) -> tuple[int, int, int, int]:
    """The smallest box (top, left, height, width) that holds the field of view."""
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
    longest = float(max(height, width))
    points = outline(np.where(fov, np.float32(0.5), np.float32(-0.5)))
    tolerance = max(1.0, 0.004 * longest)
    rim = fit_rim(points, (fov.shape[0], fov.shape[1]), tolerance)
    if rim is None or (np.abs(rim.depth(points)) < 1.5 * tolerance).mean() < 0.25:
        return longest
    return max(rim.diameter, longest)
