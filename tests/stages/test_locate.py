from __future__ import annotations

import os
from pathlib import Path

import pytest

from retseg.core.errors import ConfigError, InputError
from retseg.core.manifest import Manifest
from retseg.datasets.config import DatasetConfig
from retseg.datasets.registry import DATASETS, GENERATED
from retseg.datasets.synthetic.layouts import write_layout
from retseg.stages.locate import (
    find_run,
    find_runs,
    find_source,
    newest_prepared,
    newest_run,
    run_names,
    shipped_weights,
)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETSEG_DATA", raising=False)


def layout(name: str, root: Path) -> None:
    write_layout(name, root, count=2, seed=0, scale=0.1)


def finished(folder: Path, stage: str, time: str, **facts: str) -> None:
    folder.mkdir(parents=True)
    Manifest(stage, 1, "k", {}, {}, {}, {"finished": time}, facts).write(folder)


def test_nothing_there_means_the_generated_set_and_says_so():
    source = find_source(DatasetConfig(), None)
    assert source.name == GENERATED
    assert "generated set" in source.note


def test_every_generated_set_has_a_folder_of_its_own_by_what_is_asked_for():
    for name in (GENERATED, "synthetic-msrc", "synthetic-pedestrians"):
        source = find_source(DatasetConfig(name=name, count=7, size="demo", generator_seed=3), None)
        assert (source.name, source.root) == (name, Path(f"data/raw/{name}-7-demo-3"))
        assert "computer-drawn" in source.note
        there = find_source(DatasetConfig(name=name), Path("anywhere"))
        assert (there.name, there.root) == (name, Path("anywhere"))


def test_a_generated_look_alike_is_not_found_as_the_real_set():
    DATASETS.get("synthetic-msrc")(DatasetConfig(count=1, size="demo")).generate(Path("data/raw/synthetic-msrc"))
    assert find_source(DatasetConfig(), None).name == GENERATED
    layout("msrc", Path("data/raw/MSRC"))
    assert find_source(DatasetConfig(), None).root == Path("data/raw/MSRC")


def test_the_only_known_set_is_taken():
    layout("drive", Path("data/raw/DRIVE"))
    source = find_source(DatasetConfig(), None)
    assert (source.name, source.root) == ("drive", Path("data/raw/DRIVE"))


def test_several_known_sets_are_listed_and_one_must_be_chosen(tmp_path, monkeypatch):
    layout("drive", Path("data/raw/DRIVE"))
    layout("chase", tmp_path / "elsewhere" / "CHASE_DB1")
    monkeypatch.setenv("RETSEG_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(ConfigError, match="several datasets.*chase.*drive.*--dataset"):
        find_source(DatasetConfig(), None)
    assert find_source(DatasetConfig(name="chase"), None).root == tmp_path / "elsewhere" / "CHASE_DB1"


def test_a_root_is_recognised_without_a_name():
    layout("hrf", Path("HRF"))
    assert find_source(DatasetConfig(), Path("HRF")).name == "hrf"
    assert find_source(DatasetConfig(), Path()).name == "hrf"


def test_the_newest_set_and_run_count():
    finished(Path("data/prepared/a"), "prepare", "2026-01-01", dataset="drive")
    finished(Path("data/prepared/b"), "prepare", "2026-01-03", dataset="hrf")
    finished(Path("data/prepared/c.partial"), "prepare", "2026-01-09", dataset="hrf")
    finished(Path("data/prepared/other"), "train", "2026-01-09")
    assert newest_prepared() == Path("data/prepared/b")
    assert newest_prepared("drive") == Path("data/prepared/a")
    with pytest.raises(InputError, match="no prepared set of chase"):
        newest_prepared("chase")
    finished(Path("runs/one/train"), "train", "2026-01-02")
    finished(Path("runs/two/train"), "train", "2026-01-01")
    assert newest_run() == Path("runs/one")
    assert run_names() == ["one", "two"]


def test_a_run_is_found_by_folder_train_folder_or_name():
    finished(Path("runs/one/train"), "train", "2026-01-02")
    for given in ("runs/one", "runs/one/train", "one", os.path.abspath("runs/one")):  # noqa: PTH100
        assert find_run(Path(given)).resolve() == Path("runs/one").resolve()


def test_an_unfinished_run_is_named_as_such():
    Path("runs/one/train.partial").mkdir(parents=True)
    with pytest.raises(InputError, match="the run is not finished"):
        find_run(Path("runs/one"))


def test_a_shipped_model_is_found_by_name_and_has_its_results_below_runs(shipped):
    (shipped / "default.safetensors").touch()
    for given in ("default", "runs/default", os.path.abspath("runs/default")):  # noqa: PTH100
        assert find_run(Path(given)) == Path("runs/default")
    Path("runs/default/predict/eyes").mkdir(parents=True)
    assert find_run(Path("default")) == Path("runs/default")
    with pytest.raises(InputError, match="elsewhere/default"):
        find_run(Path("elsewhere/default"))
    with pytest.raises(InputError, match="given twice"):
        find_runs([Path("default"), Path("runs/default")])


def test_without_a_run_the_default_model_is_taken_and_with_one_it_is_not(shipped):
    (shipped / "default.safetensors").touch()
    assert newest_run() == Path("runs/default")
    finished(Path("runs/one/train"), "train", "2026-01-02")
    assert newest_run() == Path("runs/one")
    assert find_run(Path("default")) == Path("runs/default")


def test_another_shipped_model_is_taken_only_by_name(shipped):
    (shipped / "large.safetensors").touch()
    assert find_run(Path("large")) == Path("runs/large")
    with pytest.raises(InputError, match="no trained run yet.*ships no model.*`retseg train`"):
        newest_run()
    with pytest.raises(InputError, match="ships no model.*`retseg train`"):
        find_run(Path("default"))


def test_a_run_of_ones_own_goes_before_the_shipped_model_of_its_name(shipped):
    (shipped / "default.safetensors").touch()
    finished(Path("runs/default/train.partial"), "train", "2026-01-02")
    with pytest.raises(InputError, match="not finished"):
        find_run(Path("default"))
    Path("runs/default/train.partial").rename("runs/default/train")
    assert find_run(Path("default")) == Path("runs/default")
    assert shipped_weights(Path("runs/default")) is None
