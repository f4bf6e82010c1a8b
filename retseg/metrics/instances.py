"""Metrics of single things: is each one found, is it whole, is it apart from its neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from retseg.metrics.instance_matching import LEAST_IOU, Float64Array, InstanceSums, instance_sums
from retseg.metrics.metric import Metric

__all__ = ["InstanceSums", "average_precision", "instance_sums"]

# Quotients, not sums of steps: the IoU of 11 / 20 is exactly the threshold 55 / 100.
THRESHOLDS: tuple[float, ...] = tuple(percent / 100 for percent in range(50, 100, 5))
"""The IoUs over which the mean average precision is taken."""

_RECALLS: Float64Array = np.arange(101) / 100


def average_precision(sums: InstanceSums, least_iou: float) -> float:
    """Area under the interpolated precision-recall curve where an instance is found if its IoU is at least `least_iou`.

    NaN without any instance; 0 where only the truth or only the prediction has some.
    """
    if sums.empty:
        return math.nan
    if not sums.truths or not sums.found:
        return 0.0
    order = np.argsort(-sums.scores)
    hits = np.cumsum(sums.overlaps[order] >= least_iou)
    # Instances of one score enter together: which of them comes first would be chance.
    last = np.flatnonzero(np.append(np.diff(sums.scores[order]) != 0, True))
    precision, recall = hits[last] / (last + 1), hits[last] / sums.truths
    best_from_here = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(best_from_here[np.searchsorted(recall, _RECALLS)].mean())


def mean_average_precision(sums: InstanceSums) -> float:
    """Mean of the average precision over the ten IoUs 0.50, 0.55 ... 0.95."""
    return float(np.mean([average_precision(sums, threshold) for threshold in THRESHOLDS]))


def average_precision_50(sums: InstanceSums) -> float:
    """Average precision at an IoU of 0.5."""
    return average_precision(sums, LEAST_IOU)


def _agreeing(sums: InstanceSums) -> Float64Array:
    """The IoUs of the pairs that agree in more than half of their union: at most one for each instance."""
    return sums.overlaps[sums.overlaps > LEAST_IOU]


def segmentation_quality(sums: InstanceSums) -> float:
    """Mean IoU of the pairs that agree."""
    if sums.empty:
        return math.nan
    agreeing = _agreeing(sums)
    # An exactly rounded sum, so that the order of instances and images changes nothing.
    return math.fsum(agreeing) / len(agreeing) if len(agreeing) else 0.0


def recognition_quality(sums: InstanceSums) -> float:
    """F1 of finding instances."""
    return math.nan if sums.empty else 2 * len(_agreeing(sums)) / (sums.truths + sums.found)


def panoptic_quality(sums: InstanceSums) -> float:
    """How well instances are found times how well those that are found are outlined."""
    return math.nan if sums.empty else 2 * math.fsum(_agreeing(sums)) / (sums.truths + sums.found)


def aggregated_jaccard(sums: InstanceSums) -> float:
    """One Jaccard index over all instances, each with its best counterpart."""
    return sums.intersection / sums.union if sums.union else math.nan


def count_error(sums: InstanceSums) -> float:
    """By how many instances an image's count is wrong on average."""
    return sums.count_difference / sums.images if sums.images else math.nan


_COCO = (
    "Lin et al., 'Microsoft COCO: Common Objects in Context', ECCV 2014; the evaluation is described at cocodataset.org"
)
_PANOPTIC = "Kirillov et al., 'Panoptic Segmentation', CVPR 2019"
_NONE_OR_NOTHING = (
    "NaN where neither truth nor prediction has an instance; 0 where only the truth has any, and where only the"
    " prediction has."
)
_CURVE: Mapping[str, float | int | str] = {
    "area": "mean over recalls of the best precision at that recall or a higher one",
    "recalls": 101,
    "matching": "greedy by falling score, each to the free truth of the highest IoU",
    "equal scores": "enter the curve together",
}

