"""Metrics of a decision at one threshold: how far prediction and truth agree, pixel by pixel."""

from __future__ import annotations

from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric

DICE = Metric(
    name="dice",
    title="Dice",
    definition="2 tp / (2 tp + fp + fn): twice the overlap over the sum of both areas. Equal to F1.",
    citation="Dice, 'Measures of the amount of ecologic association between species', Ecology 26(3), 1945",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="counts",
    degenerate="NaN where neither truth nor prediction has a positive pixel; 0 where only one of them has.",
    function=Counts.dice,
)

IOU = Metric(
    name="iou",
    title="IoU",
    definition="tp / (tp + fp + fn): intersection over union.",
    citation="Jaccard, 'The distribution of the flora in the alpine zone', New Phytologist 11(2), 1912",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="counts",
    degenerate="NaN where neither truth nor prediction has a positive pixel; 0 where only one of them has.",
    function=Counts.iou,
)

ACCURACY = Metric(
    name="accuracy",
    title="Accuracy",
    definition="(tp + tn) / all: share of pixels decided rightly. High even for a blank prediction where positives are"
    " rare.",
    citation="Metz, 'Basic principles of ROC analysis', Seminars in Nuclear Medicine 8(4), 1978",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="counts",
    degenerate="NaN where no pixel was counted.",
    function=Counts.accuracy,
)

SENSITIVITY = Metric(
    name="sensitivity",
    title="Sensitivity",
    definition="tp / (tp + fn): share of the truly positive pixels that were found. Also called recall.",
    citation="Yerushalmy, 'Statistical problems in assessing methods of medical diagnosis, with special reference to "
    "X-ray techniques', Public Health Reports 62(40), 1947",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="counts",
    degenerate="NaN where the truth has no positive pixel.",
    function=Counts.sensitivity,
)

SPECIFICITY = Metric(
    name="specificity",
    title="Specificity",
    definition="tn / (tn + fp): share of the truly negative pixels that were left alone.",
    citation="Yerushalmy, 'Statistical problems in assessing methods of medical diagnosis, with special reference to "
    "X-ray techniques', Public Health Reports 62(40), 1947",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="counts",
    degenerate="NaN where the truth has no negative pixel.",
    function=Counts.specificity,
)

PRECISION = Metric(
    name="precision",
    title="Precision",
    definition="tp / (tp + fp): share of the marked pixels that are truly positive. Also called positive predictive "
    "value.",
    citation="van Rijsbergen, 'Information Retrieval', 2nd edition, Butterworths, 1979",
    range=(0.0, 1.0),
    higher_is_better=True,
    needs="counts",
    degenerate="NaN where the prediction has no positive pixel.",
    function=Counts.precision,
)

MCC = Metric(
    name="mcc",
    title="MCC",
    definition="(tp tn - fp fn) / sqrt((tp + fp)(tp + fn)(tn + fp)(tn + fn)): correlation of prediction and truth.",
    citation="Matthews, 'Comparison of the predicted and observed secondary structure of T4 phage lysozyme', "
    "Biochimica et Biophysica Acta 405(2), 1975",
    range=(-1.0, 1.0),
    higher_is_better=True,
    needs="counts",
    degenerate="NaN where truth or prediction consists of one class only (a blank prediction, for example).",
    function=Counts.mcc,
)
