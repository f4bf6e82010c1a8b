from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.core.types import Classes, ClassInfo
from retseg.reporting.confusion_chart import confusion_chart, confusion_of, largest_confusions
from retseg.reporting.run_files import read_run

CLASSES = Classes("pets", tuple(ClassInfo(name, (9, 9, 9)) for name in ("cat", "dog", "owl")))
MATRIX = {"classes": ["cat", "dog", "owl"], "matrix": [[75, 20, 5], [1, 999, 0], [0, 0, 0]]}


@pytest.fixture(scope="module")
def record(streets):
    return replace(read_run(streets[1][0], CLASSES), summary={"confusion": MATRIX})


def test_a_cell_stands_in_the_row_of_the_truth_and_the_column_of_the_prediction(record) -> None:
    chart = confusion_chart(record, CLASSES, 1)
    assert chart is not None
    places = {
        (round((one.y - chart.top) / chart.cell), round((one.x - chart.left) / chart.cell)): one for one in chart.cells
    }
    assert sorted(places) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert [places[0, column].text for column in range(3)] == ["75", "20", "5"]
    assert [one.right for _, one in sorted(places.items())] == [True, False, False, False, True]
    assert places[0, 1].tip == "cat, taken for dog: 20.0% of the class, 20 pixels"
    assert places[1, 0].text == ""
    assert 0 < places[1, 0].strength < places[0, 2].strength < places[0, 1].strength < places[0, 0].strength < 1
    assert places[0, 1].pale
    assert not places[1, 1].pale


def test_a_class_without_truth_is_not_applicable(record) -> None:
    chart = confusion_chart(record, CLASSES, 1)
    assert chart is not None
    assert [one.reason for one in chart.classes] == ["", "", "N/A: not in the test truth"]
    assert [one.size for one in chart.classes] == ["100", "1\N{NARROW NO-BREAK SPACE}000", "0"]


def test_everything_stays_inside_the_view_box(streets) -> None:
    real = read_run(streets[1][0], streets[0].classes)
    for chart in (confusion_chart(real, streets[0].classes, 1), confusion_chart(real, streets[0].classes, 2)):
        assert chart is not None
        assert len(chart.classes) == 23
        assert all(one.x + chart.cell <= chart.width and one.y + chart.cell <= chart.height for one in chart.cells)
        assert chart.width < 1200


def test_the_largest_confusions_come_first(record) -> None:
    table = largest_confusions([record])
    assert table is not None
    rows = [(row.heading, *(cell.text for cell in row.cells)) for row in table.groups[0].rows]
    assert rows == [("cat for dog", "20.0%", "20"), ("cat for owl", "5.0%", "5"), ("dog for cat", "0.1%", "1")]


@pytest.mark.parametrize(
    "found", [None, {}, {"classes": ["a"], "matrix": []}, {"classes": ["a", "b"], "matrix": [[1], [2]]}]
)
def test_files_without_a_matrix_have_no_chart(record, found) -> None:
    bare = replace(record, summary={"confusion": found})
    assert confusion_of(bare) is None
    assert confusion_chart(bare, CLASSES, 1) is None
    assert largest_confusions([bare]) is None
