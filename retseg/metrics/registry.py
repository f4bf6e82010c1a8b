"""The metrics that can be asked for by name, in the order in which tables show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retseg.core.registry import Registry

if TYPE_CHECKING:
    from retseg.metrics.metric import Metric

METRICS: Registry[Metric] = Registry(
    "metric",
    "retseg.metrics",
    {
        "auc": "retseg.metrics.discrimination:AUC",
        "ap": "retseg.metrics.discrimination:AVERAGE_PRECISION",
        "dice": "retseg.metrics.agreement:DICE",
        "iou": "retseg.metrics.agreement:IOU",
        "accuracy": "retseg.metrics.agreement:ACCURACY",
        "sensitivity": "retseg.metrics.agreement:SENSITIVITY",
        "specificity": "retseg.metrics.agreement:SPECIFICITY",
        "precision": "retseg.metrics.agreement:PRECISION",
        "mcc": "retseg.metrics.agreement:MCC",
        "cldice": "retseg.metrics.topology:CLDICE",
        "betti0": "retseg.metrics.topology:BETTI0",
        "betti1": "retseg.metrics.topology:BETTI1",
        "hd95": "retseg.metrics.surface:HD95",
        "nsd": "retseg.metrics.surface:NSD",
        "ece": "retseg.metrics.calibration:ECE",
        "ace": "retseg.metrics.calibration:ACE",
        "brier": "retseg.metrics.calibration:BRIER",
    },
)

INSTANCE_METRICS: Registry[Metric] = Registry(
    "instance metric",
    "retseg.instance_metrics",
    {
        "map": "retseg.metrics.instances:MEAN_AVERAGE_PRECISION",
        "ap50": "retseg.metrics.instances:AVERAGE_PRECISION_50",
        "pq": "retseg.metrics.instances:PANOPTIC_QUALITY",
        "sq": "retseg.metrics.instances:SEGMENTATION_QUALITY",
        "rq": "retseg.metrics.instances:RECOGNITION_QUALITY",
        "aji": "retseg.metrics.instances:AGGREGATED_JACCARD",
        "count-error": "retseg.metrics.instances:COUNT_ERROR",
    },
)
"""The metrics of single things, told apart from each other. All of them need "instances"."""