MEAN_AVERAGE_PRECISION = Metric(
    name="map",
    title="mAP",
    definition="Mean over the IoUs 0.50, 0.55 ... 0.95 of the average precision: the area under the curve of the"
    " precision against the recall of instances, surest first, a found instance being right if its IoU with a truth"
    " that none surer has taken is at least that IoU. Asks for every thing once, whole, and for the wrong ones to be"
    " the least sure.",
    citation=_COCO,
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="instances",
    degenerate=_NONE_OR_NOTHING,
    function=mean_average_precision,
    pinned={"IoU from": THRESHOLDS[0], "IoU to": THRESHOLDS[-1], "IoU step": 0.05, **_CURVE},
)

AVERAGE_PRECISION_50 = Metric(
    name="ap50",
    title="AP at IoU 0.5",
    definition="Average precision of instances, surest first, a found instance being right if its IoU with a truth that"
    " none surer has taken is at least 0.5. Forgives rough outlines.",
    citation=_COCO,
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="instances",
    degenerate=_NONE_OR_NOTHING,
    function=average_precision_50,
    pinned={"IoU": LEAST_IOU, **_CURVE},
)

PANOPTIC_QUALITY = Metric(
    name="pq",
    title="Panoptic quality",
    definition="Sum of the IoUs of matched pairs / (pairs + half the found instances without a truth + half the truths"
    " not found), where a pair is matched if its IoU is above 0.5. It is segmentation quality times recognition"
    " quality, and does not ask how sure an instance is.",
    citation=_PANOPTIC,
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="instances",
    degenerate=_NONE_OR_NOTHING,
    function=panoptic_quality,
    pinned={"IoU above": LEAST_IOU},
)

SEGMENTATION_QUALITY = Metric(
    name="sq",
    title="Segmentation quality",
    definition="Mean IoU of the pairs of a found and a true instance whose IoU is above 0.5: how well those that were"
    " found are outlined. What was missed or made up does not enter.",
    citation=_PANOPTIC,
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="instances",
    degenerate="NaN where neither truth nor prediction has an instance; 0 where there are some but no pair matches.",
    function=segmentation_quality,
    pinned={"IoU above": LEAST_IOU},
)

RECOGNITION_QUALITY = Metric(
    name="rq",
    title="Recognition quality",
    definition="F1 of finding instances: matched pairs / (pairs + half the found instances without a truth + half the"
    " truths not found), where a pair is matched if its IoU is above 0.5. Two things found as one, or one as two, count"
    " as errors.",
    citation=_PANOPTIC,
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="instances",
    degenerate=_NONE_OR_NOTHING,
    function=recognition_quality,
    pinned={"IoU above": LEAST_IOU},
)

AGGREGATED_JACCARD = Metric(
    name="aji",
    title="Aggregated Jaccard index",
    definition="Each true instance is laid upon the found one of the highest IoU; the sum of the intersections / (the"
    " sum of the unions + the pixels of found instances that no truth used). Large instances weigh more than small"
    " ones.",
    citation="Kumar et al., 'A Dataset and a Technique for Generalized Nuclear Segmentation for Computational"
    " Pathology', IEEE Transactions on Medical Imaging 36(7), 2017",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="instances",
    degenerate=_NONE_OR_NOTHING,
    function=aggregated_jaccard,
    pinned={
        "one found instance": "may serve several truths, as in the paper",
        "a truth that nothing meets": "adds its pixels to the union",
        "equal IoU": "the one that shares more pixels, then the one whose first pixel comes first",
    },
)

COUNT_ERROR = Metric(
    name="count-error",
    title="Count error",
    definition="Mean over images of |found instances - true instances|. Counts only: one made up and one missed in the"
    " same image cancel.",
    citation="Lempitsky and Zisserman, 'Learning To Count Objects in Images', NeurIPS 2010 (mean absolute error)",
    range=(0.0, math.inf),
    higher_is_better=False,
    needs="instances",
    degenerate="NaN without an image that has a pixel that counts. An image in which there is nothing and nothing was"
    " found is counted rightly: 0.",
    function=count_error,
    pinned={"averaging": "per image"},
)
