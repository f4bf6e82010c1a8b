from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.run_files import read_run
from retseg.reporting.trap_table import trap_chapter

TRAPS = [
    {
        "name": "full-frame",
        "title": "count pixels outside the field of view",
        "says": "black is easy",
        "figures": {"auc": 0.987, "accuracy": 0.969},
        "honest": {"auc": 0.981, "accuracy": 0.955},
    },
    {"name": "nothing", "title": "", "says": "", "figures": {"accuracy": 0.873}, "honest": {"accuracy": 0.955}},
    {"name": "none", "title": "changes nothing", "says": "", "figures": {"dice": 0.8}, "honest": {"dice": 0.8}},
]


@pytest.fixture(scope="module")
def record(vessels):
    return read_run(vessels[1][0])


def with_traps(record, traps):
    return replace(record, summary={**record.summary, "traps": traps})


def test_each_trap_is_a_group_with_its_figures_the_honest_ones_and_the_difference(record) -> None:
    chapter = trap_chapter([with_traps(record, TRAPS)])
    assert chapter is not None
    assert chapter.remarks[0].startswith(
        "What each known protocol mistake would have reported for these same predictions."
    )
    (table,) = chapter.tables
    assert [(g.heading, g.note) for g in table.groups] == [
        ("Count pixels outside the field of view", "black is easy"),
        ("Nothing", ""),
        ("Changes nothing", ""),
    ]
    rows = {(g.heading, r.heading): [c.text for c in r.cells] for g in table.groups for r in g.rows}
    assert rows == {
        ("Count pixels outside the field of view", "AUC"): ["0.987", "0.981", "+0.006"],
        ("Count pixels outside the field of view", "Accuracy"): ["0.969", "0.955", "+0.014"],
        ("Nothing", "Accuracy"): ["0.873", "0.955", "−0.082"],
        ("Changes nothing", "Dice"): ["0.800", "0.800", "0.000"],
    }
    assert any(note.startswith("Protocol:") for note in table.notes)


def test_a_figure_without_an_honest_one_has_no_difference(record) -> None:
    trap = {"name": "x", "title": "x", "figures": {"dice": None, "auc": 0.9}, "honest": {"dice": 0.5}}
    chapter = trap_chapter([with_traps(record, [trap])])
    assert chapter is not None
    rows = [[cell.text for cell in row.cells] for row in chapter.tables[0].groups[0].rows]
    assert rows == [["N/A", "0.500", "N/A"], ["0.900", "N/A", "N/A"]]


@pytest.mark.parametrize("traps", [None, [], [{"name": "x"}]])
def test_without_traps_there_is_no_chapter(record, traps) -> None:
    assert trap_chapter([with_traps(record, traps)]) is None
