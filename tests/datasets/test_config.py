from __future__ import annotations

import pytest

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.datasets.config import DatasetConfig


def test_the_defaults_are_the_customary_split_of_whatever_set_is_found():
    config = DatasetConfig()
    assert config.name is None
    assert (config.protocol, config.fold) == ("customary", 0)
    assert config.count == 20


@pytest.mark.parametrize("wrong", [{"fold": -1}, {"count": 0}, {"generator_seed": -1}, {"fold": "first"}])
def test_impossible_values_are_refused(wrong):
    with pytest.raises(ConfigError):
        validate(DatasetConfig, wrong)


def test_an_unknown_key_gets_the_nearest_name():
    with pytest.raises(ConfigError, match="protocol"):
        validate(DatasetConfig, {"protocoll": "customary"})
