from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.run_files import read_run
from retseg.reporting.score_notes import (
    direction_notes,
    interval_notes,
    partial_mean_notes,
    protocol_notes,
    sample_size,
    selection_notes,
    undefined_notes,
)


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def changed(record, **summary):
    return replace(record, summary={**record.summary, **summary})


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_what_protocols_share_is_said_once(records) -> None:
    other = replace(records[1], summary={**records[1].summary, "protocol": "set, test; inside; at 0.7."})
    first = replace(records[0], summary={**records[0].summary, "protocol": "set, test; inside; at 0.4."})
    assert protocol_notes([first, other]) == ["Protocol: set, test; inside. good: at 0.4. poor: at 0.7."]
    assert protocol_notes([first]) == ["Protocol: set, test; inside; at 0.4."]
    assert protocol_notes([replace(first, summary={})]) == []


def test_the_size_is_said_only_where_it_is_the_same_for_all(records) -> None:
    assert plain(sample_size(records)) == "2 patients, 4 images"
    assert plain(sample_size(records, intervals=True)) == "4 images; weak: 2 patients, fewer than six"
    assert sample_size([records[0], changed(records[1], n_images=3)]) == ""
    assert "3 images of 2 patients" in plain(selection_notes([records[0], changed(records[1], n_images=3)])[0])


def test_intervals_of_unlike_origin_are_told_apart(records) -> None:
    other = {**records[1].summary["intervals"], "n_patients": 30, "n_images": 30, "weak": False}
    notes = [plain(note) for note in interval_notes([records[0], changed(records[1], intervals=other)])]
    assert notes == [
        "In brackets (good): 95% interval, percentile bootstrap over patients (2 patients, 4 images, "
        "10 000 resamples).",
        "In brackets (poor): 95% interval, percentile bootstrap over patients (30 patients, 30 images, "
        "10 000 resamples).",
        "Weak for good: 2 patients, fewer than six. Intervals of so few patients tend to be too narrow; they support "
        "no claim of a difference.",
    ]


def test_one_patient_gives_no_interval(records) -> None:
    lonely = {"pooled": {"dice": None}, "n_patients": 1, "n_images": 2, "weak": True}
    notes = [plain(note) for note in interval_notes([changed(records[0], intervals=lonely)])]
    assert notes[-1] == "Weak: 1 patient, fewer than six. One patient gives no interval."


def test_reasons_are_grouped_and_named_by_system_where_there_are_several(records) -> None:
    binary = changed(
        records[1], pooled={"dice": 0.5}, undefined={"auc": "the maps are binary.", "ap": "the maps are binary."}
    )
    found = undefined_notes([records[0], binary], ("auc", "ap", "dice"), ("pooled",))
    assert found == ["poor: no AUC and AP, because the maps are binary."]


def test_an_image_left_out_of_a_mean_is_counted_once_with_its_reason(records) -> None:
    counts = {**records[0].summary["per_image_n"], "auc": 3, "nsd": 0}
    record = changed(records[0], per_image_n=counts, undefined={"nsd": "why"})
    assert [note.split("(")[1] for note in partial_mean_notes([record], ("auc", "nsd"))] == ["AUC over 3 of 4 images)."]


def test_directions_are_said_where_lower_is_better() -> None:
    assert direction_notes(("dice", "auc")) == []
    assert direction_notes(("ece",)) == ["Lower is better in every column."]
    assert direction_notes(("cldice", "hd95")) == ["Lower is better for HD95 (px), higher for clDice."]
