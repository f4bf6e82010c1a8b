from __future__ import annotations

import csv
import io
import shlex
from itertools import pairwise
from pathlib import Path

from retseg.core.config import parse_assignments
from retseg.stages.settings import load_settings
from retseg.stages.sweep_table import Trial, table_csv, table_json, table_lines, table_markdown

FACTS = {"epoch": 2, "epochs": 3, "steps": 30, "training_seconds": 4.2, "parameters": 12345}


def trial(lr: str, dice: float | None, patients: tuple[str, ...] = ("P1",), **settings) -> Trial:
    kept = {"validation_dice": "" if dice is None else str(dice), "validation_auc": "0.9", "validation_loss": "0.3"}
    made = load_settings(PIPELINE, [f"train.lr={lr}", *settings.pop("sets", ())])
    one = Trial(settings.pop("run", ""), {"train.lr": lr}, made)
    return one.scored(Path("runs") / lr, {**FACTS, "validation_patients": list(patients)}, kept)


PIPELINE = {"name": "p", "train": {"epochs": 3}}


def table_of(trials, tmp_path, pipeline="name: p\ntrain: {epochs: 3}\n"):
    path = tmp_path / "a pipeline.yaml"
    path.write_text(pipeline)
    return table_json("p", trials, ["train.lr"], path, Path("data/prepared/set"))


def test_the_highest_dice_stands_first_and_what_failed_last(tmp_path):
    failed = Trial("", {"train.lr": "9"}).without_scores("diverged | badly.")
    table = table_of([trial("1", 0.5), failed, trial("2", None), trial("3", 0.7)], tmp_path)
    assert [one["changed"]["train.lr"] for one in table["trials"]] == ["3", "1", "2", "9"]
    assert table["best"] == "train.lr=3"
    rows = list(csv.DictReader(io.StringIO(table_csv(table))))
    assert [row["rank"] for row in rows] == ["1", "2", "3", ""]
    assert (rows[0]["train.lr"], rows[0]["validation_dice"], rows[0]["seconds"]) == ("3", "0.7", "4.2")
    assert rows[0]["validation_patients"] == "P1"
    assert rows[3]["failed"] == "diverged | badly."
    lines = table_lines(table)
    assert lines[1].split() == ["1", "3", "0.7000", "0.9000", "0.3000", "2/3", "30", "4", "s", "12,345"]
    assert "Failed: train.lr=9: diverged | badly." in lines
    assert any("test photographs have no say" in line for line in lines)
    page = table_markdown(table)
    assert page.startswith("# Sweep of p\n")
    assert "diverged \\| badly." in page
    widths = {line.replace("\\|", "").count("|") for line in page.splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_other_validation_patients_are_said(tmp_path):
    same = table_of([trial("1", 0.5), trial("2", 0.6)], tmp_path)
    other = table_of([trial("1", 0.5), trial("2", 0.6, ("P2",))], tmp_path)
    assert not any("not the same for all" in line for line in table_lines(same))
    assert any("not the same for all" in line for line in table_lines(other))


def test_the_command_gives_the_same_settings_for_twice_as_long(tmp_path):
    best = trial("3e-4", 0.7, sets=["model={arch: segnet}", "seed=4", "train.max_steps=9", "model.options={width: 4}"])
    command = shlex.split(table_of([best], tmp_path)["command"])
    assert command[:3] == ["retseg", "train", "--config"]
    sets = [word for flag, word in pairwise(command) if flag == "--set"]
    found = load_settings(Path(command[3]), sets)
    longer = best.settings.train.model_copy(update={"epochs": 6, "max_steps": 18})
    assert found == best.settings.model_copy(update={"train": longer})
    assert parse_assignments(sets)["model"] == {"arch": "segnet", "options": {"width": 4}}
