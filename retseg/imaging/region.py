"""From brightness and a fitted rim to the region of retina, to a part of a pixel at its edge.

Where brightness and rim disagree, the sharpness of the edge decides: what fades into the dark is retina that is badly
lit; a sharp edge is a cut, a notch, or the index tab that some cameras show at the rim.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array
from retseg.imaging.cuts import find_cuts
from retseg.imaging.morphology import dilated, eroded
from retseg.imaging.rays import EDGE_LEVEL, EVEN, SHARP
from retseg.imaging.rim import Points, Rim

_BOUNDED = 0.55
"""Share of a part's border that must be sharp for the part to be a thing of its own."""

_SHORTEST_CUT = 0.12
"""Length of a straight cut, as a share of the field's diameter, at least."""

_LARGEST_TAB = 0.02
"""Area of an index tab, as a share of the field of view, at most."""

_FAINTEST_TAB = 0.4
"""Brightness of an index tab, as a share of the retina's, at least: what compression smears over the rim is fainter."""

_BAND = 3
"""Pixels on both sides of the rough edge within which brightness places the exact one."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """`above` (h, w) brightness above the background, whose own noise has the deviation `noise`.

    `contrast` is the retina's typical brightness above the background; `reach` is how many pixels on both sides of an
    edge are compared.
    """

    above: Float32Array
    noise: float
    contrast: float
    reach: int

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        return self.above.shape[0], self.above.shape[1]

    @property
    def tolerance(self) -> float:
        """How far edge points of a round rim may lie off a circle, in pixels."""
        return rim_tolerance(self.shape)


def rim_tolerance(shape: tuple[int, int]) -> float:
    """How far the points of a round rim may lie off a circle in an image (H, W), in pixels."""
    return max(1.0, 0.003 * max(shape))


def lit_region(light: Light) -> BoolArray | None:
    """The largest connected part (h, w) that is brighter than background, without holes; None if there is none."""
    opened = _opened(light.above > max(5 * light.noise, 0.08 * light.contrast, 2.0), max(1, light.reach - 1))
    labels, count = ndimage.label(opened)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return _filled(labels == sizes.argmax())


def compose(light: Light, lit: BoolArray, rim: Rim, edges: Points) -> tuple[BoolArray, BoolArray]:
    """The region of retina (h, w), and the glare beside it, where brightness says nothing about the edge.

    `lit` is brighter than background; `edges` are points on sharp edges, of the rim and of straight cuts.
    """
    region = rim.depth_map(light.shape) > 0
    inside = edges[rim.depth(edges) > 2 * light.tolerance]
    for cut in find_cuts(inside, (rim.y, rim.x), _SHORTEST_CUT * rim.diameter, light.tolerance):
        kept = cut.keeps(light.shape)
        if (lit & region & ~kept).sum() < 0.01 * lit.sum():
            region &= kept
    round_area, glare = region.sum(), np.zeros_like(lit)
    for part in _parts(region & ~lit):
        if sharply_bounded(light, part, lit, dark=True):
            region &= ~part
    for part in _parts(lit & ~region):
        small = part.sum() < _LARGEST_TAB * round_area
        bright = np.median(light.above[part]) > _FAINTEST_TAB * light.contrast
        if small and bright and sharply_bounded(light, part, ~lit, dark=False):
            region |= part
        else:
            glare |= part
    return region, glare


def sharply_bounded(light: Light, part: BoolArray, other: BoolArray, *, dark: bool) -> bool:
    """Whether most of the border of a part to the `other` side is a sharp edge. `dark`: the part is the dark side."""
    border = part & dilated(other, 2)
    if not border.any():
        return False
    slope_y, slope_x = np.gradient(ndimage.gaussian_filter(part.astype(np.float32), 2.0))
    y, x = np.nonzero(border)
    outward = np.stack([slope_y[y, x], slope_x[y, x]], axis=1).astype(np.float64)
    outward *= (1 if dark else -1) / (np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9)
    points = np.stack([y, x], axis=1) + 0.5
    deep, inner, outer = (_sample(light.above, points + steps * light.reach * outward) for steps in (-3, -1, 1))
    sharp = (inner > 4 * light.noise) & (outer < SHARP * inner) & (inner > EVEN * deep)
    return bool(sharp.mean() > _BOUNDED)


def edge_field(light: Light, region: BoolArray, glare: BoolArray, rim: Rim | None) -> Float32Array:
    """A field (h, w) that is positive in the region and crosses zero at its exact edge; about pixels near the edge.

    The edge lies where brightness falls to EDGE_LEVEL of the retina just inside. Where glare or darkness hides that,
    the rim stands in.
    """
    core = eroded(region, _BAND)
    band = dilated(region, _BAND) & ~core
    weight = ndimage.gaussian_filter(core.astype(np.float32), 5.0)
    retina = ndimage.gaussian_filter(np.where(core, light.above, np.float32(0)), 5.0) / np.maximum(weight, 1e-6)
    telling = band & (weight > 1e-3) & (retina > max(6 * light.noise, 0.2 * light.contrast))
    if glare.any():
        telling &= ~dilated(glare, _BAND + 1)
    depth = np.zeros(light.shape, np.float32) if rim is None else rim.depth_map(light.shape)
    field = np.where(region, np.maximum(depth, np.float32(0.5)), np.minimum(depth, np.float32(-0.5)))
    # A blurred edge is about three pixels wide on the working copy, so this is a distance in pixels, roughly.
    field[telling] = 3 * (light.above[telling] / retina[telling] - EDGE_LEVEL)
    result: Float32Array = np.clip(field, -_BAND, _BAND)
    return result


def _opened(mask: BoolArray, size: int) -> BoolArray:
    opened: BoolArray = dilated(eroded(mask, size), size) & mask
    return opened


def _filled(mask: BoolArray) -> BoolArray:
    """Without the holes that do not touch the image's edge."""
    labels, count = ndimage.label(~mask)
    inside = np.ones(count + 1, np.bool_)
    inside[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = False
    inside[0] = True
    filled: BoolArray = inside[labels]
    return filled


def _parts(mask: BoolArray) -> list[BoolArray]:
    """The connected parts of `mask` that are more than slivers."""
    labels, count = ndimage.label(_opened(mask, 2))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return [labels == index for index in range(1, count + 1) if sizes[index] >= 30]


def _sample(values: Float32Array, points: Points) -> Float32Array:
    y = np.clip(points[:, 0].astype(np.intp), 0, values.shape[0] - 1)
    x = np.clip(points[:, 1].astype(np.intp), 0, values.shape[1] - 1)
    sampled: Float32Array = values[y, x]
    return sampled
