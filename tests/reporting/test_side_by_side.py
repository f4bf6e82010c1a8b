from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.core.manifest import Manifest
from retseg.reporting.run_files import History, RunRecord, read_run
from retseg.reporting.side_by_side import kept_figure, latency, side_by_side, validation_table
from retseg.reporting.view_models import Cell, Table


def columns_of(table: Table, row: int) -> dict[str, Cell]:
    return dict(zip(table.columns, table.groups[0].rows[row].cells, strict=True))


def with_facts(record: RunRecord, stage: str, **facts: object) -> RunRecord:
    manifest = getattr(record, stage)
    assert isinstance(manifest, Manifest)
    return replace(record, **{stage: replace(manifest, facts={**manifest.facts, **facts})})


@pytest.fixture(scope="module")
def records(vessels) -> list[RunRecord]:
    good, poor = (read_run(one) for one in vessels[1])
    good = with_facts(good, "train", parameters=1_234_567, training_seconds=183.0)
    return [with_facts(good, "predict", net_seconds=3.0, images=4), poor]


def test_each_system_is_a_line_of_costs_and_of_what_came_of_them(records) -> None:
    table = side_by_side(records)
    assert table is not None
    good, poor = columns_of(table, 0), columns_of(table, 1)
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert good["Parameters"].text == f"1{thin}234{thin}567"
    assert (good["Epochs"].text, poor["Epochs"].text) == ("3", "1")
    # 183 s in 3 epochs; of the other run history.csv knows that an epoch took 5 s.
    assert (good["s per epoch"].text, poor["s per epoch"].text) == ("61.0", "5.00")
    assert (good["Training"].text, poor["Training"].text) == ("3 min 3 s", "5.0 s")
    assert (good["s per image"].text, poor["s per image"].text) == ("0.75", "–")
    # The second epoch was kept; the other run set no patients aside.
    assert (good["Validation Dice"].text, poor["Validation Dice"].text) == ("0.670", "–")


def test_the_tests_figures_are_those_of_the_summary_and_the_best_is_marked(records) -> None:
    table = side_by_side(records)
    assert table is not None
    for number, record in enumerate(records):
        cells = columns_of(table, number)
        pooled, means = record.summary["pooled"], record.summary["per_image_mean"]
        assert cells["Test AUC"].text == f"{pooled['auc']:.3f}"
        assert cells["Test Dice"].text == f"{pooled['dice']:.3f}"
        assert cells["Test clDice"].text == f"{means['cldice']:.3f}"
        assert [cells[f"Test {name}"].best for name in ("AUC", "Dice", "clDice")] == [number == 0] * 3
        # Of a single value none is the best, and a cost is no score.
        assert not any(cells[name].best for name in ("Validation Dice", "Parameters", "s per epoch", "s per image"))
    notes = " ".join(table.notes)
    assert "Protocol: drawn, test" in notes
    assert "cpu (test)" in notes
    assert "no figure of the test had a part in that" in notes


def test_latency_needs_both_figures(records) -> None:
    assert latency(records[0]) == 0.75
    assert latency(with_facts(records[0], "predict", images=0)) is None
    assert latency(replace(records[0], predict=None)) is None


def test_a_column_that_nobody_measured_is_left_out(vessels) -> None:
    table = side_by_side([read_run(one) for one in vessels[1]])
    assert table is not None
    assert "s per image" not in table.columns
    assert "s per image" not in " ".join(table.notes)


def test_one_system_has_nothing_beside_it(records) -> None:
    assert side_by_side(records[:1]) is None


def test_validation_is_told_at_the_epoch_that_was_kept(records) -> None:
    table = validation_table(records)
    assert table is not None
    good, poor = columns_of(table, 0), columns_of(table, 1)
    assert {name: cell.text for name, cell in good.items()} == {
        "Kept epoch": "2 of 3",
        "Training loss": "0.500",
        "Validation loss": "0.600",
        "Validation Dice": "0.670",
    }
    assert (poor["Kept epoch"].text, poor["Training loss"].text) == ("1 of 1", "1.250")
    assert {poor["Validation loss"].text, poor["Validation Dice"].text} == {"–"}
    assert table.aside.replace("\N{NO-BREAK SPACE}", " ") == "2 images of 1 patient"
    assert "are no test" in table.notes[0]


def test_the_best_validation_dice_is_marked_and_no_loss(many) -> None:
    table = validation_table([read_run(one) for one in many[1]])
    assert table is not None
    marked = [
        (row.heading, column)
        for row in table.groups[0].rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell.best
    ]
    assert marked == [("net0", "Validation Dice")]


def test_without_validation_there_is_no_table(records) -> None:
    assert validation_table([records[1]]) is None
    assert validation_table([replace(records[0], history=History())]) is None


def test_a_figure_that_was_not_measured_is_none(records) -> None:
    assert kept_figure(records[0], "validation_loss") == 0.6
    assert kept_figure(records[0], "test_loss") is None
    assert kept_figure(records[0], "nowhere") is None
