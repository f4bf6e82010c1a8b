"""Lacunarity: how unevenly vessels and the gaps between them are spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retseg.biomarkers.box_counting import box_sizes
from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured
from retseg.core.types import BoolArray

_STRIDES = 8
"""A box glides by an eighth of its side: finer steps add nothing to the moments."""


def lacunarity(vessels: BoolArray, field: BoolArray, sizes: NDArray[np.int64]) -> float:
    """Mean over the box sizes of E[m²] / E[m]², m being the vessel pixels (H, W) in a box that glides over the field.

    1 where every box holds as much. Only boxes that lie wholly in the field of view (H, W) count.
    """
    vessel_sums, field_sums = (
        np.pad(mask, ((1, 0), (1, 0))).cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32) for mask in (vessels, field)
    )
    found = []
    for size in sizes.tolist():
        stride = max(1, size // _STRIDES)
        mass = _in_boxes(vessel_sums, size, stride)[_in_boxes(field_sums, size, stride) == size**2].astype(np.float64)
        if mass.size and mass.any():
            found.append(float((mass**2).mean() / mass.mean() ** 2))
    if len(found) < len(sizes) or not found:
        raise NotMeasured("the region is too small for the boxes")
    return float(np.mean(found))


def _in_boxes(sums: NDArray[np.int32], size: int, stride: int) -> NDArray[np.int32]:
    """How many pixels lie in each box, from the sums over all rectangles at the upper left corner."""
    rows, columns = (np.arange(0, side - size, stride) for side in sums.shape)
    lower, upper = sums[rows + size], sums[rows]
    inside: NDArray[np.int32] = (lower - upper)[:, columns + size] - (lower - upper)[:, columns]
    return inside


def _of_all(eye: Eye) -> float:
    part = eye.whole
    return lacunarity(part.vessels, part.field, box_sizes(part.diameter))


LACUNARITY = Measurement(
    name="lacunarity",
    title="Lacunarity",
    definition="Mean over box sizes of E[m²] / E[m]², m being the number of vessel pixels in a box that glides over the"
    " field of view. Ten sizes with sides from a 128th to a 16th of the field's diameter; only boxes that lie wholly"
    " in the field of view.",
    explanation="How uneven the gaps between the vessels are: 1 would be the same everywhere.\n"
    "Higher values mean larger or less regular areas without vessels.",
    kind="number",
    group="Complexity",
    citation="Allain and Cloitre, 'Characterizing the lacunarity of random and deterministic fractal sets', Physical"
    " Review A 44(6), 1991; Gould et al., 'Multifractal and lacunarity analysis of microvascular morphology and"
    " remodeling', Microcirculation 18(2), 2011",
    valid="Any photograph with vessels. Depends on the range of box sizes and on the vessels' width: compare only"
    " numbers of one program and one kind of camera.",
    function=_of_all,
)
