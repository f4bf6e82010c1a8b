from dataclasses import replace

import pytest

from retseg.core.errors import ConfigError
from retseg.imaging.config import InputConfig
from retseg.inference.checkpoint import read_card
from retseg.inference.predictor import Predictor
from retseg.training.config import TrainConfig
from retseg.training.loop import fit
from tests.training.test_job import of_member


def test_weights_of_a_joined_set_know_the_patients_of_each_member(tiny_job, make_set, make_case):
    cases = [of_member(make_case(f"{n}", f"p{n}", "train", seed=n), member) for n in range(2) for member in "ab"]
    cases.append(of_member(make_case("t", "tested", "test"), "a"))
    train = TrainConfig(epochs=1, steps_per_epoch=1, batch=2)
    fit(replace(tiny_job, prepared=make_set(cases), train=train))
    card = read_card(tiny_job.out / "best.safetensors")
    assert card.seen == {"a": ("p0", "p1"), "b": ("p0", "p1")}
    assert card.patients_behind_weights("a") == {"p0", "p1"}, "trained on, or set aside: both had a say"
    assert {"a-p0", "b-p1"} <= card.patients_behind_weights("little")
    begun = replace(tiny_job, train=train, out=tiny_job.out / "next", start=tiny_job.out / "best.safetensors")
    fit(begun)
    after = read_card(begun.out / "best.safetensors")
    assert after.seen["a"] == ("p0", "p1")
    assert "a-p0" in after.seen["little"]


def test_the_threshold_is_fitted_on_whom_the_settings_say(tiny_job, make_set, make_case):
    cases = [make_case(f"{n}", f"p{n}", "train", seed=n) for n in range(4)]
    found = {}
    for whom in ("validation", "all"):
        train = TrainConfig(epochs=1, steps_per_epoch=1, batch=2, threshold_on=whom)
        job = replace(tiny_job, prepared=make_set(cases), train=train, out=tiny_job.out / whom)
        found[whom] = fit(job).operating_point
    assert (found["validation"].split, len(found["validation"].patients)) == ("validation", 1)
    assert (found["all"].split, found["all"].patients) == ("train and validation", ("p0", "p1", "p2", "p3"))


def test_without_sizes_of_cameras_there_is_no_calibre(tiny_job):
    fit(replace(tiny_job, train=TrainConfig(epochs=1, steps_per_epoch=1, batch=2)))
    assert read_card(tiny_job.out / "best.safetensors").calibre is None


def test_the_calibre_is_the_median_of_what_first_looks_see(tiny_job, make_set, make_case, monkeypatch):
    cases = [of_member(make_case(f"{n}{m}", f"p{n}", "train", seed=n), m) for n in range(2) for m in "ab"]
    monkeypatch.setattr(Predictor, "width_seen", lambda self, image, fov: 4.0)
    sizes = InputConfig(diameter=48, cameras={"a": 48, "b": 96})
    fit(replace(tiny_job, prepared=make_set(cases), train=TrainConfig(epochs=1, steps_per_epoch=1), input=sizes))
    assert read_card(tiny_job.out / "best.safetensors").calibre == pytest.approx((4.0 + 8.0) / 2)


@pytest.mark.parametrize("sizes", [{"a": 48}, {"B": 48, "a": 48}])
def test_a_dataset_without_a_working_size_is_named(tiny_job, make_set, make_case, sizes):
    cases = [of_member(make_case("1", "p1", "train"), member) for member in "ab"]
    job = replace(tiny_job, prepared=make_set(cases), input=InputConfig(diameter=48, cameras=sizes))
    with pytest.raises(ConfigError, match="dataset b has no working size"):
        fit(job)


def test_sizes_of_cameras_need_something_to_measure(tiny_job, scenes):
    with pytest.raises(ConfigError, match="no class whose width"):
        fit(replace(tiny_job, prepared=scenes, input=InputConfig(diameter=48, cameras={scenes.name: 48})))
