from dataclasses import replace

import pytest

from retseg.core.errors import ConfigError, InputError
from retseg.models.config import ModelConfig
from retseg.training.config import SamplingConfig, TrainConfig
from retseg.training.job import Course, Division, require_patch_size


def course(images=3, *, steps=None, per_image=None, fixed=False, **train):
    config = TrainConfig(steps_per_epoch=steps, **{"batch": 4, "epochs": 5, **train})
    return Course.plan(config, SamplingConfig(patches_per_image=per_image, fixed=fixed), images)


def test_an_epoch_is_so_many_steps_or_so_many_patches_of_each_image():
    assert course(steps=7) == Course(28, 7, 35)
    assert course(per_image=3) == Course(9, 3, 15)
    assert course(per_image=3, fixed=True, steps=2) == Course(8, 2, 10)


def test_an_epoch_has_one_length():
    with pytest.raises(ConfigError, match="given twice"):
        course(steps=7, per_image=3)
    with pytest.raises(ConfigError, match="not given"):
        course()


def test_max_steps_ends_within_an_epoch():
    short = course(steps=7, max_steps=10)
    assert (short.steps, short.epochs) == (10, 2)
    assert [short.steps_in(1), short.steps_in(2)] == [7, 3]
    assert course(steps=7, max_steps=1000).steps == 35
    assert course(steps=7, max_steps=2, epochs=1).steps_in(1) == 2


def test_patients_are_set_aside_whole(vessels):
    division = Division.of(vessels, 0.5, seed=0)
    train, aside = ({s.patient for s in part} for part in (division.train, division.validation))
    assert len(train) == len(aside) == 2
    assert not train & aside
    assert {s.id for s in division.train + division.validation} == {"a", "b", "c", "d", "sub/e"}


def test_at_least_one_patient_is_set_aside(vessels, one_patient):
    assert len({s.patient for s in Division.of(vessels, 0.01, seed=0).validation}) == 1
    assert Division.of(vessels, 0.0, seed=0).validation == ()
    assert Division.of(one_patient, 0.5, seed=0).validation == ()


def of_member(case, member):
    sample = case.sample
    named = replace(sample, id=f"{member}-{sample.id}", patient=f"{member}-{sample.patient}")
    return replace(case, sample=replace(named, origin=(member, sample.patient)))


def test_of_a_joined_set_each_member_sets_its_own_patients_aside(make_set, make_case):
    cases = [of_member(make_case(str(n), f"p{n}", "train", seed=n), "many") for n in range(8)]
    cases += [of_member(make_case(str(n), f"p{n}", "train", seed=n), "few") for n in range(2)]
    division = Division.of(make_set(cases), 0.25, seed=0)
    aside = [sample.origin[0] for sample in division.validation]
    assert (aside.count("many"), aside.count("few")) == (2, 1)
    assert len(division.train) == 7


def test_a_member_with_its_own_validation_keeps_it_and_the_others_set_some_aside(make_set, make_case):
    cases = [of_member(make_case("v", "v", "validation"), "settled")]
    cases += [
        of_member(make_case(f"{n}", f"p{n}", "train"), member) for n in range(3) for member in ("settled", "open")
    ]
    division = Division.of(make_set(cases), 0.3, seed=0)
    assert division.validation[0].id == "settled-v"
    assert [sample.origin[0] for sample in division.validation] == ["settled", "open"]
    assert len(division.train) == 5
    assert Division.of(make_set(cases), 0.0, seed=0).validation == ()


def test_photographs_without_label_take_no_part(make_set, make_case):
    prepared = make_set([make_case("a", "p1", "train"), make_case("b", "p2", "train", labelled=False)])
    assert [s.id for s in Division.of(prepared, 0.5, seed=0).train] == ["a"]
    with pytest.raises(InputError, match="no labelled photographs"):
        Division.of(make_set([make_case("b", "p2", "train", labelled=False)]), 0.5, seed=0)


def test_a_patch_size_that_the_net_cannot_take_is_refused_with_one_that_it_can():
    require_patch_size(ModelConfig(arch="unet", options={"depth": 4}), 96)
    with pytest.raises(ConfigError, match=r"multiple of 16, not 100.*patch_size=96"):
        require_patch_size(ModelConfig(arch="unet", options={"depth": 4}), 100)
