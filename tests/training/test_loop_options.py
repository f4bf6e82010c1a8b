"""The ways to train that are off by default."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from retseg.core.errors import ConfigError
from retseg.core.progress import Progress
from retseg.models.config import ModelConfig
from retseg.training.loop import Training, fit
from retseg.training.reproducible import reproducible
from retseg.training.schedule import Rates

PLAIN = ModelConfig(arch="unet", options={"depth": 1, "width": 4, "normalisation": "none"})


def changed(job, section="train", **values):
    return replace(job, **{section: getattr(job, section).model_copy(update=values)})


def weights(job):
    return load_file(fit(job).folder / "best.safetensors")


def test_gradients_of_several_batches_add_up_to_those_of_a_large_one(tiny_job, nothing):
    plain = replace(changed(tiny_job, ema=0.0, keep="last", epochs=1, optimiser="sgd"), model=PLAIN, augment=nothing)
    one = weights(replace(changed(plain, batch=6), out=plain.out / "one"))
    several = weights(replace(changed(plain, batch=2, accumulate=3), out=plain.out / "several"))
    # The Dice part of a loss is a ratio over a batch, so only the pixel loss is a plain mean over patches.
    for name, value in one.items():
        torch.testing.assert_close(several[name], value, atol=2e-6, rtol=1e-4)


def test_a_clipped_gradient_moves_the_weights_no_further(tiny_job):
    job = replace(changed(tiny_job, optimiser="sgd", clip=1e-3, weight_decay=0.0, ema=0.0), model=PLAIN)
    training = Training.prepare(job)
    before = {name: value.clone() for name, value in training.state.net.state_dict().items()}
    training.step(training.sampler.epoch(1)[:3], 1, 0, Rates(1.0, 1.0))
    moved = sum(float((value - before[name]).square().sum()) for name, value in training.state.net.state_dict().items())
    # Nesterov's momentum of 0.9 makes the first step 1.9 gradients long.
    assert moved**0.5 == pytest.approx(1.9e-3, rel=0.01)


def test_it_stops_when_the_validation_no_longer_gets_better(tiny_job):
    # With a rate of nearly nothing the Dice of the first epoch is the best there will be.
    job = changed(tiny_job, lr=1e-30, weight_decay=0.0, epochs=9, early_stopping=2, ema=0.0, warmup=0.0)
    job = replace(job, model=PLAIN)
    result = fit(job)
    assert [epoch.epoch for epoch in result.history] == [1, 2, 3]
    assert result.epoch == 1
    assert result.facts["stopped"].startswith("Stopped after epoch 3 of 9 planned")
    again = fit(replace(job, resume=True))
    assert len(again.history) == 3


def test_early_stopping_needs_a_validation(tiny_job):
    with pytest.raises(ConfigError, match=r"early stopping needs.*validation_fraction"):
        fit(changed(tiny_job, early_stopping=2, validation_fraction=0.0))


def test_the_clock_ends_a_training_and_brings_the_rate_down_with_it(tiny_job):
    job = changed(tiny_job, epochs=100_000, minutes=0.03, warmup=0.0)
    result = fit(job)
    assert 1 <= result.facts["epochs"] < 100_000
    assert 1.8 <= result.history[-1].seconds < 6
    assert result.history[-1].learning_rate < 0.2 * job.train.lr
    assert f"in epoch {result.facts['epochs']} of 100000" in result.facts["stopped"]


def test_time_before_an_interruption_counts(tiny_job):
    class Interrupt(Progress):
        def advance(self, units=1, note=""):
            self.done += units
            if "epoch 4/" in note:
                raise KeyboardInterrupt

    job = changed(tiny_job, epochs=100_000, minutes=0.03)
    with pytest.raises(KeyboardInterrupt):
        fit(replace(job, bar=Interrupt("Training", None, "second")))
    display = Progress("Training", None, "second")
    result = fit(replace(job, resume=True, bar=display))
    assert len(result.history) > 4
    seconds = [epoch.seconds for epoch in result.history]
    assert seconds == sorted(seconds)
    assert 1.8 <= seconds[-1] < 6
    assert display.done <= display.total == 2


def test_a_frozen_part_takes_its_share_of_the_time(tiny_job):
    job = changed(tiny_job, epochs=100_000, freeze_encoder_epochs=50_000, frozen_lr=1.0, lr=1e-5, minutes=0.03, ema=0.0)
    job = replace(changed(job, schedule="constant", warmup=0.0, optimiser="sgd"), model=PLAIN)
    history = fit(job).history
    frozen = [epoch for epoch in history if epoch.learning_rate == 1.0]
    assert 0.25 < len(frozen) / len(history) < 0.75
    assert history[: len(frozen)] == tuple(frozen)


def test_patches_can_be_a_share_of_the_photograph(tiny_job, one_patient):
    job = replace(changed(tiny_job, max_steps=1), prepared=one_patient)
    result = fit(changed(job, "sampling", patch_share=0.25))
    # A field of view of about 68 pixels, and a quarter of its square.
    assert result.facts["patch_size"] == 34


def test_snapshots_show_photograph_truth_and_every_epoch_asked_for(tiny_job):
    result = fit(changed(tiny_job, snapshots=(1, 8)))
    folder = result.folder / "snapshots"
    assert result.facts["snapshots"] == [1, 3]
    assert result.facts["snapshots_of"] == "validation"
    kinds = {path.parent.relative_to(folder).parts[0] for path in folder.rglob("*.png") if path.parent != folder}
    assert kinds == {"photograph", "truth", "epoch-0001", "epoch-0003"}
    grey = np.asarray(Image.open(next((folder / "epoch-0003").rglob("*.png"))))
    assert grey.ndim == 2
    assert grey.std() > 0
    assert (result.folder / "snapshots.png").is_file() or (folder / "snapshots.png").is_file()


def test_deep_supervision_changes_the_training(tiny_job):
    deep = replace(tiny_job, model=ModelConfig(arch="unet", options={"depth": 2, "width": 4, "deep_supervision": True}))
    deep = changed(deep, max_steps=3, ema=0.0, keep="last")
    found = [
        weights(replace(changed(deep, "loss", auxiliary=share), out=deep.out / str(share)))["classify.weight"]
        for share in (0.0, 0.5)
    ]
    assert not torch.equal(*found)


def test_strictness_refuses_what_cannot_be_repeated():
    with pytest.raises(ConfigError, match=r"cannot be repeated bit by bit on cpu.*train\.deterministic"):
        with reproducible(torch.device("cpu"), strict=True):
            raise RuntimeError("max_unpool does not have a deterministic implementation, but you set ...")
    with pytest.raises(RuntimeError, match="another"):
        with reproducible(torch.device("cpu"), strict=True):
            raise RuntimeError("another")
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_strict_training_gives_the_same_weights(tiny_job):
    job = changed(tiny_job, max_steps=2)
    plain, strict = (
        weights(replace(job, out=job.out / "plain")),
        weights(replace(changed(job, deterministic=True), out=job.out / "strict")),
    )
    assert all(torch.equal(plain[name], strict[name]) for name in plain)
