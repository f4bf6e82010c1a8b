from __future__ import annotations

import math
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.reporting.run_files import read_run
from retseg.reporting.strips import Sample, strip_chapter, strip_chart, swarm
from retseg.reporting.view_models import HUMAN_HUE


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def test_every_image_is_one_dot_of_each_system_and_observer(records) -> None:
    chapter = strip_chapter(records, "vessel")
    assert chapter is not None
    assert [chart.title for chart in chapter.charts] == [
        f"{name} of each image" for name in ("Dice", "Sensitivity", "Specificity", "clDice")
    ]
    for chart in chapter.charts:
        dots = [mark for mark in chart.marks if mark.shape == "small-dot"]
        assert [sum(dot.hue == hue for dot in dots) for hue in (0, 1, HUMAN_HUE)] == [4, 4, 4]
        assert len([mark for mark in chart.marks if mark.shape == "bar"]) == 3
    assert any(note.startswith("Protocol:") for note in chapter.notes)


def test_the_mean_is_the_files_mean(records) -> None:
    chapter = strip_chapter(records, "vessel")
    assert chapter is not None
    means = [text.words for text in chapter.charts[0].texts if text.words.startswith("mean")]
    summaries = [records[0].summary, records[1].summary, records[0].summary["observers"]["second"]]
    assert means == [f"mean {one['per_image_mean']['dice']:.3f}" for one in summaries]


def test_dots_stand_where_their_values_are() -> None:
    values = {"a": 0.2, "b": 0.5, "c": 1.0}
    chart = strip_chart("dice", [Sample("net", values, 0)])
    assert chart is not None
    ticks = {float(tick.label): tick.position for tick in chart.x_ticks}
    low, high = min(ticks), max(ticks)
    for mark in chart.marks:
        at = low + (mark.x - ticks[low]) / (ticks[high] - ticks[low]) * (high - low)
        wanted = fmean(values.values()) if mark.shape == "bar" else values[mark.tip[0]]
        assert at == pytest.approx(wanted, abs=1e-3)


@given(st.lists(st.floats(0, 400), max_size=40))
def test_a_swarm_keeps_its_room_and_dots_apart_where_there_is_any(places: list[float]) -> None:
    shifts = swarm(places, 20.0)
    assert len(shifts) == len(places)
    assert all(abs(shift) <= 20.0 for shift in shifts)
    if len(places) <= 5:
        gaps = [math.dist((places[i], shifts[i]), (places[j], shifts[j])) for i in range(len(places)) for j in range(i)]
        assert all(gap >= 7 - 1e-6 for gap in gaps)


def test_without_values_there_is_no_strip(records) -> None:
    assert strip_chart("dice", [Sample("net", {}, 0)]) is None
    assert strip_chapter(records, "no such class") is None


def test_the_strip_of_many_systems_fits_on_a_page_and_no_dot_leaves_its_row() -> None:
    values = {f"p{number}": 0.5 for number in range(9)}
    chart = strip_chart("dice", [Sample(f"net{hue}", values, hue) for hue in range(20)])
    assert chart is not None
    # Two such charts stand beside each other on a page that is 1.4 times as high as wide.
    assert chart.height < 2 * 1.4 * chart.width
    rows = [text.y for text in chart.texts if text.words.startswith("net")]
    for hue, top in enumerate(rows):
        dots = [mark.y for mark in chart.marks if mark.hue == hue and mark.shape == "small-dot"]
        assert len(dots) == 9
        assert top < min(dots)
        assert max(dots) < top + (rows[1] - rows[0])
