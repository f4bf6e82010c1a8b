from __future__ import annotations

import pytest

from retseg.core.errors import ConfigError
from retseg.methods.watershed import WATERSHED


def test_a_pixel_cannot_be_surely_vessel_and_surely_not():
    with pytest.raises(ConfigError, match="not_sure must not be above sure"):
        WATERSHED.options({"sure": 0.3, "not_sure": 0.5})
