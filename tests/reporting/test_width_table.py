from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.run_files import read_run
from retseg.reporting.width_table import width_in_words, width_table


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def test_each_band_is_a_group_with_its_edges_in_words(records) -> None:
    table = width_table(records)
    assert table is not None
    assert [(group.heading, group.note) for group in table.groups] == [
        ("Thin", "narrower than 5 ‰ of the field of view’s diameter; 25% of all vessel pixels"),
        ("Medium", "from 5 to below 10 ‰ of the field of view’s diameter; 50% of all vessel pixels"),
        ("Thick", "10 ‰ of the field of view’s diameter and wider; 25% of all vessel pixels"),
    ]
    assert table.columns == ("Sensitivity", "Precision", "Dice", "AUC")
    assert any(note.startswith("Protocol:") for note in table.notes)
    assert width_in_words("thin", (2.5, 8)) == "narrower than 2.5 ‰ of the field of view’s diameter"


def test_every_number_is_the_files_number(records) -> None:
    table = width_table(records)
    assert table is not None
    for group, band in zip(table.groups, ("thin", "medium", "thick"), strict=True):
        wanted = [
            [
                f"{record.summary['by_width'][band][view][m]:.3f}".replace("-", "−")
                for m in ("sensitivity", "precision", "dice", "auc")
            ]
            for record in records
            for view in ("pooled", "per_image_mean")
        ]
        assert [[cell.text for cell in row.cells] for row in group.rows] == wanted
        assert [row.minor for row in group.rows] == [False, True, False, True]
        assert all(cell.best for row in group.rows[:2] for cell in row.cells)


def test_an_observer_with_widths_has_rows_too(records) -> None:
    observers = {"second": {**records[0].summary["observers"]["second"], "by_width": records[0].summary["by_width"]}}
    table = width_table([replace(records[0], summary={**records[0].summary, "observers": observers})])
    assert table is not None
    assert [row.heading for row in table.groups[0].rows if row.human] == ["second", "second"]


@pytest.mark.parametrize("widths", [None, {}, {"thin": None}])
def test_an_older_folder_has_no_such_table(records, widths) -> None:
    assert width_table([replace(records[0], summary={**records[0].summary, "by_width": widths})]) is None
