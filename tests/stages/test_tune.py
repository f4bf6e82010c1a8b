from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError, InputError
from retseg.core.manifest import Manifest
from retseg.datasets.base import VESSELS
from retseg.stages import tune as stage
from retseg.stages.locate import find_run, newest_run, newest_tuned
from retseg.stages.prepare import prepare
from retseg.stages.settings import load_settings
from retseg.stages.tune import published_run, tune, tuned_run
from retseg.training import tuning
from tests.conftest import fundus

SMALL = ("--set", "dataset.count=6", "--set", "dataset.size=small")
QUICK = ("--set", "method.parameters.diameter=150", "--set", "method.images=2")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def at_home(retseg, home, monkeypatch):
    monkeypatch.chdir(home)
    return retseg


@pytest.fixture
def prepared(at_home, home) -> Path:
    settings = load_settings(None, [word for word in SMALL if "=" in word] + ["dataset.name=synthetic"])
    return prepare(settings, workers=1).folder


def quick(**more: object):
    words = [word for word in QUICK if "=" in word]
    return load_settings(None, [*words, *(f"{key}={value}" for key, value in more.items())])


def test_a_tuned_method_is_a_run_with_a_card_a_threshold_and_a_table(prepared):
    result = tune(quick(), prepared, "sato", workers=1)
    assert not result.skipped
    assert {path.name for path in result.folder.iterdir()} == {
        "method.json", "operating_point.json", "tuning.csv", "manifest.json",
    }  # fmt: skip
    card = json.loads((result.folder / "method.json").read_text())
    point = json.loads((result.folder / "operating_point.json").read_text())
    rows = Manifest.read(prepared).facts
    train = {rows["patients"][i] for i in rows["splits"]["train"]}
    assert card["arch"] == "sato"
    assert card["operating_point"] == point
    assert set(card["train_patients"]) == set(point["fitted_on"]["patients"]) <= train
    assert len(card["splits"]["train"]) == 2
    assert result.folder.parent.name.startswith("synthetic-sato-")
    kept = [row for row in csv.DictReader((result.folder / "tuning.csv").open()) if row["kept"]]
    assert float(kept[0]["dice"]) == pytest.approx(point["value"], abs=1e-6)
    assert kept[0]["sigmas"] == " ".join(map(str, card["options"]["sigmas"]))
    assert tune(quick(), prepared, "sato", workers=1).skipped
    assert tuned_run(quick(), prepared, "sato") == result.folder.parent


def test_other_parameters_make_another_run_and_a_run_is_never_the_newest_net(prepared):
    one, other = (tuned_run(quick(**{"method.search": v}), prepared, "sato", workers=1) for v in ("true", "false"))
    assert one != other
    assert newest_tuned("sato") == other
    assert newest_tuned("frangi") is None
    assert find_run(Path(one.name)).resolve() == one.resolve()
    with pytest.raises(InputError, match="no trained run yet"):
        newest_run()


