from __future__ import annotations

import subprocess
import sys

import pytest

from retseg.core.errors import ConfigError
from retseg.models.build import build, input_multiple, resolve
from retseg.models.config import ModelConfig
from retseg.models.registry import MODELS
from retseg.models.unet import UNetOptions


def test_defaults_are_filled_in() -> None:
    architecture, options = resolve(ModelConfig(options={"depth": 2}))
    assert architecture.name == "unet"
    assert options == UNetOptions(depth=2)


def test_an_unknown_architecture_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"unknown architecture 'unett'.*Did you mean unet"):
        build(ModelConfig(arch="unett"), 3, 3)


def test_a_misspelt_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"unknown configuration key 'dept'.*Did you mean depth"):
        build(ModelConfig(options={"dept": 3}), 3, 3)


def test_an_option_of_the_wrong_kind_is_refused_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"'upsampling'.*'bed-of-nails' or 'unpool'"):
        build(ModelConfig(options={"upsampling": "cubic"}), 3, 3)


def test_input_multiple_follows_the_options() -> None:
    assert input_multiple(ModelConfig(arch="segnet")) == 2
    assert input_multiple(ModelConfig(arch="unet", options={"depth": 3})) == 8
    assert input_multiple(ModelConfig(arch="monai-unet", options={"channels": [4, 8, 16], "strides": [2, 3]})) == 6


def test_the_registry_and_the_configuration_import_no_torch() -> None:
    program = "import sys, retseg.models.registry, retseg.models.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_looking_at_the_architectures_does_not_import_monai() -> None:
    program = (
        "import sys; from retseg.models.registry import MODELS\n"
        "for name in MODELS.names(): MODELS.get(name)\n"
        "sys.exit('monai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_three_promised_architectures_are_there() -> None:
    assert {"segnet", "unet", "monai-unet"} <= set(MODELS.names())
