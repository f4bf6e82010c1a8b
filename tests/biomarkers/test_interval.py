import numpy as np
import pytest

from retseg.biomarkers.interval import Interval, doubtful_masks, shipped_margins, with_interval
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import Value


def test_doubt_lets_vessels_grow_and_shrink_but_makes_no_new_ones():
    probability = np.zeros((20, 40), np.float32)
    probability[8:13, 2:38] = 0.45  # the edge of a vessel
    probability[9:12, 2:38] = 0.9
    probability[9:12, 20:24] = 0.55  # which is faint for a while
    probability[2:4, 30:34] = 0.45  # something else that is doubtful
    mask = probability > 0.5
    wider, narrower = doubtful_masks(mask, probability, 0.5, 0.6)
    assert wider[8, 10]
    assert not wider[2, 30]
    assert (wider & mask).sum() == mask.sum()
    assert not narrower[10, 21]
    assert narrower[10, 10]
    assert not (narrower & ~mask).any()
    assert doubtful_masks(mask, probability, 0.5, 0.0) == []


def test_an_interval_spans_all_values_and_is_unknown_where_one_is():
    value, others = Value(1.1, "µm"), [{"a": Value(1.3, "µm")}, {"a": Value(1.2, "µm")}]
    assert with_interval(value, others, "a", {}) == Interval(value, 1.1, 1.3)
    gone = NotMeasured("no vessel")
    assert with_interval(value, [{"a": gone}, others[0]], "a", {}) == Interval(value, None, None)
    assert with_interval(gone, others, "a", {}) is gone


def test_an_interval_is_widened_by_a_share_of_the_value_but_not_below_zero():
    value, others = Value(2.0, ""), [{"a": Value(1.5, "")}, {"a": Value(2.5, "")}]
    found = with_interval(value, others, "a", {"a": 0.25, "b": 9.0})
    assert (found.low, found.high) == (1.0, 3.0)
    wide = with_interval(value, others, "a", {"a": 5.0})
    assert (wide.low, wide.high) == (0.0, 12.5)


def test_the_margins_that_ship_are_shares_of_known_measurements():
    margins = shipped_margins()
    assert margins, "benchmarks/interval_margins.py makes them"
    assert set(margins) <= set(BIOMARKERS.names())
    assert all(0 <= share < 10 for share in margins.values())


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_thresholds_at_the_ends_are_no_trouble(threshold):
    mask = np.zeros((5, 5), bool)
    assert len(doubtful_masks(mask, np.zeros((5, 5), np.float32), threshold, 0.6)) == 2
