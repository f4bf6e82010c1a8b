"""The deep watershed: basins of what a net says about the depth inside an instance, flooded from their middles."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from scipy import ndimage
from skimage.segmentation import watershed

from retseg.core.config import Section
from retseg.core.types import BoolArray, Float32Array, UInt16Array
from retseg.postprocess.components import EIGHT, numbered
from retseg.postprocess.separation import Separation


class WatershedOptions(Section):
    """What can be chosen about the deep watershed."""

    seed: float = Field(default=0.5, gt=0.0, lt=1.0, description="Depth above which a pixel belongs to a middle")
    smallest_seed: int = Field(default=8, ge=1, description="Pixels; smaller middles are noise")
    smallest: int = Field(default=16, ge=1, description="Pixels; smaller instances are dropped")
    smoothing: float = Field(default=1.0, ge=0.0, description="Pixels; deviation of the Gaussian over the depth")


def _watershed(mask: BoolArray, heads: Mapping[str, Float32Array], options: WatershedOptions) -> UInt16Array:
    depth = ndimage.gaussian_filter(heads["distance"][0], options.smoothing)
    middles, _ = ndimage.label((depth > options.seed) & mask, EIGHT)
    seeds = numbered(middles, options.smallest_seed)
    # A figure too faint to have a middle is still there: what hangs together without one becomes its own seed.
    pieces, count = ndimage.label(mask, EIGHT)
    seeded = ndimage.maximum(seeds, pieces, range(1, count + 1)) if count else []
    for piece, highest in enumerate(seeded, start=1):
        if highest == 0:
            seeds[pieces == piece] = seeds.max() + 1
    return numbered(watershed(-depth, seeds, mask=mask), options.smallest)


WATERSHED = Separation(
    name="watershed",
    options=WatershedOptions,
    function=_watershed,
    needs=("distance",),
    about="Floods the depth that the head `distance` predicts, from where it is high: figures that touch or overlap "
    "have valleys between them and stay apart.",
    citation="Bai and Urtasun, 'Deep Watershed Transform for Instance Segmentation', CVPR 2017; Beucher and Meyer, "
    "'The morphological approach to segmentation: the watershed transformation', 1993",
)
