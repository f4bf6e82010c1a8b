"""95% intervals of a system's figures by the percentile bootstrap over patients.

Efron and Tibshirani, 'An Introduction to the Bootstrap', Chapman and Hall, 1993, chapter 13; patients as the unit
after Davison and Hinkley, 'Bootstrap Methods and their Application', Cambridge University Press, 1997, section 3.8.
With few patients the interval is too narrow, for it cannot know what was never drawn: of a mean of normally
distributed values, it holds the truth 95% of the time with 30 patients, 91% with 14 and 86% with 6. Fewer are `weak`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retseg.evaluation.resampling import Float64Array, draw_patients, resampled_means, resampled_pooled
from retseg.evaluation.sums import SystemSums
from retseg.metrics.metric import Metric

MIN_PATIENTS = 6
"""Fewer patients allow no significance test: with five, even if all five differ in the same direction, the smallest
possible two-sided p of the signed-rank test is 2 / 2**5 = 0.0625. An interval from so few is marked as weak."""

LEVEL = 0.95
RESAMPLES = 10_000
METHOD = "percentile bootstrap over {}s"

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Intervals:
    """The interval of each metric, pooled and as the mean over photographs; None where there is none."""

    pooled: Mapping[str, Interval | None]
    per_image_mean: Mapping[str, Interval | None]
    n_patients: int
    n_images: int
    resamples: int
    seed: int

    @property
    def weak(self) -> bool:
        """Whether there are too few patients for the interval to be trusted."""
        return is_weak(self.n_patients)

    def to_json(self, subject: str = "patient") -> dict[str, Any]:
        """What summary.json holds. `subject` is what the patients are called."""
        return {
            "pooled": {name: _pair(interval) for name, interval in self.pooled.items()},
            "per_image_mean": {name: _pair(interval) for name, interval in self.per_image_mean.items()},
            "n_patients": self.n_patients,
            "n_images": self.n_images,
            "weak": self.weak,
            "level": LEVEL,
            "resamples": self.resamples,
            "seed": self.seed,
            "method": METHOD.format(subject),
        }


def intervals(sums: SystemSums, metrics: Sequence[Metric], *, resamples: int = RESAMPLES, seed: int = 0) -> Intervals:
    """The intervals of every metric of one system.

    Patients are drawn with replacement, all photographs of a patient together. A pooled figure is computed anew from
    the sums over the pixels of the patients drawn, a mean over their photographs. A metric of shapes has no pooled
    figure; one patient gives no interval at all.
    """
    pooled: dict[str, Interval | None] = dict.fromkeys(metric.name for metric in metrics)
    means = dict(pooled)
    patients = sums.patients
    if len(patients) > 1:
        draws = draw_patients(patients, resamples, seed)
        pooled |= {name: interval_of(values) for name, values in resampled_pooled(sums, metrics, draws).items()}
        owners = [image.patient for image in sums.images]
        for name in means:
            values = np.array([image.values.get(name, np.nan) for image in sums.images], np.float64)
            means[name] = interval_of(resampled_means(values, owners, draws))
    return Intervals(pooled, means, len(patients), len(sums.images), resamples, seed)


def interval_of(resampled: Float64Array) -> Interval | None:
    """The middle 95% of resampled figures. Undefined ones are left out; None if they are more than half."""
    known = resampled[np.isfinite(resampled)]
    if 2 * len(known) < len(resampled) or not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def is_weak(patients: int) -> bool:
    """Whether so many patients are too few for a significance test."""
    return patients < MIN_PATIENTS


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
