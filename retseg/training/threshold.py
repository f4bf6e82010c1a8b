"""The operating point: the threshold at which a probability counts as positive, fitted once and then frozen."""

from __future__ import annotations

from collections.abc import Sequence

from retseg.core.types import CLASS_MAP, OperatingPoint, Sample
from retseg.datasets.prepared import PreparedSet
from retseg.inference.predictor import Predictor
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram
from retseg.training.images import Report

CRITERION = "highest pooled Dice"


def fit_operating_point(
    predictor: Predictor,
    prepared: PreparedSet,
    samples: Sequence[Sample],
    split: str,
    report: Report | None = None,
) -> OperatingPoint | None:
    """The threshold with the highest Dice pooled over all pixels inside the field of view, on the native grid.

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
    histogram = ScoreHistogram.empty()
    for sample in samples:
        case = prepared.case(sample)
        truth = case.targets[CLASS_MAP]
        counted = case.fov & (truth != ignore)
        score = quantise(predictor.probabilities(case.image, case.fov)[positive][counted])
        histogram += score_histogram(score, truth[counted] == positive)
        if report is not None:
            report(0, f"fitting the threshold: {sample.id}")
    threshold, dice = histogram.best_dice_threshold()
    return OperatingPoint(
        threshold=threshold,
        criterion=CRITERION,
        dataset=prepared.name,
        split=split,
        patients=tuple(sorted({sample.patient for sample in samples})),
        value=dice if histogram.positives else None,
    )
