"""The deep watershed: basins of the depth inside an instance as a net sees it, joined where no valley parts them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field
from scipy import ndimage

from retseg.core.config import Section
from retseg.core.types import BoolArray, Float32Array, UInt16Array
from retseg.postprocess.basins import EIGHT, Float64Array, basins, merged
from retseg.postprocess.components import numbered
from retseg.postprocess.separation import Separation

_FAINTEST_PEAK = 0.5
"""Depth up to which a piece's peak is taken as its scale: in what is fainter still, noise would become valleys."""


class WatershedOptions(Section):
    """What can be chosen about the deep watershed."""

    contrast: float = Field(
        default=0.45,
        gt=0.0,
        lt=1.0,
        description="How far the square of the depth must fall between two peaks for them to be two instances; 1 is the"
        " highest peak of what hangs together. Parts that are thinner than an instance's middle, such as a head or a"
        " leg, are lower peaks and stay with it. Lower: more and smaller instances. Of 0.3 to 0.55, 0.4 to 0.45 was"
        " best on drawn people who overlap; 0.35 suits round things",
    )
    least_share: float = Field(
        default=0.15,
        ge=0.0,
        lt=1.0,
        description="Share of a neighbour's pixels; a part with fewer joins it: the head of somebody slim is as"
        " thick as the body, but small. 0 for things of very different sizes; of 0 to 0.2, the more the better on"
        " drawn people",
    )
    smoothing: float = Field(
        default=1.0,
        ge=0.0,
        le=50.0,
        description="Pixels; deviation of the Gaussian over the depth, against noise. Figures about 15 pixels wide are"
        " best left at 0.7 to 1, those of 50 pixels and more bear 1.5; more blurs the valleys between them away",
    )
    smallest: int = Field(
        default=16,
        ge=1,
        description="Pixels; smaller parts of a piece join their neighbour, smaller pieces are dropped",
    )


def _relative(depth: Float64Array, mask: BoolArray) -> Float64Array:
    """The depth as a share of the highest in the same connected piece of the mask, both (H, W)."""
    pieces, count = ndimage.label(mask, EIGHT)
    highest = np.ones(count + 1)
    if count:
        highest[1:] = np.maximum(ndimage.maximum(depth, pieces, range(1, count + 1)), _FAINTEST_PEAK)
    share: Float64Array = depth / highest[pieces]
    return share


def _watershed(mask: BoolArray, heads: Mapping[str, Float32Array], options: WatershedOptions) -> UInt16Array:
    smooth = ndimage.gaussian_filter(heads["distance"][0].astype(np.float64), options.smoothing)
    # Squared, a fall from a peak near 1 counts for more than one from the lower peak of a head or a leg.
    depth = _relative(smooth, mask) ** 2
    parts = merged(depth, basins(depth, mask), options.contrast, options.smallest, options.least_share)
    return numbered(parts, options.smallest)


WATERSHED = Separation(
    name="watershed",
    options=WatershedOptions,
    function=_watershed,
    needs=("distance",),
    about="Floods the depth that the head `distance` predicts, from each of its peaks, and joins basins between which"
    " it hardly falls: figures that touch or overlap have deep valleys between them and stay apart.",
    citation="Bai and Urtasun, 'Deep Watershed Transform for Instance Segmentation', CVPR 2017; basins joined by the"
    " dynamics of their peaks: Grimaud, 'New measure of contrast: the dynamics', Proc. SPIE 1769, 1992",
)
