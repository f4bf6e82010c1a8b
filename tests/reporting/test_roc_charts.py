from __future__ import annotations

import re
from dataclasses import replace

import pytest

from retseg.reporting.roc_charts import curve_chapter, reliability_chart, reliability_table, sweep_charts
from retseg.reporting.run_files import read_run
from retseg.reporting.view_models import HUMAN_HUE


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


@pytest.fixture(scope="module")
def drawn(records):
    chapter = curve_chapter(records)
    assert chapter is not None
    return {chart.id: chart for chart in chapter.charts}


def value_at(chart, x: float, y: float, window: tuple[float, float, float, float]) -> tuple[float, float]:
    """Where a point of a chart stands on its axes (low and high of x, of y)."""
    across = window[0] + (x - chart.left) / (chart.right - chart.left) * (window[1] - window[0])
    return across, window[2] + (chart.bottom - y) / (chart.bottom - chart.top) * (window[3] - window[2])


def test_all_systems_lie_over_each_other_and_differ_by_colour_and_dash(drawn) -> None:
    for name in ("chart-roc", "chart-pr", "chart-reliability"):
        assert [line.label for line in drawn[name].lines] == ["good", "poor"]
        assert [(line.hue, line.dash) for line in drawn[name].lines] == [(0, 0), (1, 1)]
    assert {"chart-roc-zoomed", "chart-pr-zoomed", "chart-sweep-0", "chart-sweep-1"} <= set(drawn)


def test_points_are_the_decisions_in_the_file(drawn, records) -> None:
    for name, window, place in (
        ("chart-roc", (0, 1, 0, 1), lambda f: (1 - f["specificity"], f["sensitivity"])),
        ("chart-roc-zoomed", (0, 0.2, 0.8, 1), lambda f: (1 - f["specificity"], f["sensitivity"])),
        ("chart-pr", (0, 1, 0, 1), lambda f: (f["sensitivity"], f["precision"])),
    ):
        figures = [records[0].summary["pooled"], records[1].summary["pooled"]]
        figures.append(records[0].summary["observers"]["second"]["pooled"])
        wanted = [place(one) for one in figures]
        inside = [p for p in wanted if window[0] <= p[0] <= window[1] and window[2] <= p[1] <= window[3]]
        marks = drawn[name].marks
        assert [value_at(drawn[name], m.x, m.y, window) for m in marks] == [pytest.approx(p, abs=1e-3) for p in inside]


def test_a_human_is_one_point_of_another_shape_with_its_name(drawn) -> None:
    human = [mark for mark in drawn["chart-roc"].marks if mark.hue == HUMAN_HUE]
    assert [(mark.label, mark.shape) for mark in human] == [("second (human observer)", "diamond")]


def test_the_zoomed_chart_shows_its_corner_only(drawn, records) -> None:
    chart = drawn["chart-roc-zoomed"]
    assert chart.x_ticks[-1].label == "0.20"
    assert chart.y_ticks[0].label == "0.80"
    path = chart.lines[0].path
    places = [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) ([-\d.]+)", path)]
    assert all(chart.left <= x <= chart.right and chart.top <= y <= chart.bottom for x, y in places)


def test_the_sweep_marks_the_frozen_point_with_its_value(records) -> None:
    chart, _ = sweep_charts(records)
    assert [line.label for line in chart.lines] == ["Dice", "Sensitivity", "Precision"]
    assert len({line.dash for line in chart.lines}) == 3
    dice = records[0].summary["pooled"]["dice"]
    (mark,) = chart.marks
    assert mark.text == f"Dice {dice:.3f}"
    assert value_at(chart, mark.x, mark.y, (0, 1, 0, 1)) == pytest.approx((0.4375, dice), abs=1e-3)
    assert [text.words for text in chart.texts] == ["frozen at 0.4375"]


def test_the_reliability_diagram_has_the_diagonal_and_the_counts(records) -> None:
    chart = reliability_chart(records)
    assert chart is not None
    assert [guide.label for guide in chart.guides] == ["as often as said"]
    filled = [sum(count > 0 for count in record.curves["reliability"]["count"]) for record in records]
    assert [sum(bar.hue == number for bar in chart.bars) for number in (0, 1)] == filled
    table = reliability_table(records)
    assert table is not None
    assert [len(group.rows) for group in table.groups] == [15, 15]
    for group, record in zip(table.groups, records, strict=True):
        digits = "".join(re.sub(r"\D", "", row.cells[2].text) for row in group.rows)
        assert digits == "".join(str(int(count)) for count in record.curves["reliability"]["count"])


def test_every_chart_is_described_in_words(drawn, records) -> None:
    assert f"good (AUC {records[0].summary['pooled']['auc']:.3f})" in drawn["chart-roc"].description
    assert "second: " in drawn["chart-roc"].description
    assert "pixels, ECE 0.0" in drawn["chart-reliability"].description


def test_binary_maps_have_points_and_no_curves(records) -> None:
    assert curve_chapter([replace(record, curves={}) for record in records]) is None
    chapter = curve_chapter([records[0], replace(records[1], curves={})])
    assert chapter is not None
    roc = chapter.charts[0]
    assert [line.label for line in roc.lines] == ["good"]
    assert [mark.label for mark in roc.marks] == ["", "poor", "second (human observer)"]
    assert any("no curves of poor" in remark for remark in chapter.remarks)


@pytest.mark.parametrize("broken", [{"roc": None}, {"roc": {"fpr": [0, 1]}}, {"sweep": {"threshold": []}}, {"pr": 3}])
def test_a_file_that_lacks_something_costs_only_that_chart(records, broken) -> None:
    record = replace(records[0], curves={**records[0].curves, **broken})
    chapter = curve_chapter([record])
    assert chapter is not None
    assert "chart-reliability" in [chart.id for chart in chapter.charts]
