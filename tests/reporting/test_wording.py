from __future__ import annotations

import math

import pytest

from retseg.reporting import wording


@pytest.mark.parametrize(
    ("value", "text"), [(0.81249, "0.812"), (1.0, "1.000"), (-0.25, "−0.250"), (None, "N/A"), (math.nan, "N/A")]
)
def test_a_score_has_three_decimals_or_is_not_available(value: float | None, text: str) -> None:
    assert wording.score(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (0.43750000, "0.4375"), (0.0, "0"), (1.0, "1"), (None, "N/A")]
)
def test_a_threshold_has_no_needless_zeros(value: float | None, text: str) -> None:
    assert wording.threshold(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (48.4, "48 s"), (59.9, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (10925, "3 h 2 min")],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_things_are_counted_in_the_singular_and_the_plural() -> None:
    assert wording.counted(1, "image") == "1\N{NO-BREAK SPACE}image"
    assert wording.counted(2, "class", "classes") == "2\N{NO-BREAK SPACE}classes"
    assert wording.counted(7763043, "step").startswith("7\N{NARROW NO-BREAK SPACE}763\N{NARROW NO-BREAK SPACE}043")


def test_lists_read_like_a_sentence() -> None:
    assert [wording.listed(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert wording.capitalised("highest Dice") == "Highest Dice"
