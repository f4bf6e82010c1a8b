"""Connected components: everything that hangs together is one instance. What needs no training, and the yardstick."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field
from scipy import ndimage

from retseg.core.config import Section
from retseg.core.types import BoolArray, Float32Array, UInt16Array
from retseg.postprocess.separation import Separation

EIGHT = np.ones((3, 3), bool)


class ComponentOptions(Section):
    """What can be chosen about connected components."""

    smallest: int = Field(default=16, ge=1, description="Pixels; smaller pieces are dropped")


def numbered(ids: UInt16Array, smallest: int) -> UInt16Array:
    """The instances of at least `smallest` pixels, numbered anew from 1 without gaps."""
    sizes = np.bincount(ids.ravel())
    kept = np.flatnonzero(sizes >= smallest)
    kept = kept[kept > 0]
    table = np.zeros(len(sizes), np.uint16)
    table[kept] = np.arange(1, len(kept) + 1)
    return table[ids]


def _components(mask: BoolArray, heads: Mapping[str, Float32Array], options: ComponentOptions) -> UInt16Array:
    labels, _ = ndimage.label(mask, EIGHT)
    return numbered(labels, options.smallest)


COMPONENTS = Separation(
    name="components",
    options=ComponentOptions,
    function=_components,
    needs=(),
    about="Pixels that touch, also at corners, are one instance. Instances that touch each other become one.",
    citation="Rosenfeld and Pfaltz, 'Sequential Operations in Digital Picture Processing', Journal of the ACM 13, 1966",
)
