"""Sums of made-up systems, for the tests of statistics."""

from __future__ import annotations

import numpy as np

from retseg.evaluation.sums import ImageSums, SystemSums
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import quantise, score_histogram
from retseg.metrics.registry import METRICS

COUNTS = [METRICS.get(name) for name in ("dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc")]
SCORES = [METRICS.get(name) for name in ("auc", "ap", "ece", "ace", "brier")]
SHAPE = Metric(
    name="bends",
    title="Bends",
    definition="A made-up figure of shape.",
    citation="None.",
    range=(0.0, 10.0),
    higher_is_better=False,
    needs="shapes",
    degenerate="Never.",
    function=lambda shapes: 0.0,
)
ALL = [*SCORES, *COUNTS, SHAPE]


def made_up(name="net", patients=8, eyes=1, *, seed=0, skill=2.0, spread=0.5, pixels=3000, **changes) -> SystemSums:
    """A system whose skill differs from patient to patient; `eyes` photographs each, of one patient nearly alike."""
    rng = np.random.default_rng(seed)
    images = []
    for patient in range(patients):
        truth = rng.random(pixels) < rng.uniform(0.06, 0.2)
        shift = skill + spread * rng.standard_normal()
        for eye in range(eyes):
            raw = rng.standard_normal(pixels) * 1.5 + np.where(truth, shift, -2.0)
            histogram = score_histogram(quantise(1 / (1 + np.exp(-raw))), truth)
            counts = histogram.counts_at(0.5)
            values = {m.name: m.function(histogram) for m in SCORES} | {m.name: m.function(counts) for m in COUNTS}
            values[SHAPE.name] = float(rng.random() + shift)
            images.append(ImageSums(f"{patient}-{eye}", f"child {patient}", counts, histogram, values))
    return SystemSums(name, changes.get("kind", "system"), 0.5, tuple(m.name for m in ALL), tuple(images))


def with_values(values: dict[str, list[float]], metric: str = SHAPE.name, name: str = "net") -> SystemSums:
    """A system of which only the values of one metric are known: patient -> one value an eye."""
    images = tuple(
        ImageSums(f"{patient}-{eye}", patient, None, None, {metric: value})
        for patient, eyes in values.items()
        for eye, value in enumerate(eyes)
    )
    return SystemSums(name, "system", None, (metric,), images)
