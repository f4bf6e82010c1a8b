from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.datasets.registry import DATASETS
from retseg.reporting.facts import facts_table, facts_tables
from retseg.reporting.making import dataset_credit, dataset_title, seen_patients, trained_on
from retseg.reporting.run_files import RunRecord, read_run
from retseg.reporting.view_models import Table


def told(table: Table) -> dict[str, list[str]]:
    return {
        row.heading: [cell.text.replace("\N{NO-BREAK SPACE}", " ") for cell in row.cells]
        for group in table.groups
        for row in group.rows
    }


def test_the_facts_stand_in_one_column_for_each_run(vessels) -> None:
    prepared, systems = vessels
    table = facts_table([read_run(one) for one in systems], prepared)
    assert table.columns == ("good", "poor")
    facts = told(table)
    assert facts["Trained on"] == ["2 images of 1 patient"] * 2
    assert facts["Set aside for validation"] == ["2 images of 1 patient"] * 2
    assert facts["Tested on"] == ["4 images of 2 patients"] * 2
    assert facts["Architecture"] == ["unet", "segnet"]
    assert facts["Trainable parameters"] == ["3\N{NARROW NO-BREAK SPACE}523"] * 2
    assert facts["Recipe"] == ["default", "lecture"]
    assert facts["Loss"] == ["dice-cross-entropy", "nll"]
    assert facts["Patches"] == ["128 × 128 pixels, anew in every epoch, 400 an epoch"] * 2
    assert facts["Epochs"] == ["3 (75 steps)", "1 (75 steps)"]
    assert facts["Seed"] == ["7", "7"]
    assert facts["Device"] == ["cpu (test)"] * 2
    assert facts["Time to train"] == ["2 min 5 s"] * 2
    assert facts["Threshold"] == ["0.4375"] * 2
    assert facts["Threshold fitted on"] == ["drawn validation, 1 patient"] * 2
    assert facts["Criterion"] == ["Highest pooled Dice, which reached 0.777 there"] * 2
    assert facts["Field of view"] == ["estimated from the photographs"] * 2
    assert facts["Reference observer"] == ["first", "first"]
    assert all(versions.startswith("torch ") for versions in facts["Libraries"])


def test_what_nobody_recorded_is_left_out_and_what_one_lacks_is_said(vessels) -> None:
    prepared, systems = vessels
    known = read_run(systems[0])
    foreign = replace(known, train=None, protocol={}, folders=replace(known.folders, name="foreign"))
    facts = told(facts_table([known, foreign], prepared))
    assert facts["Architecture"] == ["unet", "not recorded"]
    assert "Architecture" not in told(facts_table([foreign], prepared))


def test_patients_of_another_set_are_no_patients_of_this_one(vessels) -> None:
    prepared, systems = vessels
    record = read_run(systems[0])
    assert seen_patients(record, prepared) == {"p0-train", "p1-train"}
    card = {**record.card, "dataset": "elsewhere"}
    moved = replace(record, protocol={"weights": card}, operating_point=None)
    assert seen_patients(moved, prepared) == frozenset()
    words = trained_on(moved)
    assert words is not None
    assert words.endswith("from elsewhere")


@pytest.mark.parametrize("name", [name for name in DATASETS.names() if DATASETS.get(name).credit])
def test_whoever_made_the_photographs_is_credited(make_world, draw, name: str) -> None:
    world = make_world(dataset=name, tests=1, labelled=False)
    prepared = world.prepare()
    credit = dataset_credit(prepared)
    assert credit is not None
    assert DATASETS.get(name).licence in credit
    page = draw([world.run(prepared, "net")], prepared)
    assert credit in page.text
    assert f"net on {DATASETS.get(name).title}" in page.text


def test_an_uninstalled_dataset_keeps_its_name(vessels) -> None:
    assert dataset_title(vessels[0]) == "drawn"
    assert dataset_credit(vessels[0]) is None


def with_facts(record: RunRecord, **facts: object) -> RunRecord:
    assert record.train is not None
    return replace(record, train=replace(record.train, facts={**record.train.facts, **facts}))


def test_what_was_special_about_a_training_is_told_and_what_was_not_is_no(vessels) -> None:
    prepared, systems = vessels
    good, poor = (read_run(one) for one in systems)
    assert not {"Began with", "Ended early", "Time budget"} & set(told(facts_table([good, poor], prepared)))
    special = with_facts(
        good,
        transfer="the weights of other; out.weight was not loaded.",
        stopped="after 12 of 64 epochs, since 5 minutes were over",
        minutes=5.0,
        frozen_epochs=64,
        overfit=2,
    )
    facts = told(facts_table([special, poor], prepared))
    assert facts["Began with"] == ["The weights of other; out.weight was not loaded", "random weights"]
    assert facts["Encoder frozen"] == ["in the first 64 epochs", "no"]
    assert facts["Overfitted on purpose"] == ["2 photographs, to be learned by heart", "no"]
    assert facts["Time budget"] == ["5 min", "no"]
    assert facts["Ended early"] == ["After 12 of 64 epochs, since 5 minutes were over", "no"]
    frozen = with_facts(good, frozen_epochs="all", transfer=None, minutes=None, overfit=None)
    facts = told(facts_table([frozen], prepared))
    assert facts["Encoder frozen"] == ["in all epochs"]
    assert "Began with" not in facts


def test_many_runs_share_a_table_and_are_rows_of_the_others(many) -> None:
    prepared, systems = many
    records = [read_run(one) for one in systems]
    assert len(facts_tables(records[:5], prepared)) == 1
    shared, *others = facts_tables(records, prepared)
    assert shared.columns == ("All 7",)
    assert told(shared)["Loss"] == ["dice-cross-entropy"]
    assert "Architecture" not in told(shared)
    rows = {row.heading: row for table in others if "Architecture" in table.columns for row in table.groups[0].rows}
    assert list(rows) == [record.name for record in records]
    assert [row.cells[0].text for row in rows.values()] == [f"net{number}" for number in range(7)]
    # Nothing is told twice, and nothing is lost.
    everything = told(facts_table(records, prepared))
    assert sorted(everything) == sorted([*told(shared), *(name for table in others for name in table.columns)])
