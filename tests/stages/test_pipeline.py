from __future__ import annotations

from pathlib import Path

import pytest

from retseg.core.errors import ConfigError, InputError
from retseg.datasets.registry import DATASETS
from retseg.models.build import resolve
from retseg.stages.pipeline import find_pipeline, read_pipeline, shipped_pipelines
from retseg.training.job import require_patch_size


@pytest.mark.parametrize("name", shipped_pipelines())
def test_every_shipped_pipeline_is_valid_down_to_its_nets(name):
    heading, runs = read_pipeline(shipped_pipelines()[name])
    assert heading.name == name
    assert heading.about
    for settings in runs.values():
        DATASETS.get(str(settings.dataset.name))(settings.dataset)
        resolve(settings.model)
        require_patch_size(settings.model, settings.sampling.patch_size)


def test_runs_share_settings_and_change_some(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("name: p\nseed: 3\nruns:\n  a: {model: {arch: segnet}}\n  b: {seed: 4}\n")
    _, runs = read_pipeline(path, ["train.epochs=2"])
    assert (runs["a"].model.arch, runs["a"].seed, runs["b"].seed) == ("segnet", 3, 4)
    assert all(settings.train.epochs == 2 for settings in runs.values())
    _, runs = read_pipeline(path, (), seed=9)
    assert {settings.seed for settings in runs.values()} == {9}


def test_a_budget_is_shared_out_equally(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("name: p\nbudget: 30\nruns:\n  a: {}\n  b: {}\n  c: {}\n")
    _, runs = read_pipeline(path)
    assert {settings.train.minutes for settings in runs.values()} == {10}
    heading, runs = read_pipeline(path, ["budget=1.5"])
    assert heading.budget == 1.5
    assert {settings.train.minutes for settings in runs.values()} == {0.5}
    with pytest.raises(ConfigError, match="budget"):
        read_pipeline(path, ["budget=0"])


def test_a_method_takes_no_part_of_the_budget(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("name: p\nbudget: 30\nruns:\n  a: {method: {name: frequency}}\n  b: {}\n  c: {}\n")
    _, runs = read_pipeline(path)
    assert runs["b"].train.minutes == runs["c"].train.minutes == 15


def test_without_a_budget_nothing_ends_by_the_clock():
    _, runs = read_pipeline(shipped_pipelines()["lecture-compare"])
    assert {settings.train.minutes for settings in runs.values()} == {None}
    _, runs = read_pipeline(shipped_pipelines()["lecture-compare"], ["train.minutes=3"])
    assert {settings.train.minutes for settings in runs.values()} == {3}


def test_a_setting_can_be_for_one_run_alone(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("name: p\nruns:\n  a: {}\n  b: {}\n")
    _, runs = read_pipeline(path, ["runs.b.train.epochs=3", "train.batch=5"])
    assert (runs["a"].train.epochs, runs["b"].train.epochs) == (20, 3)
    assert {settings.train.batch for settings in runs.values()} == {5}


def test_the_lectures_comparison_is_as_it_was_told():
    _, runs = read_pipeline(shipped_pipelines()["lecture-compare"])
    told = {
        name: (s.model.arch, s.train.epochs, s.train.freeze_encoder_epochs, s.train.frozen_lr, s.train.lr)
        for name, s in runs.items()
    }
    plain, frozen = (128, 0, None, 1e-4), (192, 64, 1e-3, 1e-4)
    assert told == {
        "basic-quarter": ("basic", *plain),
        "unet-quarter": ("unet", *plain),
        "resunet18-quarter": ("resunet18", *frozen),
        "basic-sixteenth": ("basic", *plain),
        "unet-sixteenth": ("unet", *plain),
        "resunet18-sixteenth": ("resunet18", *frozen),
        "unet-overfit": ("unet", *plain),
    }
    crops = {name: (s.sampling.patch_share, s.augment.flips.horizontal) for name, s in runs.items()}
    assert crops["unet-quarter"] == (0.25, 0.5)
    assert crops["unet-sixteenth"] == crops["resunet18-sixteenth"] == (0.0625, 0.25)
    assert crops["unet-overfit"] == (0.25, 0.0)
    assert runs["unet-overfit"].model.options == {"normalisation": "none"}
    assert {s.train.snapshots for s in runs.values()} == {(1, 16, 32, 64, 128)}


def test_a_shipped_pipeline_is_found_by_name_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_pipeline(Path("chase")) == find_pipeline(Path("pipelines/chase.yaml"))
    with pytest.raises(InputError, match="pipeline not found.*Did you mean chase"):
        find_pipeline(Path("chas"))
    with pytest.raises(InputError, match="pipeline not found"):
        find_pipeline(Path("elsewhere/chase.yaml"))


@pytest.mark.parametrize("text", ["seed: 1\n", "name: a/b\n", "name: p\nruns: [1]\n"])
def test_a_wrong_heading_is_explained(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_pipeline(path)
