from __future__ import annotations

import math
from pathlib import Path

import pytest

from retseg.core.errors import InputError
from retseg.reporting.run_files import ImageScores, RunFolders, ScoreRow, read_run

HEADER = "id,patient,system,class,metric,value,threshold,decision\n"


def row(value: float | None, threshold: float | None, decision: str) -> ScoreRow:
    return ScoreRow("a", "net", "vessel", "dice", value, threshold, decision)


def test_the_frozen_threshold_is_found_among_several() -> None:
    scores = ImageScores.of(iter([row(0.7, None, "argmax"), row(0.8, 0.4, "threshold"), row(0.6, 0.5, "threshold")]))
    assert scores.value("a", "net", "vessel", "dice", 0.4) == 0.8
    assert scores.value("a", "net", "vessel", "dice", 0.5) == 0.6
    assert scores.value("a", "net", "vessel", "dice") == 0.7
    assert scores.value("a", "net", "vessel", "iou", 0.4) is None
    assert scores.ids == {"a"}


def test_an_undefined_value_stays_undefined() -> None:
    scores = ImageScores.of(iter([row(None, 0.4, "threshold"), row(0.9, None, "argmax")]))
    assert scores.value("a", "net", "vessel", "dice", 0.4) is None


def folders(base: Path, summary: str = '{"system": "net"}', metrics: str = HEADER, history: str = "") -> RunFolders:
    found = RunFolders("net", base / "train", base / "predict", base / "evaluate")
    for folder in (base / "train", base / "predict", base / "evaluate"):
        folder.mkdir()
    (base / "evaluate" / "summary.json").write_text(summary)
    (base / "evaluate" / "metrics.csv").write_text(metrics)
    if history:
        (base / "train" / "history.csv").write_text(history)
    return found


def test_a_run_with_the_least_there_can_be_is_read(tmp_path: Path) -> None:
    record = read_run(folders(tmp_path))
    assert (record.system, record.threshold, len(record.history)) == ("net", None, 0)
    assert record.card == {}
    assert record.failures == ()


def test_history_holds_nan_for_what_was_not_measured(tmp_path: Path) -> None:
    record = read_run(folders(tmp_path, history="epoch,train_loss,validation_loss\n1,0.5,\n2,0.25,0.75\n"))
    assert record.history.columns["train_loss"] == (0.5, 0.25)
    assert math.isnan(record.history.columns["validation_loss"][0])
    assert len(record.history) == 2


def test_failures_are_read_with_their_reasons(tmp_path: Path) -> None:
    found = folders(tmp_path)
    (tmp_path / "predict" / "failures.csv").write_text("id,path,reason\nx,/x.png,the file is truncated\n")
    (failure,) = read_run(found).failures
    assert (failure.id, failure.reason) == ("x", "the file is truncated")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evaluate/summary.json", "{"),
        ("evaluate/summary.json", "[]"),
        ("evaluate/summary.json", '{"threshold": {"threshold": 0.5}}'),
        ("evaluate/metrics.csv", HEADER + "a,p,net,vessel,dice,high,0.5,threshold\n"),
        ("evaluate/metrics.csv", "id,metric\na,dice\n"),
        ("train/history.csv", "epoch,train_loss\n1,lots\n"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    found = folders(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        read_run(found)
    assert str(tmp_path / Path(name).parent) in str(caught.value)


def test_a_run_that_was_not_evaluated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has not been evaluated"):
        read_run(RunFolders("net", None, tmp_path, tmp_path))


def test_where_each_fold_has_its_threshold_the_first_line_counts() -> None:
    def row(threshold: float, value: float) -> ScoreRow:
        return ScoreRow("a", "net", "vessel", "dice", value, threshold, "threshold")

    scores = ImageScores.of(iter([row(0.31, 0.8), row(0.5, 0.7)]))
    assert scores.value("a", "net", "vessel", "dice") == 0.8
    assert scores.value("a", "net", "vessel", "dice", 0.5) == 0.7
    assert scores.value("a", "net", "vessel", "dice", 0.4) is None
