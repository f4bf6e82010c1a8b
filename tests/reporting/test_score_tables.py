from __future__ import annotations

import json
from dataclasses import replace

import pytest

from retseg.reporting.run_files import read_run
from retseg.reporting.score_tables import (
    case_table,
    has_scores,
    metrics_of,
    per_class_table,
    protocol_notes,
    score_tables,
)


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def test_rows_are_each_system_at_both_thresholds_and_then_the_human(records) -> None:
    for table in score_tables(records):
        rows = table.groups[0].rows
        assert [(row.heading, row.note.replace("\N{NO-BREAK SPACE}", " ")) for row in rows] == [
            ("good", "threshold 0.4375"),
            ("good", "threshold 0.5"),
            ("poor", "threshold 0.4375"),
            ("poor", "threshold 0.5"),
            ("second", "human observer"),
        ]
        assert table.columns == (
            "AUC", "AP", "Dice", "IoU", "Accuracy", "Sensitivity", "Specificity", "Precision", "MCC",
        )  # fmt: skip


def test_every_number_is_the_files_number(records, vessels) -> None:
    for record, folders in zip(records, vessels[1], strict=True):
        summary = json.loads((folders.evaluate / "summary.json").read_text())
        for table, view in zip(score_tables(records), ("pooled", "per_image_mean"), strict=True):
            row, half = (row for row in table.groups[0].rows if row.heading == record.name)
            assert [cell.text for cell in row.cells] == [f"{value:.3f}" for value in summary[view].values()]
            assert [cell.text for cell in half.cells] == [f"{v:.3f}" for v in summary["at_half"][view].values()]


def test_a_human_has_no_figure_that_needs_probabilities(records) -> None:
    human = score_tables(records)[0].groups[0].rows[-1]
    assert human.human
    assert [cell.text for cell in human.cells[:2]] == ["N/A", "N/A"]
    assert all(cell.text != "N/A" for cell in human.cells[2:])


def test_the_best_system_is_marked_only_beside_another(records) -> None:
    good, _, poor, *_ = score_tables(records)[0].groups[0].rows
    assert good.cells[2].best
    assert not poor.cells[2].best
    assert not any(cell.best for row in score_tables(records[:1])[0].groups[0].rows for cell in row.cells)


def test_the_protocol_stands_under_every_table(records, vessels) -> None:
    tables = [*score_tables(records), per_class_table(records, vessels[0].classes)]
    tables.append(case_table("test/00", records, ["second"], "vessel", metrics_of(records)))
    for table in tables:
        assert table is not None
        assert any(note.startswith("Protocol: drawn, test: 4 photographs") for note in table.notes)


def test_what_protocols_share_is_said_once(records) -> None:
    other = replace(records[1], summary={**records[1].summary, "protocol": "set, test; inside; at 0.7."})
    first = replace(records[0], summary={**records[0].summary, "protocol": "set, test; inside; at 0.4."})
    assert protocol_notes([first, other]) == ["Protocol: set, test; inside. good: at 0.4. poor: at 0.7."]
    assert protocol_notes([first]) == ["Protocol: set, test; inside; at 0.4."]
    assert protocol_notes([replace(first, summary={})]) == []


def test_classes_are_rows_of_one_system_and_groups_of_several(records, vessels) -> None:
    classes = vessels[0].classes
    alone, together = per_class_table(records[:1], classes), per_class_table(records, classes)
    assert alone is not None
    assert together is not None
    assert [row.heading for row in alone.groups[0].rows] == ["vessel", "retina"]
    assert [group.heading for group in together.groups] == ["vessel", "retina"]
    assert [row.heading for row in together.groups[0].rows] == ["good", "poor"]


def test_a_class_that_the_truth_lacks_is_not_available(records, vessels) -> None:
    per_class = {**records[0].summary["per_class"], "vessel": None}
    table = per_class_table(
        [replace(records[0], summary={**records[0].summary, "per_class": per_class})], vessels[0].classes
    )
    assert table is not None
    assert {cell.text for cell in table.groups[0].rows[0].cells} == {"N/A"}


def test_an_image_has_its_own_scores_at_the_frozen_threshold(records) -> None:
    table = case_table("test/02", records, ["second"], "vessel", metrics_of(records))
    assert table is not None
    assert [row.heading for row in table.groups[0].rows] == ["good", "poor", "second"]
    wanted = [
        row.value
        for row in records[0].scores.rows
        if (row.id, row.system, row.metric, row.threshold) == ("test/02", "good", "dice", 0.4375)
    ]
    assert table.groups[0].rows[0].cells[2].text == f"{wanted[0]:.3f}"
    assert case_table("unknown", records, ["second"], "vessel", metrics_of(records)) is None


def test_systems_scored_on_unlike_images_are_pointed_out(records) -> None:
    fewer = replace(records[1], summary={**records[1].summary, "n_images": 3})
    notes = " ".join(score_tables([records[0], fewer])[0].notes).replace("\N{NO-BREAK SPACE}", " ")
    assert "not scored on the same images: good on 4 images of 2 patients and poor on 3 images" in notes


def test_a_mean_over_fewer_images_says_so(records) -> None:
    counts = {**records[0].summary["per_image_n"], "auc": 3}
    table = score_tables([replace(records[0], summary={**records[0].summary, "per_image_n": counts})])[1]
    assert any("AUC over 3 of 4 images" in note for note in table.notes)


def test_an_unscored_run_has_no_table(records) -> None:
    summary = {**records[0].summary, "pooled": dict.fromkeys(records[0].summary["pooled"])}
    empty = replace(records[0], summary=summary)
    assert not has_scores(empty)
    assert score_tables([empty]) == ()
    assert per_class_table([empty], None) is None  # type: ignore[arg-type]
