"""Connected components: everything that hangs together is one instance. What needs no training, and the yardstick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from retseg.core.config import Section
from retseg.core.errors import InputError
from retseg.core.types import BoolArray, Float32Array, UInt16Array
from retseg.postprocess.basins import EIGHT
from retseg.postprocess.separation import MOST_INSTANCES, Separation


class ComponentOptions(Section):
    """What can be chosen about connected components."""

    smallest: int = Field(default=16, ge=1, description="Pixels; smaller pieces are dropped")


def numbered(ids: NDArray[np.integer[Any]], smallest: int) -> UInt16Array:
    """The instances of at least `smallest` pixels of an id map (H, W), numbered anew from 1 without gaps."""
    sizes = np.bincount(ids.ravel(), minlength=1)
    kept = np.flatnonzero(sizes >= smallest)
    kept = kept[kept > 0]
    if len(kept) > MOST_INSTANCES:
        raise InputError(
            f"{len(kept)} instances of at least {smallest} pixels, more than the {MOST_INSTANCES} an id map can hold",
            where="the instances of one image",
            fix="Raise smallest, for example --set predict.separation_options.smallest=64",
        )
    table = np.zeros(len(sizes), np.uint16)
    table[kept] = np.arange(1, len(kept) + 1)
    numbers: UInt16Array = table[ids]
    return numbers


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
