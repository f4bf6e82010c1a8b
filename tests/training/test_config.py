import pytest

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.training.config import AugmentConfig, SamplingConfig, TrainConfig


@pytest.mark.parametrize(
    ("section", "data"),
    [
        (TrainConfig, {"epochs": 0}),
        (TrainConfig, {"lr": 0}),
        (TrainConfig, {"optimiser": "adan"}),
        (TrainConfig, {"validation_fraction": 1.0}),
        (SamplingConfig, {"balance": 1.1}),
        (SamplingConfig, {"fixed": True}),
        (AugmentConfig, {"scale": {"low": 1.2, "high": 0.8}}),
        (AugmentConfig, {"gamma": {"low": 2, "high": 1}}),
        (AugmentConfig, {"rotation": {"probability": 2}}),
        (AugmentConfig, {"jpeg": {"low": 90, "high": 20}}),
        (AugmentConfig, {"jpeg": {"high": 101}}),
        (AugmentConfig, {"resolution": {"factor": 0.5}}),
    ],
)
def test_impossible_values_are_refused(section, data):
    with pytest.raises(ConfigError):
        validate(section, data)


def test_a_typo_in_a_transform_gets_the_nearest_name():
    with pytest.raises(ConfigError, match="probability"):
        validate(AugmentConfig, {"rotation": {"probabilty": 0.5}})


def test_class_weights_are_a_list_a_word_or_nothing():
    assert validate(TrainConfig, {"class_weights": [1, 2.5, 1]}).class_weights == (1.0, 2.5, 1.0)
    assert validate(TrainConfig, {"class_weights": "balanced"}).class_weights == "balanced"
    assert validate(TrainConfig, {}).class_weights is None
    with pytest.raises(ConfigError):
        validate(TrainConfig, {"class_weights": "even"})
