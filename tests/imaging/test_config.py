from __future__ import annotations

import pytest

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.imaging.config import InputConfig


def test_defaults():
    assert InputConfig() == InputConfig(normalise="fov", crop=True, diameter=None)


@pytest.mark.parametrize("data", [{"normalise": "zscore"}, {"diameter": 3}, {"crops": True}])
def test_mistakes_are_named(data):
    with pytest.raises(ConfigError, match=next(iter(data))):
        validate(InputConfig, data)
