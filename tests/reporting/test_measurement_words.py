from __future__ import annotations

import pytest

from retseg.reporting.catalogue import language
from retseg.reporting.measured_files import Measured, Range
from retseg.reporting.measurement_words import decimals, place, said, said_range, shared_decimals, with_unit
from retseg.reporting.range_strip import range_strip, shape_of

ENGLISH = language("en")


@pytest.mark.parametrize(
    ("measured", "value", "unit", "interval"),
    [
        (Measured(0.1184, 0.111, 0.125, "fraction"), "11.8", "%", "11.1 to 12.5"),
        (Measured(71.04, 65, 78.5, "um"), "71.0", "µm", "65.0 to 78.5"),
        (Measured(63, None, None, "count"), "63", "", ""),
        (Measured(1.534), "1.53", "", ""),
        (Measured(0.0, unit="um"), "0.00", "µm", ""),
        (Measured(63.0), "63", "", ""),
        (Measured(-0.042, unit="1/mm"), "\N{MINUS SIGN}0.0420", "/mm", ""),
        (Measured(1234.5, unit="px"), "1234", "px", ""),
    ],
)
def test_values_have_three_digits_units_and_intervals(measured: Measured, value: str, unit: str, interval: str) -> None:
    told = said(measured, ENGLISH)
    assert told is not None
    assert (told.value, told.unit, told.interval) == (value, unit, interval)


def test_no_value_is_not_said_at_all() -> None:
    assert said(Measured(None), ENGLISH) is None


def test_a_row_has_the_same_decimals_everywhere() -> None:
    reference = Range(78.0, 106.0, 15, "um")
    values = [Measured(88.26, unit="um"), None, Measured(None), Measured(0.000312, unit="1/px")]
    assert shared_decimals(values, reference) == {"um": 0, "1/px": 6}
    assert said_range(reference, 0, ENGLISH) == "78 to 106\N{NO-BREAK SPACE}µm"
    assert decimals(12.5) == 1


def test_a_degree_sign_stands_close() -> None:
    assert with_unit("87.1", "°") == "87.1°"


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (Measured(5.0, 4, 6, "um"), ("within", False)),
        (Measured(1.0, 0.5, 1.5, "um"), ("below", False)),
        (Measured(1.0, 0.5, 2.5, "um"), ("below", True)),
        (Measured(9.0, 8.5, 9.5, "um"), ("above", False)),
        (Measured(9.0, 7.5, 9.5, "um"), ("above", True)),
        (Measured(9.0, None, None, "um"), ("above", False)),
        (Measured(9.0, None, None, "px"), ("none", False)),
        (Measured(None, None, None, "um"), ("none", False)),
    ],
)
def test_the_place_in_the_range(measured: Measured, expected: tuple[str, bool]) -> None:
    assert place(measured, Range(2.0, 8.0, 15, "um")) == expected
    assert place(measured, None) == ("none", False)


def test_a_strip_has_the_range_and_every_comparable_eye() -> None:
    eyes = [Measured(9.0, 8.0, 10.0, "um"), None, Measured(5.0, None, None, "um"), Measured(5.0, unit="px")]
    strip = range_strip(eyes, Range(2.0, 8.0, 15, "um"), "words")
    assert strip is not None
    first, second = strip.marks
    assert (first.shape, second.shape) == (shape_of(0), shape_of(2))
    assert 0 < strip.start < second.x < strip.end < first.x < first.high < strip.width
    assert second.low == second.high == second.x
    assert first.y < second.y < strip.height


def test_no_strip_without_something_to_compare() -> None:
    assert range_strip([Measured(5.0, unit="um")], None, "") is None
    assert range_strip([Measured(5.0, unit="px"), None], Range(2, 8, 15, "um"), "") is None
