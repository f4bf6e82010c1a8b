"""The operating point: the threshold at which a probability counts as positive, fitted once and then frozen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retseg.core.types import CLASS_MAP, OperatingPoint, Sample
from retseg.datasets.prepared import PreparedSet
from retseg.inference.predictor import Predictor
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram
from retseg.training.images import Report

CRITERION = "highest pooled Dice"
ALIKE = ", every dataset counting alike"


def fit_operating_point(
    predictor: Predictor,
    prepared: PreparedSet,
    samples: Sequence[Sample],
    split: str,
    report: Report | None = None,
) -> OperatingPoint | None:
    """The threshold with the highest Dice pooled over all pixels inside the field of view, on the native grid.

    Of a joined set the members count alike, however many pixels their photographs have: the threshold is to hold for
    cameras, and a camera of ten times the pixels is still one camera.

    Args:
        predictor: The trained net.
        prepared: Where the photographs are.
        samples: Labelled photographs of training or validation patients, never of test patients.
        split: What they are called: "train" or "validation".
        report: Told of each photograph.

    Returns:
        None for a task without a positive class, where the most probable class is taken.
    """
    positive, ignore = prepared.classes.positive, prepared.classes.ignore
    if positive is None:
        return None
    histograms: dict[str, ScoreHistogram] = {}
    for sample in samples:
        case = prepared.case(sample)
        truth = case.targets[CLASS_MAP]
        counted = case.fov & (truth != ignore)
        score = quantise(predictor.probabilities(case.image, case.fov)[positive][counted])
        dataset = prepared.dataset_of(sample)
        found = score_histogram(score, truth[counted] == positive)
        histograms[dataset] = histograms.get(dataset, ScoreHistogram.empty()) + found
        if report is not None:
            report(0, f"fitting the threshold: {sample.id}")
    histogram = _counted_alike(list(histograms.values()))
    threshold, dice = histogram.best_dice_threshold()
    return OperatingPoint(
        threshold=threshold,
        criterion=CRITERION + (ALIKE if len(histograms) > 1 else ""),
        dataset=prepared.name,
        split=split,
        patients=tuple(sorted({sample.patient for sample in samples})),
        value=dice if histogram.positives else None,
    )


def _counted_alike(histograms: Sequence[ScoreHistogram]) -> ScoreHistogram:
    """The sum of histograms, each as often as makes it about as large as the largest."""
    sizes = [histogram.positives + histogram.negatives for histogram in histograms]
    total = ScoreHistogram.empty()
    for histogram, size in zip(histograms, sizes, strict=True):
        times = np.int64(round(max(sizes) / max(size, 1)))
        total += ScoreHistogram(histogram.pos * times, histogram.neg * times)
    return total
