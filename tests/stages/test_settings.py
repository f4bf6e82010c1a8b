from __future__ import annotations

import pytest

from retseg.core.errors import ConfigError
from retseg.stages.settings import Settings, load_settings
from retseg.training.recipes import RECIPES


def test_defaults_recipe_file_and_sets_are_laid_over_each_other_in_this_order(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("recipe: lecture\ntrain: {lr: 2.0, batch: 2}\n")
    settings = load_settings(path, ["train.lr=3", "train.epochs=5"], {"train.epochs": 6, "seed": None})
    assert settings.train.lr == 3
    assert settings.train.batch == 2
    assert settings.train.epochs == 6
    assert settings.sampling.fixed
    assert settings.seed == 0


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_valid(name):
    assert load_settings({"recipe": name}).recipe == name


def test_a_pipelines_heading_is_no_setting():
    assert load_settings({"name": "x", "about": "y", "runs": {}, "seed": 4}).seed == 4


def test_unknown_section_gets_the_nearest_name():
    with pytest.raises(ConfigError, match="Did you mean train"):
        load_settings({"trian": {}})


def test_part_is_json_ready_and_holds_nothing_else():
    assert set(Settings().part("seed", "model")) == {"seed", "model"}
