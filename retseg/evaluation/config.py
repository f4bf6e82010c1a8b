"""The `evaluate` section of the configuration."""

from __future__ import annotations

from pydantic import Field

from retseg.core.config import Section

METRICS_OF_THE_PROTOCOL = (
    "auc", "ap", "dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc",
    "cldice", "betti0", "betti1", "hd95", "nsd", "ece", "ace", "brier",
)  # fmt: skip
"""What the locked protocol reports for a positive class, in the order of the tables."""


class EvaluateConfig(Section):
    """What is scored and how.

    Attributes:
        split: Which split of the prepared set is scored; "all" scores every photograph.
        threshold: Binarise with `probability > threshold`; None takes the operating point stored with the weights.
        metrics: Names of registered metrics, in the order of the tables.
        traps: Also compute what each known mistake of protocol would have reported for the same predictions.
        resamples: Draws of patients for the 95% intervals.
        resample_seed: Seed of these draws, the same for every system so that systems can be compared.
        allow_missing: Score although predictions are missing or cannot be used; the result counts and lists them.
        allow_fit_overlap: Score patients that the weights or the threshold were fitted on. Such figures are no test
            results; the summary and the protocol line say so.
    """

    split: str = "test"
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)
    metrics: tuple[str, ...] = Field(default=METRICS_OF_THE_PROTOCOL, min_length=1)
    traps: bool = False
    resamples: int = Field(default=10_000, ge=100, le=1_000_000)
    resample_seed: int = Field(default=0, ge=0)
    allow_missing: bool = False
    allow_fit_overlap: bool = False
