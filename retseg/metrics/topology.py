"""Metrics of the vessel tree's shape: are centrelines covered, is it in one piece, are its loops closed."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from retseg.core.types import BoolArray
from retseg.metrics.metric import Metric
from retseg.metrics.shapes import Shapes

_EIGHT = np.ones((3, 3), bool)


def centreline_dice(shapes: Shapes) -> float:
    """Harmonic mean of how much of each mask's centreline lies in the other mask; NaN where both are empty."""
    predicted, truth = int(shapes.predicted_skeleton.sum()), int(shapes.truth_skeleton.sum())
    if not predicted and not truth:
        return math.nan
    if not predicted or not truth:
        return 0.0
    precision = int((shapes.predicted_skeleton & shapes.truth).sum()) / predicted
    sensitivity = int((shapes.truth_skeleton & shapes.predicted).sum()) / truth
    together = precision + sensitivity
    return 2 * precision * sensitivity / together if together else 0.0


def pieces(mask: BoolArray) -> int:
    """Number of 8-connected components of a mask (H, W): its Betti number 0."""
    return int(ndimage.label(mask, _EIGHT)[1])


def holes(mask: BoolArray) -> int:
    """Number of 4-connected components of what is not in a mask (H, W), but for the outer one: its Betti number 1."""
    # One more pixel all round joins everything that reaches the edge of the array: that is outside, not a hole.
    return int(ndimage.label(np.pad(~mask, 1, constant_values=True))[1]) - 1


def pieces_difference(shapes: Shapes) -> float:
    """By how many pieces the prediction has more or fewer than the truth."""
    return math.nan if shapes.empty else float(abs(pieces(shapes.predicted) - pieces(shapes.truth)))


def holes_difference(shapes: Shapes) -> float:
    """By how many holes the prediction has more or fewer than the truth."""
    return math.nan if shapes.empty else float(abs(holes(shapes.predicted) - holes(shapes.truth)))


CLDICE = Metric(
    name="cldice",
    title="clDice",
    definition="Centreline Dice: harmonic mean of the share of the prediction's skeleton that lies in the truth and the"
    " share of the truth's skeleton that lies in the prediction, inside the field of view. Thin vessels weigh as much"
    " as thick ones of the same length.",
    citation="Shit et al., 'clDice - a novel topology-preserving loss function for tubular structure segmentation', "
    "CVPR 2021; skeletons by Zhang and Suen, Communications of the ACM 27(3), 1984",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="shapes",
    degenerate="NaN where neither truth nor prediction has a positive pixel; 0 where only one of them has.",
    function=centreline_dice,
    pinned={"skeleton": "skimage.morphology.skeletonize", "averaging": "per image"},
)

BETTI0 = Metric(
    name="betti0",
    title="Betti-0 error",
    definition="|pieces of the prediction - pieces of the truth|, a piece being an 8-connected component of the mask"
    " inside the field of view. Counts only: a piece gained here and one lost there cancel.",
    citation="Hu et al., 'Topology-preserving deep image segmentation', NeurIPS 2019",
    range=(0.0, math.inf),
    higher_is_better=False,
    needs="shapes",
    degenerate="NaN where no pixel counts. An empty mask has 0 pieces, so where one mask is empty it is the number of"
    " the other's pieces, and where both are it is 0.",
    function=pieces_difference,
    pinned={"connectivity": 8, "averaging": "per image"},
)

BETTI1 = Metric(
    name="betti1",
    title="Betti-1 error",
    definition="|holes of the prediction - holes of the truth|, a hole being a 4-connected component of the background"
    " that vessels enclose on all sides. The outside of the field of view is background: what reaches its rim is no"
    " hole. Counts only: a hole gained here and one lost there cancel.",
    citation="Hu et al., 'Topology-preserving deep image segmentation', NeurIPS 2019",
    range=(0.0, math.inf),
    higher_is_better=False,
    needs="shapes",
    degenerate="NaN where no pixel counts. An empty mask has no hole, so where one mask is empty it is the number of"
    " the other's holes, and where both are it is 0.",
    function=holes_difference,
    pinned={"connectivity of the background": 4, "averaging": "per image"},
)
