from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.reporting.figures import Series
from retseg.reporting.plane_chart import Axis, Guide, Point, Strip, clipped, plane_chart

UNIT = st.floats(-2, 3, allow_nan=False)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) ([-\d.]+)", path)]


def chart(**content):
    return plane_chart("c", "Title", Axis("x"), Axis("y"), description="d", **content)


@given(st.tuples(UNIT, UNIT), st.tuples(UNIT, UNIT))
def test_a_clipped_line_is_what_a_dense_walk_finds_inside(start, end) -> None:
    cut = clipped(start, end, Axis("x"), Axis("y"))
    walk = np.linspace(start, end, 2001)
    inside = walk[((walk >= 0) & (walk <= 1)).all(axis=1)]
    if cut is None:
        assert len(inside) == 0
        return
    step = np.abs(np.subtract(end, start)).max() / 2000 + 1e-9
    for place in cut:
        assert -1e-9 <= min(place) <= max(place) <= 1 + 1e-9
    if len(inside):
        assert np.abs(inside[0] - cut[0]).max() <= step
        assert np.abs(inside[-1] - cut[1]).max() <= step
    else:
        assert np.abs(np.subtract(*cut)).max() <= 2 * step


def test_a_curve_is_cut_where_it_leaves_the_axes_and_goes_on_where_it_returns() -> None:
    drawn = chart(series=[Series("a", [0, 0.5, 1], [0.5, 2, 0.5])])
    assert drawn is not None
    (line,) = drawn.lines
    assert line.path.count("M") == 2
    found = points(line.path)
    assert all(drawn.left <= x <= drawn.right and drawn.top <= y <= drawn.bottom for x, y in found)
    # It leaves at y = 1, a third of the way up the first half.
    assert found[1] == pytest.approx((drawn.left + (drawn.right - drawn.left) / 6, drawn.top), abs=0.1)


def test_a_missing_value_breaks_a_curve() -> None:
    drawn = chart(series=[Series("a", [0, 0.2, 0.4, 0.6, 0.8], [0.1, 0.2, float("nan"), 0.3, 0.4])])
    assert drawn is not None
    assert drawn.lines[0].path.count("M") == 2


def test_points_too_near_to_be_seen_are_dropped_but_never_the_ends() -> None:
    x = np.linspace(0, 1, 50_000)
    drawn = chart(series=[Series("a", list(x), list(x))])
    assert drawn is not None
    found = points(drawn.lines[0].path)
    assert 100 < len(found) < 1000
    assert found[0] == (drawn.left, drawn.bottom)
    assert found[-1] == (drawn.right, drawn.top)


def test_points_outside_the_axes_are_left_out_and_an_empty_plane_is_no_chart() -> None:
    assert chart() is None
    assert chart(points=[Point(0.5, 1.5)], guides=[Guide((0, 0), (1, 1))]) is None
    drawn = chart(points=[Point(0.5, 1.5), Point(0.5, 0.5, 1, "diamond", "one", "two", "three")])
    assert drawn is not None
    (mark,) = drawn.marks
    assert (mark.x, mark.y) == ((drawn.left + drawn.right) / 2, (drawn.top + drawn.bottom) / 2)
    assert (mark.hue, mark.shape, mark.label, mark.text, mark.tip) == (1, "diamond", "one", "two", "three")


def test_bars_stand_above_the_plane_over_their_part_of_the_axis() -> None:
    strips = [Strip([0, 0.5], [0.5, 1], [0.5, 0.0], hue=0), Strip([0, 0.5], [0.5, 1], [0.25, 1.0], hue=1)]
    drawn = chart(points=[Point(0.5, 0.5)], strips=strips)
    assert drawn is not None
    assert [bar.hue for bar in drawn.bars] == [0, 1, 1]
    assert all(bar.y + bar.height < drawn.top for bar in drawn.bars)
    middle = (drawn.left + drawn.right) / 2
    assert [bar.x + bar.width < middle for bar in drawn.bars] == [True, True, False]
    assert drawn.bars[2].height == pytest.approx(4 * drawn.bars[1].height, abs=0.2)


def test_guides_carry_their_words_inside_the_chart() -> None:
    guides = [
        Guide((0, 0.5), (1, 0.5), text="level"),
        Guide((0, 0.4), (1, 0.4), text="below", below=True),
        Guide((1, 0.5), (0, 0.5), text="left"),
        Guide((0.9, 0), (0.9, 1), text="upright"),
    ]
    drawn = chart(points=[Point(0.5, 0.5)], guides=guides)
    assert drawn is not None
    words = {text.words: text for text in drawn.texts}
    assert [words[name].anchor for name in ("level", "below", "left", "upright")] == ["end", "end", "start", "end"]
    half = (drawn.top + drawn.bottom) / 2
    assert words["level"].y < half < words["below"].y
    assert all(drawn.left <= text.x <= drawn.right for text in drawn.texts)
