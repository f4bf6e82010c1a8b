"""The `evaluate` section of the configuration."""

from __future__ import annotations

from pydantic import Field

from retseg.core.config import Section

METRICS_OF_THE_PROTOCOL = ("auc", "ap", "dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc")
"""The pixel metrics that the locked protocol reports for a positive class, in the order of the tables."""


class EvaluateConfig(Section):
    """What is scored and how.

    Attributes:
        split: Which split of the prepared set is scored; "all" scores every photograph.
        threshold: Binarise with `probability > threshold`; None takes the operating point stored with the weights.
        metrics: Names of registered metrics, in the order of the tables.
        allow_fit_overlap: Score patients that the weights or the threshold were fitted on. Such figures are no test
            results; the summary and the protocol line say so.
    """

    split: str = "test"
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)
    metrics: tuple[str, ...] = Field(default=METRICS_OF_THE_PROTOCOL, min_length=1)
    allow_fit_overlap: bool = False
