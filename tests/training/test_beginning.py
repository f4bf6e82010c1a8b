from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from retseg.core.errors import CheckpointError, ConfigError
from retseg.inference.checkpoint import read_card
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.training.beginning import begin, freeze
from retseg.training.config import TrainConfig
from retseg.training.loop import fit

SMALL = ModelConfig(arch="unet", options={"depth": 1, "width": 4})


def changed(job, section="train", **values):
    return replace(job, **{section: getattr(job, section).model_copy(update=values)})


@pytest.fixture(scope="module")
def source(make_tiny_job, tmp_path_factory):
    """A finished run of three classes."""
    return fit(replace(make_tiny_job(tmp_path_factory.mktemp("source")), model=SMALL)).folder / "best.safetensors"


def test_fine_tuning_begins_with_every_weight_of_a_run_of_the_same_classes(source, tiny_job):
    begun = begin(replace(tiny_job, model=SMALL, start=source))
    theirs = load_file(source)
    ours = begun.state.net.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert begun.transfer.startswith("Began as unet trained on little: Weights taken over: ")


def test_other_classes_get_a_new_head_which_is_named(source, tiny_job, scenes):
    begun = begin(replace(tiny_job, prepared=scenes, model=SMALL, start=source))
    theirs, ours = load_file(source), begun.state.net.state_dict()
    differing = {name for name in ours if ours[name].shape != theirs[name].shape or not ours[name].equal(theirs[name])}
    assert differing == {"classify.weight", "classify.bias"}
    assert "classify.weight, classify.bias (4 classes instead of 3)" in begun.transfer


def test_other_classes_of_the_same_number_get_a_new_head_too(source, tiny_job):
    names = replace(tiny_job.prepared.classes, items=tiny_job.prepared.classes.items[::-1])
    begun = begin(replace(tiny_job, prepared=replace(tiny_job.prepared, classes=names), model=SMALL, start=source))
    assert not begun.state.net.state_dict()["classify.weight"].equal(load_file(source)["classify.weight"])


def test_patients_behind_the_first_weights_stay_known(source, tiny_job, scenes):
    job = replace(changed(tiny_job, max_steps=1), prepared=scenes, model=SMALL, start=source)
    job = changed(job, "sampling", patch_size=16)
    fit(replace(job, prepared=replace(scenes, name="bands")))
    card, first = read_card(job.out / "best.safetensors"), read_card(source)
    assert card.dataset == "bands"
    assert card.patients_behind_weights("little") == first.fitted_patients
    assert "p9" not in card.patients_behind_weights("little")


def test_weights_of_another_net_are_refused_with_the_keys_that_differ(source, tiny_job):
    with pytest.raises(CheckpointError, match=r"another architecture.*encode\.weight"):
        begin(replace(tiny_job, model=ModelConfig(arch="segnet"), start=source))


def test_an_encoder_is_taken_from_a_run_of_ours_with_those_who_were_behind_it(source, tiny_job):
    begun = begin(changed(replace(tiny_job, model=SMALL), encoder_weights=str(source)))
    theirs, ours = load_file(source), begun.state.net.state_dict()
    same = {name for name in ours if ours[name].equal(theirs[name])}
    assert {name for name in ours if name.startswith("down.")} <= same
    assert "classify.weight" not in same
    assert begun.seen == {"little": tuple(sorted(read_card(source).fitted_patients))}


def test_freezing_leaves_encoder_and_its_running_statistics_alone(tiny_job):
    net = build(SMALL, 3, 3).train()
    freeze(net, ("down.",), frozen=True)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=1.0)
    net(torch.rand(2, 3, 16, 16)).square().mean().backward()
    optimiser.step()
    moved = {name for name, value in net.state_dict().items() if not value.equal(before[name])}
    assert moved
    assert not any(name.startswith("down.") for name in moved)
    freeze(net.train(), ("down.",), frozen=False)
    assert all(p.requires_grad for p in net.parameters())
    assert all(module.training for module in net.modules())


def test_a_frozen_encoder_learns_after_its_epochs(tiny_job):
    job = replace(changed(tiny_job, freeze_encoder_epochs=2, ema=0.0, keep="last"), model=SMALL)
    begun = begin(job).state.net.state_dict()
    for epochs, learns in ((2, False), (3, True)):
        one = replace(changed(job, epochs=epochs), out=job.out / str(epochs))
        result = load_file(fit(one).folder / "best.safetensors")
        encoder = [name for name in result if name.startswith("down.") and "num_batches" not in name]
        assert any(not result[name].equal(begun[name]) for name in encoder) == learns
        assert not result["classify.weight"].equal(begun["classify.weight"])


def test_freezing_all_along_is_the_old_school(tiny_job):
    job = replace(changed(tiny_job, freeze_encoder_epochs="all", max_steps=2), model=SMALL)
    result = fit(job)
    assert result.facts["frozen_epochs"] == "all"


def test_a_net_without_encoder_cannot_have_it_frozen(tiny_job):
    job = replace(changed(tiny_job, freeze_encoder_epochs=1), model=ModelConfig(arch="segnet"))
    with pytest.raises(ConfigError, match=r"segnet' has no encoder.*freeze_encoder_epochs=1.*unet"):
        fit(job)


def test_freezing_takes_a_number_or_all():
    with pytest.raises(ValueError, match="freeze_encoder_epochs"):
        TrainConfig(freeze_encoder_epochs="some")
