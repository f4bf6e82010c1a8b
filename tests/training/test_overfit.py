from dataclasses import replace

import pytest

from retseg.core.errors import ConfigError, RetsegError
from retseg.models.config import ModelConfig
from retseg.training.config import SamplingConfig, TrainConfig
from retseg.training.loop import fit
from retseg.training.overfit import NEAR_ZERO, overfit_job


def job_of(tiny_job, **train):
    config = TrainConfig(**{"epochs": 4, "steps_per_epoch": 50, "batch": 4, "lr": 1e-2, "overfit": 2, **train})
    return replace(
        tiny_job,
        model=ModelConfig(arch="unet", options={"depth": 2, "width": 8, "dropout": 0.3}),
        train=config,
        sampling=SamplingConfig(patch_size=32),
    )


def test_two_photographs_are_learnt_by_heart(tiny_job):
    result = fit(job_of(tiny_job))
    assert result.facts["overfit"] == 2
    assert result.facts["train_images"] == 2
    assert result.facts["validation_images"] == 0
    assert result.history[-1].train_loss < 0.05


def test_nothing_is_left_that_hides_a_mistake(tiny_job):
    job = overfit_job(job_of(tiny_job, ema=0.9, validation_fraction=0.5))
    assert job.sampling.fixed
    assert job.sampling.patches_per_image == 2
    assert (job.train.ema, job.train.validation_fraction, job.train.weight_decay, job.train.keep) == (0, 0, 0, "last")
    assert job.augment.flips.horizontal == job.augment.rotation.probability == job.augment.noise.probability == 0
    plain = replace(job, train=job.train.model_copy(update={"overfit": None}))
    assert overfit_job(plain) is plain


def test_a_net_that_cannot_fails_loudly(tiny_job):
    with pytest.raises(RetsegError, match=rf"could not learn 2 photograph.*more than {NEAR_ZERO:.0%}.*train\.epochs"):
        fit(job_of(tiny_job, epochs=1, steps_per_epoch=3, lr=1e-5))
    assert not (tiny_job.out / "best.safetensors").exists()


def test_there_must_be_so_many_photographs(tiny_job):
    with pytest.raises(ConfigError, match=r"there are 5 training photographs, not 6.*Choose 1 to 5"):
        fit(job_of(tiny_job, overfit=6))
