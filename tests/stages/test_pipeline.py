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
