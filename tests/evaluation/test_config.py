from __future__ import annotations

import subprocess
import sys

import pytest

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.evaluation.config import METRICS_OF_THE_PROTOCOL, EvaluateConfig
from retseg.metrics.registry import METRICS


def test_the_protocol_s_metrics_are_all_registered():
    assert set(METRICS_OF_THE_PROTOCOL) <= set(METRICS.names())
    assert EvaluateConfig().metrics == METRICS_OF_THE_PROTOCOL


@pytest.mark.parametrize(
    ("key", "value"), [("threshold", 1.5), ("metrics", []), ("split", 3), ("allow_fit_overlap", "maybe")]
)
def test_impossible_values_name_their_key(key, value):
    with pytest.raises(ConfigError, match=key):
        validate(EvaluateConfig, {key: value})


def test_scoring_needs_no_torch():
    code = "import sys, retseg.evaluation.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
