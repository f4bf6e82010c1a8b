import pytest

from retseg.core.config import validate
from retseg.imaging.config import InputConfig
from retseg.losses.config import LossConfig
from retseg.losses.registry import LOSSES
from retseg.training import augment
from retseg.training.config import AugmentConfig, SamplingConfig, TrainConfig
from retseg.training.job import Course
from retseg.training.randomness import Purpose, generator
from retseg.training.recipes import RECIPES

SECTIONS = {
    "input": InputConfig,
    "loss": LossConfig,
    "train": TrainConfig,
    "sampling": SamplingConfig,
    "augment": AugmentConfig,
}


@pytest.mark.parametrize("name", RECIPES)
def test_every_key_of_a_recipe_exists(name):
    recipe = RECIPES[name]
    assert set(recipe) <= set(SECTIONS)
    parts = {key: validate(section, recipe.get(key, {})) for key, section in SECTIONS.items()}
    assert parts["loss"].name in LOSSES
    Course.plan(parts["train"], parts["sampling"], images=20)


def test_the_lecture_is_what_the_lecture_did():
    recipe = RECIPES["lecture"]
    train, sampling = validate(TrainConfig, recipe["train"]), validate(SamplingConfig, recipe["sampling"])
    course = Course.plan(train, sampling, images=20)
    assert (course.patches_per_epoch, course.steps_per_epoch, course.epochs) == (600, 60, 100)
    assert (train.batch, train.lr, train.optimiser, train.schedule) == (10, 1e-3, "adam", "constant")
    assert (sampling.patch_size, sampling.fixed, sampling.balance) == (224, True, 0.0)
    assert (train.validation_fraction, train.keep, train.test_curve) == (0.0, "last", True)
    inputs = validate(InputConfig, recipe["input"])
    assert (inputs.normalise, inputs.crop, inputs.diameter) == ("unit", False, None)
    assert recipe["loss"]["name"] == "nll"


def test_the_lecture_augments_nothing():
    drawn = augment.draw(AugmentConfig.model_validate(RECIPES["lecture"]["augment"]), 500, generator(0, Purpose.NOISE))
    assert not drawn.resampled.any()
    assert not drawn.flips.any()
    for values, neutral in ((drawn.brightness, 0), (drawn.contrast, 1), (drawn.gamma, 1), (drawn.colour, 1)):
        assert (values == neutral).all()
    assert not drawn.blur.any()
    assert not drawn.noise.any()
