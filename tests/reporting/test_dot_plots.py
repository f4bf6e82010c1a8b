from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.reporting.dot_plots import paired_plot

FIGURES = st.floats(-5, 500).map(lambda value: round(value, 4)) | st.none() | st.just(math.nan)
VALUES = {"a": {"p1": 0.5, "p2": 0.7}, "b": {"p1": 0.6, "p2": None}, "c": {}}


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def test_each_patient_is_a_line_through_the_systems() -> None:
    plot = paired_plot("x", "Dice", ("a", "b", "c"), VALUES, description="d")
    assert plot is not None
    assert [column.name for column in plot.columns] == ["a", "b"]
    first, second = plot.patients
    assert first.dots == tuple(points(first.path))
    assert [x for x, _ in first.dots] == [column.position for column in plot.columns]
    assert first.dots[1][1] < first.dots[0][1], "a larger value stands higher"
    assert len(second.dots) == 1
    assert second.words == "Patient p2: a 0.700, b N/A"
    assert [column.mean_label for column in plot.columns] == ["0.600", "0.600"]
    assert plot.columns[0].mean == plot.columns[1].mean


def test_a_gap_lifts_the_pen() -> None:
    plot = paired_plot("x", "t", "abc", {"a": {"p": 0.1}, "b": {"q": 0.2}, "c": {"p": 0.3, "q": 0.4}}, description="")
    assert plot is not None
    assert [re.sub(r"[^ML]", "", patient.path) for patient in plot.patients] == ["MM", "ML"]


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.dictionaries(st.sampled_from("pqrst"), FIGURES),
    )
)
def test_everything_lies_inside_the_plot_and_keeps_its_order(values: dict[str, dict[str, float | None]]) -> None:
    plot = paired_plot("x", "t", tuple("abcdef"), values, description="")
    known = {
        (system, patient): value
        for system, found in values.items()
        for patient, value in found.items()
        if value is not None and not math.isnan(value)
    }
    if len({system for system, _ in known}) < 2:
        assert plot is None
        return
    assert plot is not None
    dots = [dot for patient in plot.patients for dot in patient.dots]
    assert len(dots) == len(known)
    assert all(plot.left <= x <= plot.right and plot.top - 0.1 <= y <= plot.bottom + 0.1 for x, y in dots)
    heights = sorted(y for _, y in dots)
    # Larger values stand higher, up to the rounding to a tenth of a unit.
    low, high = min(known.values()), max(known.values())
    span = heights[-1] - heights[0]
    expected = sorted(heights[-1] - ((v - low) / (high - low) * span if high > low else 0) for v in known.values())
    assert heights == pytest.approx(expected, abs=0.2)


def test_long_names_become_numbers_with_a_key() -> None:
    names = ["a network with a very long name", "b", "c", "d"]
    plot = paired_plot("x", "t", names, {name: {"p": 0.5} for name in names}, description="")
    assert plot is not None
    assert plot.numbered
    assert [(column.label, column.name) for column in plot.columns] == [(str(i + 1), n) for i, n in enumerate(names)]
    short = paired_plot("x", "t", ("a", "b"), {name: {"p": 0.5} for name in "ab"}, description="")
    assert short is not None
    assert not short.numbered
