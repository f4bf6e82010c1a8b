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


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"cameras": {"a": 900}}, "first look"),
        ({"diameter": 800, "cameras": {"a": 9}}, "32 to 8192"),
    ],
)
def test_sizes_of_cameras_that_cannot_be_are_refused(section, words):
    with pytest.raises(ConfigError, match=words):
        validate(InputConfig, section)
