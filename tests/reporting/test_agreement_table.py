from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.agreement_table import agreement_table
from retseg.reporting.run_files import read_run


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def test_observers_stand_once_and_each_system_with_each_observer(records) -> None:
    table = agreement_table(records)
    assert table is not None
    assert [(group.heading, [row.heading for row in group.rows]) for group in table.groups] == [
        ("Observers with each other", ["second against first"] * 2),
        (
            "Systems with each observer",
            [f"{name} against {who}" for name in ("good", "poor") for who in ("first", "second") for _ in range(2)],
        ),
    ]
    assert table.notes[0].replace("\N{NO-BREAK SPACE}", " ") == "Each pair is judged on 4 images."
    assert table.notes[1].startswith("Protocol:")


def test_every_number_is_the_files_number(records) -> None:
    table = agreement_table(records[:1])
    assert table is not None
    stored = records[0].summary["agreement"][1]
    row, mean = table.groups[1].rows[:2]
    assert row.cells[1].text == f"{stored['pooled']['dice']:.3f}"
    assert mean.cells[1].text == f"{stored['per_image_mean']['dice']:.3f}"
    assert (row.note, mean.note) == ("all pixels", "mean over images")


def test_pairs_on_unlike_numbers_of_images_say_so(records) -> None:
    pairs = [{**pair, "n_images": number} for number, pair in enumerate(records[0].summary["agreement"], start=2)]
    table = agreement_table([replace(records[0], summary={**records[0].summary, "agreement": pairs})])
    assert table is not None
    assert table.notes[0].startswith("Images: second against first 2, good against first 3")


@pytest.mark.parametrize("pairs", [None, [], [{"a": "x", "b": "y"}]])
def test_without_pairs_there_is_no_table(records, pairs) -> None:
    assert agreement_table([replace(records[0], summary={**records[0].summary, "agreement": pairs})]) is None
