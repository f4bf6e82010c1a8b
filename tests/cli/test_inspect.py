from __future__ import annotations

import yaml


def test_config_show_prints_every_setting_and_reads_back(retseg, tmp_path):
    shown = retseg("config", "show", "--set", "train.lr=0.5")
    assert yaml.safe_load(shown.out)["train"]["lr"] == 0.5
    (tmp_path / "my.yaml").write_text(shown.out)
    assert retseg("config", "show", "--config", "my.yaml").out == shown.out


def test_config_show_of_a_recipe(retseg):
    lecture = yaml.safe_load(retseg("config", "show", "--recipe", "lecture").out)
    assert (lecture["train"]["epochs"], lecture["train"]["batch"], lecture["train"]["lr"]) == (100, 10, 1e-3)
    assert lecture["loss"]["name"] == "nll"
    assert (lecture["sampling"]["patches_per_image"], lecture["sampling"]["patch_size"]) == (30, 224)


def test_what_a_user_writes_wins_over_the_recipe(retseg, tmp_path):
    (tmp_path / "my.yaml").write_text("recipe: lecture\ntrain: {epochs: 7, batch: 3}\n")
    shown = yaml.safe_load(retseg("config", "show", "--config", "my.yaml", "--set", "train.batch=4").out)
    assert (shown["train"]["epochs"], shown["train"]["batch"], shown["train"]["lr"]) == (7, 4, 1e-3)


def test_datasets_list_and_show_name_every_dataset(retseg):
    from retseg.datasets.registry import DATASETS

    listed = retseg("datasets", "list").out
    for name in DATASETS.names():
        assert name in listed
        shown = retseg("datasets", "show", name)
        assert shown.code == 0
        assert DATASETS.get(name).title in shown.out


def test_doctor_says_what_there_is_and_what_is_missing(retseg):
    out = retseg("doctor").out
    for label in ("retseg", "Python", "Memory", "Packages", "Device", "Datasets", "Missing"):
        assert label in out
    assert "torch 2." in out