def test_an_interrupted_tuning_goes_on_to_the_same_result(prepared, tmp_path, monkeypatch):
    settings = quick(**{"method.images": 3})
    whole = tune(settings, prepared, "sato", out=tmp_path / "whole", workers=1).folder
    seen: list[str] = []
    tally = tuning.tally

    def interrupted(method, tried, fitted, data, sample):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(sample.id)
        return tally(method, tried, fitted, data, sample)

    monkeypatch.setattr(tuning, "tally", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tune(settings, prepared, "sato", out=tmp_path / "parts", workers=1)
    again: list[str] = []
    monkeypatch.setattr(tuning, "tally", lambda *words: (again.append(words[-1].id), tally(*words))[1])
    parts = tune(settings, prepared, "sato", out=tmp_path / "parts", workers=1).folder
    assert len(again) == 1
    assert not set(again) & set(seen)
    for name in ("method.json", "tuning.csv"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


@pytest.fixture
def own_processes():
    """No worker processes of an earlier test, which would stand in its folder, and none left for a later one."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)
    yield
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.usefixtures("own_processes")
def test_several_processes_give_the_same(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_FEWEST_FOR_PROCESSES", 2)
    one, two = (tune(quick(), prepared, "matched-filter", out=tmp_path / str(n), workers=n).folder for n in (1, 2))
    assert (one / "tuning.csv").read_bytes() == (two / "tuning.csv").read_bytes()


def test_published_parameters_make_a_run_that_nothing_was_fitted_for(home, monkeypatch):
    monkeypatch.chdir(home)
    result = published_run(load_settings(), "watershed", VESSELS)
    card = json.loads((result.folder / "method.json").read_text())
    assert (card["operating_point"], card["train_patients"], card["dataset"]) == (None, [], "")
    assert newest_tuned("watershed") is None
    with pytest.raises(ConfigError, match="learns from labels"):
        published_run(load_settings(), "frequency", VESSELS)


def test_predict_tunes_first_and_evaluate_takes_the_run(at_home, home, prepared):
    first = at_home("predict", "--method", "matched-filter", "--dataset", prepared, *QUICK, "--workers", 1)
    assert first.code == 0, first.err
    assert "Tuned: matched-filter on synthetic" in first.out
    folder = home / first.last_line
    run = folder.parent.parent
    for kind in ("prob", "mask", "overlay", "fov", "classes"):
        assert any((folder / kind).rglob("*")), kind
    again = at_home("predict", "--method", "matched-filter", "--dataset", prepared, *QUICK)
    assert "unchanged" in again.out
    by_run = at_home("predict", "--run", run.name, "--dataset", prepared)
    assert "unchanged" in by_run.out
    assert "tuned on synthetic" in by_run.out
    scored = at_home("evaluate", "--run", run.name, "--dataset", prepared, "--workers", 1)
    assert scored.code == 0, scored.err
    summary = json.loads((home / scored.last_line / "summary.json").read_text())
    point = json.loads((run / "train" / "operating_point.json").read_text())
    assert summary["pooled"]["auc"] > 0.6  # few pixels a vessel at this diameter
    assert summary["threshold"]["threshold"] == point["threshold"]


def test_scoring_the_patients_it_was_tuned_on_is_refused(at_home, prepared):
    run = tuned_run(quick(), prepared, "matched-filter", workers=1)
    refused = at_home("evaluate", "--run", run, "--dataset", prepared, "--split", "train", "--workers", 1)
    assert refused.code == 2
    assert "fitted on" in refused.err


def test_frequency_learns_and_predicts(at_home, home, prepared):
    made = at_home("predict", "--method", "frequency", "--dataset", prepared)
    assert made.code == 0, made.err
    maps = [np.asarray(Image.open(path)) for path in sorted((home / made.last_line / "prob").glob("*.png"))]
    assert all(map_.max() > 0 for map_ in maps)
    assert (home / made.last_line).parent.parent.joinpath("train", "fitted.safetensors").is_file()


def test_photographs_take_the_tuned_method_else_the_published_one(at_home, home, prepared):
    (home / "photos").mkdir(exist_ok=True)
    Image.fromarray(fundus(1)).save(home / "photos" / "eye.png")
    tuned = tuned_run(quick(), prepared, "matched-filter", workers=1)
    first = at_home("predict", "photos", "--method", "matched-filter", "--out", "a")
    assert first.code == 0, first.err
    assert "tuned on synthetic" in first.out
    assert newest_tuned("matched-filter").name in first.out
    assert tuned.is_dir()
    second = at_home("predict", "photos", "--method", "meijering", "--out", "b")
    assert second.code == 0, second.err
    assert "never tuned" in second.out
    assert json.loads((home / "b/operating_point.json").read_text())["criterion"] == "not fitted"
    assert (home / "b/mask/eye.png").is_file()


def test_mistakes_are_explained(at_home, home, prepared):
    typo = at_home("predict", "--method", "frangy", "--dataset", prepared)
    assert typo.code == 2
    assert "Did you mean frangi" in typo.err
    both = at_home("predict", "--method", "sato", "--run", "x", "--dataset", prepared)
    assert both.code == 2
    assert "exclude each other" in both.err
    (home / "photos").mkdir(exist_ok=True)
    Image.fromarray(fundus(1)).save(home / "photos" / "eye.png")
    unfit = at_home("predict", "photos", "--method", "nothing", "--set", "method.parameters.beta=1", "--out", "c")
    assert unfit.code == 2
    assert "beta" in unfit.err


def test_methods_are_listed_and_shown(retseg):
    from retseg.methods.registry import METHODS

    listed = retseg("methods", "list").out
    for name in METHODS.names():
        assert name in listed
        shown = retseg("methods", "show", name)
        assert shown.code == 0
        assert METHODS.get(name).citation in shown.out
    assert "1.5 2.5 4.0" in retseg("methods", "show", "frangi").out


def test_the_api_loads_a_method_like_a_net(prepared):
    import retseg

    run = tuned_run(quick(), prepared, "matched-filter", workers=1)
    image = fundus(2)
    found = retseg.load(run, device="cpu").probabilities(image, image.max(2) > 20)
    assert found.shape == (3, *image.shape[:2])
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
