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
    score_tables,
)


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


BY_VIEW = ("pooled", "per_image_mean")


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def changed(record, **summary):
    return replace(record, summary={**record.summary, **summary})


def test_pixels_stand_pooled_and_as_means_then_shapes_then_calibration(records) -> None:
    pooled, means, shapes, calibration = score_tables(records)
    for table in (pooled, means):
        assert [(row.heading, plain(row.note)) for row in table.groups[0].rows] == [
            ("good", "threshold 0.4375"),
            ("good", "threshold 0.5"),
            ("poor", "threshold 0.4375"),
            ("poor", "threshold 0.5"),
            ("second", "human observer"),
        ]
        assert table.columns == (
            "AUC", "AP", "Dice", "IoU", "Accuracy", "Sensitivity", "Specificity", "Precision", "MCC",
        )  # fmt: skip
    assert shapes.columns == ("clDice", "Betti-0", "Betti-1", "HD95 (px)", "NSD")
    assert [row.heading for row in shapes.groups[0].rows] == ["good", "poor", "second"]
    assert calibration.columns == ("ECE", "ACE", "Brier")
    assert [[(row.heading, row.note) for row in group.rows] for group in calibration.groups] == [
        [("good", ""), ("poor", "")]
    ] * 2


def test_every_number_is_the_files_number(records, vessels) -> None:
    pixels = ("auc", "ap", "dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc")
    for record, folders in zip(records, vessels[1], strict=True):
        summary = json.loads((folders.evaluate / "summary.json").read_text())
        pooled, means, shapes, calibration = score_tables(records)
        for table, view in ((pooled, "pooled"), (means, "per_image_mean")):
            row, half = (row for row in table.groups[0].rows if row.heading == record.name)
            assert [cell.text for cell in row.cells] == [f"{summary[view][name]:.3f}" for name in pixels]
            assert [cell.text for cell in half.cells] == [f"{summary['at_half'][view][name]:.3f}" for name in pixels]
            spans = [summary["intervals"][view][name] for name in pixels]
            assert [cell.small for cell in row.cells] == [f"[{low:.3f}, {high:.3f}]" for low, high in spans]
            assert not any(cell.small for cell in half.cells)
        (row,) = (row for row in shapes.groups[0].rows if row.heading == record.name)
        wanted = summary["per_image_mean"]
        digits = {"cldice": 3, "betti0": 1, "betti1": 1, "hd95": 1, "nsd": 3}
        assert [cell.text for cell in row.cells] == [f"{wanted[name]:.{n}f}" for name, n in digits.items()]
        for group, view in zip(calibration.groups, BY_VIEW, strict=True):
            (row,) = (row for row in group.rows if row.heading == record.name)
            assert [cell.text for cell in row.cells] == [f"{summary[view][n]:.4f}" for n in ("ece", "ace", "brier")]


def test_a_human_has_shapes_but_no_figure_that_needs_probabilities(records) -> None:
    pooled, _, shapes, calibration = score_tables(records)
    human = pooled.groups[0].rows[-1]
    assert human.human
    assert [cell.text for cell in human.cells[:2]] == ["N/A", "N/A"]
    assert all(cell.text != "N/A" and cell.small for cell in human.cells[2:])
    assert "so AUC and AP do not apply to it" in " ".join(pooled.notes)
    assert shapes.groups[0].rows[-1].human
    assert all(cell.text != "N/A" for cell in shapes.groups[0].rows[-1].cells)
    assert not any(row.human for group in calibration.groups for row in group.rows)


def test_the_best_respects_the_direction(records) -> None:
    shapes = score_tables(records)[2]
    good, poor, _ = shapes.groups[0].rows
    # The better system has the higher clDice and NSD and the smaller errors; where both are alike nobody is best.
    assert [cell.best for cell in good.cells] == [True, True, False, True, True]
    assert not any(cell.best for cell in poor.cells)
    assert "Lower is better for Betti-0, Betti-1 and HD95 (px), higher for clDice and NSD." in shapes.notes[1]
    assert "Lower is better in every column." in score_tables(records)[3].notes[1]


def test_intervals_say_how_many_patients_they_rest_on_and_that_these_are_few(records) -> None:
    for table in score_tables(records):
        notes = plain(" ".join(table.notes))
        assert "95% interval, percentile bootstrap over patients (2 patients, 4 images" in notes
        assert "Weak: 2 patients, fewer than six." in notes
        assert plain(table.aside) == "4 images; weak: 2 patients, fewer than six"
    strong = [changed(r, intervals={**r.summary["intervals"], "weak": False}) for r in records]
    table = score_tables(strong)[0]
    assert "Weak" not in " ".join(table.notes)
    assert plain(table.aside) == "2 patients, 4 images"


def test_a_folder_of_an_older_version_has_no_intervals_and_says_nothing_of_them(records) -> None:
    older = [
        replace(record, summary={k: v for k, v in record.summary.items() if k not in ("intervals", "undefined")})
        for record in records
    ]
    table = score_tables(older)[0]
    assert not any(cell.small for row in table.groups[0].rows if not row.human for cell in row.cells)
    assert not any("interval" in note for note in score_tables([changed(r, observers={}) for r in older])[0].notes)


def test_an_undefined_metric_gives_its_reason(records) -> None:
    pooled = {**records[0].summary["pooled"], "auc": None, "ap": None}
    reasons = {"auc": "the maps are binary", "ap": "the maps are binary", "cldice": "has no pooled value"}
    (table, means, shapes, _) = score_tables([changed(records[0], pooled=pooled, undefined=reasons)])
    assert "no AUC and AP, because the maps are binary." in table.notes[1]
    # A reason for what is there all the same is not given.
    assert "because" not in " ".join((*means.notes, *shapes.notes))


def test_folds_with_thresholds_of_their_own_keep_their_ranking(records) -> None:
    assert "auc" in metrics_of([replace(records[0], operating_point=None)])


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
    assert table.groups[0].rows[0].cells[1].text == f"{wanted[0]:.3f}"
    assert case_table("unknown", records, ["second"], "vessel", metrics_of(records)) is None


def test_systems_scored_on_unlike_images_are_pointed_out(records) -> None:
    fewer = replace(records[1], summary={**records[1].summary, "n_images": 3})
    notes = " ".join(score_tables([records[0], fewer])[0].notes).replace("\N{NO-BREAK SPACE}", " ")
    assert "not scored on the same images: good on 4 images of 2 patients and poor on 3 images" in notes


def test_a_mean_over_fewer_images_says_so(records) -> None:
    counts = {**records[0].summary["per_image_n"], "auc": 3}
    table = score_tables([replace(records[0], summary={**records[0].summary, "per_image_n": counts})])[1]
    assert any("AUC over 3 of 4 images" in note for note in table.notes)


def test_an_image_shows_the_chief_metrics_only(records) -> None:
    table = case_table("test/02", records, ["second"], "vessel", metrics_of(records))
    assert table is not None
    assert len(table.columns) == 11
    assert {"clDice", "HD95 (px)", "ECE"} <= set(table.columns)
    assert any("metrics.csv" in note for note in table.notes)


def test_an_unscored_run_has_no_table(records) -> None:
    summary = {**records[0].summary, "pooled": dict.fromkeys(records[0].summary["pooled"])}
    empty = replace(records[0], summary=summary)
    assert not has_scores(empty)
    assert score_tables([empty]) == ()
    assert per_class_table([empty], None) is None  # type: ignore[arg-type]
