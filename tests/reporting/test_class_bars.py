from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.class_bars import class_bars, class_sizes, reason_for_none
from retseg.reporting.run_files import read_run


@pytest.fixture(scope="module")
def records(streets):
    return [read_run(one, streets[0].classes) for one in streets[1]]


def test_bars_stand_in_the_order_of_the_classes_and_are_as_long_as_their_value(records, streets) -> None:
    classes = streets[0].classes
    bars = class_bars(records[:1], classes)
    assert bars is not None
    assert tuple(row.name for row in bars.rows) == classes.names
    assert [row.colour for row in bars.rows] == [item.colour for item in classes.items]
    assert [row.y for row in bars.rows] == sorted(row.y for row in bars.rows)
    per_class = records[0].summary["per_class"]
    for row in bars.rows:
        if row.width is None:
            assert per_class[row.name] is None
        else:
            share = row.width / (bars.right - bars.left)
            assert share == pytest.approx(per_class[row.name]["iou"], abs=2e-3)
            assert row.value == f"{per_class[row.name]['iou']:.3f}"


def test_a_class_without_a_figure_says_why_and_is_never_zero(records, streets) -> None:
    bars = class_bars(records[:1], streets[0].classes)
    assert bars is not None
    rows = {row.name: row for row in bars.rows}
    sizes = class_sizes(records)
    assert sizes["thing 22"] == 0
    assert rows["thing 22"].reason == "N/A: not in the test truth"
    assert rows["thing 21"].reason == "N/A: not in the test truth, never seen in training"
    assert reason_for_none("thing 3", records, {"thing 3": 7}) == "never seen in training"
    assert all((row.width is None) == bool(row.reason) for row in bars.rows)
    assert "thing 22 N/A: not in the test truth" in bars.description


def test_several_systems_are_dots_with_their_names(records, streets) -> None:
    bars = class_bars(records, streets[0].classes)
    assert bars is not None
    assert [name for _, _, name in bars.key] == ["good", "poor"]
    assert len({shape for _, shape, _ in bars.key}) == 2
    shown = [row for row in bars.rows if row.dots]
    assert shown
    assert all([dot.tip.split(":")[0] for dot in row.dots] == ["good", "poor"] for row in shown)
    assert all(row.width is None for row in bars.rows)


def test_sizes_are_the_rows_of_the_confusion_and_absent_without_one(records, streets) -> None:
    found = records[0].summary["confusion"]
    assert class_sizes(records) == dict(zip(found["classes"], map(sum, found["matrix"]), strict=True))
    older = replace(records[0], summary={"per_class": records[0].summary["per_class"]})
    assert class_sizes([older]) == {}
    bars = class_bars([older], streets[0].classes)
    assert bars is not None
    assert {row.size for row in bars.rows} == {""}


def test_without_figures_there_are_no_bars(records, streets) -> None:
    assert class_bars([replace(records[0], summary={})], streets[0].classes) is None
