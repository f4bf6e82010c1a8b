"""Metrics of the distance between the boundaries of prediction and truth, in pixels.

A mask's boundary is its pixels that have a 4-neighbour outside the mask and inside the field of view; the rim of the
field of view by itself is no boundary (see `imaging.vessels.boundary`). Distances are between pixels' centres.
"""

from __future__ import annotations

import math

import numpy as np

from retseg.metrics.metric import Metric
from retseg.metrics.shapes import Shapes

PERCENTILE = 95
"""Percentile of the pooled distances that stands for the largest one."""

TOLERANCE = 2.0
"""Distance up to which boundaries agree, in pixels per 1,000 pixels of the field of view's diameter."""


def hausdorff_95(shapes: Shapes) -> float:
    """95th percentile of all distances between the two boundaries, both ways together; NaN where one has none."""
    there, back = shapes.boundary_distances
    if not len(there) or not len(back):
        return math.nan
    return float(np.percentile(np.concatenate([there, back]), PERCENTILE))


def normalised_surface_distance(shapes: Shapes) -> float:
    """Share of both boundaries that lies within the tolerance of the other; NaN where neither has any."""
    there, back = shapes.boundary_distances
    total = len(there) + len(back)
    if not total:
        return math.nan
    tolerance = TOLERANCE * shapes.diameter / 1000
    return (int((there <= tolerance).sum()) + int((back <= tolerance).sum())) / total


HD95 = Metric(
    name="hd95",
    title="HD95 (px)",
    definition="95th percentile of the distances, in pixels, from each boundary pixel of the prediction to the nearest"
    " of the truth and from each of the truth to the nearest of the prediction, all in one pool (linear interpolation"
    " between ranks). A boundary pixel is one of the mask with a 4-neighbour outside the mask and inside the field of"
    " view.",
    citation="Huttenlocher et al., 'Comparing images using the Hausdorff distance', IEEE TPAMI 15(9), 1993; Maier-Hein "
    "et al., 'Metrics reloaded', Nature Methods 21, 2024",
    range=(0.0, math.inf),
    higher_is_better=False,
    needs="shapes",
    degenerate="NaN where truth or prediction has no boundary: it is empty (there is no distance to nothing, and no"
    " number would be an honest one) or fills the field of view. A mean over images leaves these out; how many it"
    " covers is printed with it.",
    function=hausdorff_95,
    pinned={"percentile": PERCENTILE, "pooling": "both directions together", "averaging": "per image"},
)

NSD = Metric(
    name="nsd",
    title="NSD",
    definition="Normalised surface distance: share of the boundary pixels of prediction and truth together that lie"
    " within the tolerance of the other's boundary: 2 pixels per 1,000 pixels of the field of view's diameter, not"
    " rounded. A boundary pixel is one of the mask with a 4-neighbour outside the mask and inside the field of view.",
    citation="Nikolov et al., 'Deep learning to achieve clinically applicable segmentation of head and neck anatomy "
    "for radiotherapy', arXiv:1809.04430, 2018; Maier-Hein et al., 'Metrics reloaded', Nature Methods 21, 2024",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="shapes",
    degenerate="NaN where neither truth nor prediction has a boundary; 0 where only one of them has. A mask has none"
    " where it is empty or fills the field of view.",
    function=normalised_surface_distance,
    pinned={"tolerance in px per 1000 px of diameter": TOLERANCE, "averaging": "per image"},
)
