"""The promises that the entries make about degenerate cases, checked one by one."""

from __future__ import annotations

import math

import pytest

from retseg.metrics import agreement
from retseg.metrics.counts import Counts

BLANK = Counts(fn=12, tn=88)
"""A prediction without any vessel, on a photograph that has some."""

EVERYTHING = Counts(tp=12, fp=88)
"""A prediction of vessel everywhere."""


def test_a_blank_prediction_has_a_fine_accuracy_and_nothing_else() -> None:
    assert agreement.ACCURACY.function(BLANK) == 0.88
    assert agreement.DICE.function(BLANK) == agreement.IOU.function(BLANK) == agreement.SENSITIVITY.function(BLANK) == 0
    assert agreement.SPECIFICITY.function(BLANK) == 1
    assert math.isnan(agreement.PRECISION.function(BLANK))
    assert math.isnan(agreement.MCC.function(BLANK))


def test_vessel_everywhere_finds_all_and_tells_nothing() -> None:
    assert agreement.SENSITIVITY.function(EVERYTHING) == 1
    assert agreement.SPECIFICITY.function(EVERYTHING) == 0
    assert agreement.PRECISION.function(EVERYTHING) == 0.12
    assert math.isnan(agreement.MCC.function(EVERYTHING))


def test_inverted_prediction_has_the_opposite_mcc() -> None:
    counts = Counts(tp=6, fp=2, fn=4, tn=88)
    inverted = Counts(tp=counts.fn, fp=counts.tn, fn=counts.tp, tn=counts.fp)
    assert agreement.MCC.function(inverted) == pytest.approx(-agreement.MCC.function(counts))
