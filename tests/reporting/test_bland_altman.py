from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retseg.reporting.bland_altman import densities, density_chapter
from retseg.reporting.run_files import read_run
from retseg.reporting.view_models import HUMAN_HUE

ROWS = [
    {"id": "a", "patient": "p", "system": 0.12, "observers": {"first": 0.10, "second": 0.09}},
    {"id": "b", "patient": "p", "system": 0.10, "observers": {"first": 0.11, "second": 0.10}},
    {"id": "c", "patient": "q", "system": 0.15, "observers": {"first": 0.11, "second": 0.14}},
]


@pytest.fixture(scope="module")
def record(vessels):
    return read_run(vessels[1][0])


def with_rows(record, rows):
    return replace(record, summary={**record.summary, "density": rows})


def test_bias_and_limits_are_those_of_numpy(record) -> None:
    system, human = densities([with_rows(record, ROWS)])
    for one, key in ((system, "system"), (human, "second")):
        own = [100 * (row["system"] if key == "system" else row["observers"][key]) for row in ROWS]
        difference = np.subtract(own, [100 * row["observers"]["first"] for row in ROWS])
        assert one.bias == pytest.approx(difference.mean())
        assert one.limits == pytest.approx(difference.mean() + np.array([-1.96, 1.96]) * difference.std(ddof=1))
    assert (human.name, human.reference, human.hue) == ("second (human observer)", "first", HUMAN_HUE)


def test_plots_share_their_axes_and_stand_beside_the_observer(record) -> None:
    chapter = density_chapter([with_rows(record, ROWS)])
    assert chapter is not None
    system, human = chapter.charts
    assert (system.x_ticks, system.y_ticks) == (human.x_ticks, human.y_ticks)
    assert len(system.marks) == len(human.marks) == 3
    assert [text.words.split()[0] for text in system.texts] == ["bias", "limit", "limit"]
    assert human.title == "second (human observer) − first"
    assert "computed for this page" in " ".join(chapter.remarks)


def test_the_table_repeats_the_figures_under_the_protocol(record) -> None:
    chapter = density_chapter([with_rows(record, ROWS)])
    assert chapter is not None
    (table,) = chapter.tables
    assert [cell.text for cell in table.groups[0].rows[0].cells] == ["12.33", "10.67", "1.67", "−3.27 to 6.60", "3"]
    assert any(note.startswith("Protocol:") for note in table.notes)


def test_one_image_has_a_bias_and_no_limits(record) -> None:
    chapter = density_chapter([with_rows(record, ROWS[:1])])
    assert chapter is not None
    assert chapter.tables[0].groups[0].rows[0].cells[3].text == "N/A"
    assert [text.words for text in chapter.charts[0].texts] == ["bias 2.00"]


@pytest.mark.parametrize("rows", [None, [], [{"id": "a", "system": 0.1, "observers": {}}], ["odd"]])
def test_without_a_reference_there_is_nothing_to_plot(record, rows) -> None:
    assert density_chapter([with_rows(record, rows)]) is None


def test_an_undefined_density_is_left_out(record) -> None:
    rows = [*ROWS, {"id": "d", "patient": "q", "system": None, "observers": {"first": 0.1, "second": None}}]
    assert [len(one.pairs) for one in densities([with_rows(record, rows)])] == [3, 3]
