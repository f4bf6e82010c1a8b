from __future__ import annotations

import subprocess
import sys

import pytest

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.inference.config import PredictConfig


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("window", 8),
        ("overlap", 0.95),
        ("overlap", -0.1),
        ("flips", 3),
        ("blend", "linear"),
        ("batch", 0),
        ("threshold", 2),
    ],
)
def test_impossible_values_name_their_key(key, value):
    with pytest.raises(ConfigError, match=key):
        validate(PredictConfig, {key: value})


def test_the_card_and_the_configuration_import_no_torch():
    code = "import sys, retseg.inference.card, retseg.inference.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
