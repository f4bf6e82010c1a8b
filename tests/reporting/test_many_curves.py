from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.reporting.figures import Series
from retseg.reporting.many_curves import named_chart, small_charts, spread, style

NUMBERS = [float(number) for number in range(1, 6)]


def nineteen() -> list[Series]:
    """Losses that end in an order which is not that of the systems, the odd ones after three epochs."""
    found = []
    for i in range(19):
        end, epochs = (7 * i) % 19 / 10 + 0.2, 3 if i % 2 else 5
        values = [end + 1, end + 0.5, end, end, end]
        found.append(Series(f"net{i}", NUMBERS[:epochs], values[:epochs], style(i)[0], dash=style(i)[1]))
    return found


def named(series: list[Series], **settings: bool):
    return named_chart("c", "Loss", series, x_label="Epoch", description="d", **settings)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=40), st.floats(1, 30))
def test_names_keep_their_order_and_their_distance(wanted: list[float], spacing: float) -> None:
    found = spread(wanted, spacing, 0, 300)
    room = min(spacing, 300 / max(1, len(wanted) - 1))
    ordered = [place for _, place in sorted(zip(wanted, found, strict=True))]
    assert all(b - a >= room - 1e-6 for a, b in pairwise(ordered))
    assert min(found) >= -1e-6
    assert max(found) <= 300 + 1e-6


def test_names_with_room_stand_where_their_curves_end_and_others_share_the_way() -> None:
    assert spread([10, 100, 200], 16, 0, 300) == [10, 100, 200]
    # Two that meet move apart by the same amount; what would leave the chart is moved back.
    assert spread([104, 100], 16, 0, 300) == [110, 94]
    assert spread([0, 0, 300], 16, 0, 300) == [0, 16, 300]


def test_forty_systems_differ_in_colour_or_dashes_up_to_the_styles_there_are() -> None:
    assert len({style(number) for number in range(36)}) == 36


def test_every_curve_is_named_at_its_end_in_the_order_of_the_last_values() -> None:
    series = nineteen()
    chart = named(series)
    assert chart is not None
    assert chart.wide
    ends = [line.end for line in chart.lines]
    assert all(end is not None for end in ends)
    from_above = sorted(ends, key=lambda end: end.y)
    values = [float(end.words.split()[0]) for end in from_above]
    assert values == sorted(values, reverse=True)
    assert {end.words for end in ends} == {f"{one.y[-1]:.3f} {one.label}" for one in series}
    # Words begin right of the axes, and the longest of them ends inside the chart.
    assert all(chart.right < end.x < chart.width - 6 * len(end.words) for end in ends)
    assert all(b.y - a.y >= 15.8 for a, b in pairwise(from_above))


def test_a_name_is_joined_to_the_end_of_its_curve_also_where_that_ends_early() -> None:
    chart = named(nineteen())
    assert chart is not None
    for line in chart.lines:
        assert line.end is not None
        last = re.findall(r"[ML]([-\d. ]+)", line.path)[-1]
        assert line.end.leader.startswith(f"M{last}L")
        assert line.end.sample.startswith("M" + line.end.leader.rpartition("L")[2])


def test_a_curve_whose_last_value_is_missing_ends_at_the_one_before() -> None:
    chart = named([Series("a", [1, 2, 3], [0.5, 0.25, math.nan])])
    assert chart is not None
    (line,) = chart.lines
    assert line.end is not None
    assert line.end.words == "0.250 a"


def test_a_long_name_is_cut_and_kept_for_a_pointer() -> None:
    chart = named([Series("resunet18-" * 6, [1, 2], [0.5, 0.25])])
    assert chart is not None
    end = chart.lines[0].end
    assert end is not None
    assert end.words.endswith("…")
    assert end.full == "resunet18-" * 6
    assert chart.right > chart.width / 2


def test_nothing_to_draw_is_no_chart() -> None:
    assert named([]) is None
    assert named([Series("a", [1], [math.nan])]) is None
    assert small_charts("c", "t", [("a", [])], x_label="Epoch") is None


@pytest.mark.parametrize("missing", [False, True])
def test_small_charts_share_axes_and_what_is_behind(missing: bool) -> None:
    nothing = [math.nan, math.nan]
    systems = [
        ("a", [Series("training", [1, 2], [4, 1], 0), Series("validation", [1, 2], [5, 2], 0, dashed=True)]),
        ("b", [Series("training", [1, 2], nothing if missing else [3, 2], 1)]),
        ("c", [Series("training", [1, 2, 3], [8, 4, 2], 2)]),
    ]
    group = small_charts("c", "Each", systems, x_label="Epoch")
    assert group is not None
    assert [chart.title for chart in group.charts] == ["a", "b", "c"]
    assert [len(chart.lines) for chart in group.charts] == [2, 0 if missing else 1, 1]
    assert [line.hue for line in group.charts[2].lines] == [2]
    assert len({(chart.x_ticks, chart.y_ticks) for chart in group.charts}) == 1
    firsts = [chart.lines[0].path for chart in group.charts if chart.lines]
    assert group.behind == "".join(firsts)
    assert group.charts[0].description == "At the end: training 1.000, validation 2.000."
    assert max(len(chart.y_ticks) for chart in group.charts) <= 5
