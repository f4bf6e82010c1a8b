from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from retseg.core.errors import ConfigError, InputError
from retseg.datasets.base import VESSELS
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import save_weights
from retseg.inference.config import PredictConfig
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.registry import MODELS
from retseg.stages.find_net import find_net

SMALL = ("model.options.depth=2", "model.options.width=4")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> nn.Module:
    """The net of a finished run in runs/mine."""
    options = {"depth": 2, "width": 4}
    net = build(ModelConfig(options=options), 3, VESSELS.count)
    card = Card("unet", options, VESSELS, InputConfig(normalise="unit"), PredictConfig(), dataset="eyes", epoch=12)
    save_weights(Path("runs/mine/train/best.safetensors"), net, card)
    return net


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_an_architecture_with_options_channels_and_classes() -> None:
    net = find_net("unet", channels=1, classes=7, assignments=SMALL)
    with torch.no_grad():
        assert net.net.eval()(torch.zeros(1, 1, 8, 8)).shape == (1, 7, 8, 8)
    assert (net.in_channels, net.multiple, net.takes_any_size) == (1, 4, True)
    assert "untrained" in net.weights
    with pytest.raises(InputError, match="multiples of 4"):
        net.check_size(8, 10)


def test_untrained_weights_repeat() -> None:
    assert same(find_net("unet", assignments=SMALL).net, find_net("unet", assignments=SMALL).net)
    assert not same(find_net("unet", assignments=SMALL).net, find_net("unet", assignments=(*SMALL, "seed=1")).net)


@pytest.mark.parametrize("name", ["mine", "runs/mine", "runs/mine/train", "runs/mine/train/best.safetensors"])
def test_a_run_in_all_its_spellings(run: nn.Module, name: str) -> None:
    found = find_net(name)
    assert same(found.net, run)
    assert found.weights.startswith("trained on eyes, epoch 12 (")
    assert found.input.normalise == "unit"
    assert found.multiple == 4
    assert all(parameter.requires_grad for parameter in found.net.parameters()), "training's memory is told, too"


def test_a_run_keeps_its_channels_classes_and_options(run: nn.Module) -> None:
    assert find_net("mine", channels=3, classes=3).in_channels == 3
    with pytest.raises(ConfigError, match="has 3 input channels, not 1.*Leave --channels out"):
        find_net("mine", channels=1)
    with pytest.raises(ConfigError, match="has 3 classes, not 23.*Leave --classes out"):
        find_net("mine", classes=23)
    with pytest.raises(ConfigError, match="stored with its weights"):
        find_net("mine", assignments=SMALL)


def test_a_net_of_ones_own_and_an_architecture_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "my_find_net.py").write_text(
        "from dataclasses import replace\nfrom torch import nn\nfrom retseg.models.unet import UNET\n"
        "net = nn.Conv2d(5, 2, 1)\nMINE = replace(UNET, name='mine')\n"
        "def fails(*_): raise ArithmeticError('no')\nBROKEN = replace(UNET, build=fails)\n"
    )
    own = find_net("my_find_net:net", channels=5)
    assert (own.in_channels, own.multiple, own.takes_any_size, own.options) == (5, 1, False, None)
    own.check_size(7, 13)
    assert find_net("my_find_net:MINE", assignments=SMALL).multiple == 4
    with pytest.raises(ConfigError, match="in its own code"):
        find_net("my_find_net:net", assignments=SMALL)
    with pytest.raises(ConfigError, match="cannot be built .ArithmeticError: no."):
        find_net("my_find_net:BROKEN")


def test_an_unknown_name_suggests_the_nearest_architecture() -> None:
    with pytest.raises(ConfigError, match=r"unknown architecture 'sgnet'.*Did you mean segnet.*module:attribute"):
        find_net("sgnet")
    assert "sgnet" not in MODELS


def test_a_folder_without_a_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match="no trained run is here"):
        find_net("photos")


def test_a_shipped_model_by_its_name(run: nn.Module, shipped: Path) -> None:
    Path("runs/mine/train/best.safetensors").rename(shipped / "default.safetensors")
    found = find_net("default")
    assert same(found.net, run)
    assert found.weights == f"trained on eyes, epoch 12 ({shipped / 'default.safetensors'})"
