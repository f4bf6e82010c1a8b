from __future__ import annotations

import math

import pytest

from retseg.reporting.numbers import intervals_in, mapping_in, number_in, numbers_in, scores_in


@pytest.mark.parametrize("value", [None, True, "0.5", float("nan"), float("inf"), [1]])
def test_what_is_no_finite_number_is_none(value) -> None:
    assert number_in(value) is None
    assert scores_in({"dice": value}) == {"dice": None}
    assert math.isnan(numbers_in([value])[0])


def test_numbers_are_floats() -> None:
    assert number_in(3) == 3.0
    assert numbers_in([1, 0.5]) == (1.0, 0.5)
    assert numbers_in("12") == numbers_in(None) == ()
    assert scores_in(None) == {}
    assert mapping_in([1]) == {}


def test_an_interval_needs_both_of_its_ends() -> None:
    found = {"dice": [0.7, 0.8], "auc": None, "ap": [0.1], "iou": [None, 0.4], "mcc": "ab"}
    assert intervals_in(found) == {"dice": (0.7, 0.8)}
    assert intervals_in(None) == {}
