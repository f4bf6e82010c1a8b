"""Metrics of the score itself, over all thresholds: how well it separates positive from negative pixels."""

from __future__ import annotations

from retseg.metrics.metric import Metric
from retseg.metrics.ranking import ScoreHistogram

AUC = Metric(
    name="auc",
    title="ROC AUC",
    definition="Probability that a random positive pixel scores higher than a random negative one, ties counting one "
    "half: the area under sensitivity against 1 - specificity. Exact for scores of 16 bits.",
    citation="Hanley and McNeil, 'The meaning and use of the area under a receiver operating characteristic (ROC) "
    "curve', Radiology 143(1), 1982",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="scores",
    degenerate="NaN where all pixels are positive or all are negative; 0.5 where all scores are equal.",
    function=ScoreHistogram.roc_auc,
)

AVERAGE_PRECISION = Metric(
    name="ap",
    title="Average precision",
    definition="Sum over falling thresholds of the gain in sensitivity times the precision there, with nothing "
    "interpolated: the area under precision against sensitivity. Exact for scores of 16 bits.",
    citation="Davis and Goadrich, 'The relationship between Precision-Recall and ROC curves', ICML 2006",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="scores",
    degenerate="NaN where all pixels are positive or all are negative; the share of positive pixels where all scores "
    "are equal.",
    function=ScoreHistogram.average_precision,
)
