from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.reporting.figures import Series, labels, line_chart, log_ticks, ticks

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@given(NUMBERS, st.floats(1e-3, 1e6))
def test_outward_ticks_enclose_the_range_and_are_few(low: float, span: float) -> None:
    found = ticks(low, low + span, 5, outward=True)
    slack = 1e-6 * (abs(low) + span)
    assert found[0] <= low + slack
    assert found[-1] >= low + span - slack
    assert 2 <= len(found) <= 8


def test_ticks_of_epochs_are_whole() -> None:
    assert ticks(1, 3, 8, whole=True) == [1, 2, 3]
    assert ticks(1, 1, 8, whole=True) == [1]
    assert all(value.is_integer() for value in ticks(1, 100, 8, whole=True))


@given(st.floats(1e-6, 1e3), st.floats(12, 1e5))
def test_logarithmic_ticks_enclose_the_range(low: float, ratio: float) -> None:
    found = log_ticks(low, low * ratio)
    assert found[0] <= low * 1.0002
    assert found[-1] >= low * ratio * 0.9998


def test_labels_share_their_decimals() -> None:
    assert labels([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert labels([-1.0, 0.0, 1.0]) == ["−1", "0", "1"]
    assert labels([0.01, 0.1, 1.0]) == ["0.01", "0.1", "1"]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) ([-\d.]+)", path)]


def chart(*series: Series, logarithmic: bool = False):
    return line_chart("c", "Title", series, x_label="Epoch", description="d", logarithmic=logarithmic)


def test_a_curve_stays_inside_the_axes_and_rises_when_its_values_rise() -> None:
    drawn = chart(Series("a", [1, 2, 3], [0.1, 0.5, 0.9]))
    assert drawn is not None
    found = points(drawn.lines[0].path)
    assert len(found) == 3
    assert all(drawn.left <= x <= drawn.right and drawn.top <= y <= drawn.bottom for x, y in found)
    assert found[0][1] > found[1][1] > found[2][1]


def test_missing_values_break_the_line() -> None:
    drawn = chart(Series("a", [1, 2, 3, 4, 5], [0.1, 0.2, math.nan, 0.3, 0.4]))
    assert drawn is not None
    assert drawn.lines[0].path.count("M") == 2
    assert len(points(drawn.lines[0].path)) == 4


def test_a_single_point_gets_a_marker_because_no_line_shows_it() -> None:
    drawn = chart(Series("a", [1], [0.5]))
    assert drawn is not None
    assert drawn.lines[0].marker is not None


def test_a_long_curve_is_thinned_but_keeps_its_end_and_its_mark() -> None:
    count = 20_000
    drawn = chart(Series("a", list(range(count)), [i / count for i in range(count)], marked=777))
    assert drawn is not None
    assert len(points(drawn.lines[0].path)) < 600
    assert points(drawn.lines[0].path)[-1][0] == drawn.right
    assert drawn.lines[0].marker in points(drawn.lines[0].path)


def test_without_a_finite_value_there_is_no_chart() -> None:
    assert chart() is None
    assert chart(Series("a", [1, 2], [math.nan, math.nan])) is None


@pytest.mark.parametrize(("lowest", "title"), [(0.01, "Title, logarithmic scale"), (0.5, "Title"), (-0.1, "Title")])
def test_the_scale_is_logarithmic_only_for_a_wide_positive_range(lowest: float, title: str) -> None:
    drawn = chart(Series("a", [1, 2], [1.0, lowest]), logarithmic=True)
    assert drawn is not None
    assert drawn.title == title
