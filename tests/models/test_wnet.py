from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import Tensor

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.core.types import CLASS_MAP
from retseg.models.convolutions import Normalisation
from retseg.models.unet import UNet, UNetOptions
from retseg.models.upsampling import Upsampling
from retseg.models.wnet import WNET, WNet, WNetOptions


def test_has_fewer_than_100_000_parameters() -> None:
    def level(source: int, width: int) -> int:
        return 9 * source * width + 9 * width * width + 2 * 2 * width

    def one(in_channels: int) -> int:
        pairs = list(pairwise([8, 16, 32]))
        across = sum(level(above, below) + level(below, above) + 4 * below * above + above for above, below in pairs)
        return level(in_channels, 8) + across + 3 * (8 + 1)

    found = sum(parameter.numel() for parameter in WNet(3, 3, WNetOptions()).parameters())
    assert found == one(3) + one(3 + 3) == 59_502
    assert found < 100_000
    assert f"{found:,}" in WNET.about


def test_both_nets_answer_while_it_is_trained_and_the_second_alone_afterwards() -> None:
    net, image = WNet(3, 4, WNetOptions()).train(), torch.rand(2, 3, 12, 20)
    result = net(image)
    assert isinstance(result, dict)
    assert list(result) == [CLASS_MAP, f"{CLASS_MAP}.1"]
    assert all(logits.shape == (2, 4, 12, 20) for logits in result.values())
    answer = net.eval()(image)
    assert isinstance(answer, Tensor)
    assert answer.shape == (2, 4, 12, 20)


def test_the_first_net_is_a_u_net() -> None:
    torch.manual_seed(0)
    u_net = UNet(3, 3, UNetOptions(depth=2, width=8, upsampling="transposed"))
    torch.manual_seed(0)
    net, image = WNet(3, 3, WNetOptions()), torch.rand(2, 3, 16, 16)
    assert torch.equal(net.train()(image)[f"{CLASS_MAP}.1"], u_net.train()(image))


@pytest.mark.parametrize("left", ["image", "draft", "nothing"])
def test_the_second_net_sees_the_image_and_the_draft(left: str) -> None:
    net = WNet(2, 3, WNetOptions(normalisation="none")).eval()
    entrance = net.get_parameter("second.down.0.convolution1.weight")
    assert entrance.shape[1] == 2 + 3
    with torch.no_grad():
        if left != "image":
            entrance[:, :2] = 0
        if left != "draft":
            entrance[:, 2:] = 0
        one, other = net(torch.rand(1, 2, 8, 8)), net(torch.rand(1, 2, 8, 8))
    assert torch.equal(one, other) == (left == "nothing")


@pytest.mark.parametrize("output", [CLASS_MAP, f"{CLASS_MAP}.1"])
def test_the_second_answer_trains_both_nets_and_the_first_one_its_own(output: str) -> None:
    net = WNet(3, 3, WNetOptions()).train()
    logits = net(torch.rand(2, 3, 12, 20))[output]
    (logits * torch.rand_like(logits)).sum().backward()
    trained = {
        name.split(".")[0]
        for name, parameter in net.named_parameters()
        if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
    }
    assert trained == ({"first", "second"} if output == CLASS_MAP else {"first"})


def test_one_class_trains_the_first_net_too() -> None:
    net = WNet(3, 1, WNetOptions()).train()
    logits = net(torch.rand(2, 3, 12, 20))[CLASS_MAP]
    (logits * torch.rand_like(logits)).sum().backward()
    gradient = net.get_parameter("first.down.0.convolution1.weight").grad
    assert gradient is not None
    assert bool(gradient.abs().sum() > 0)


@pytest.mark.parametrize("upsampling", get_args(Upsampling))
@pytest.mark.parametrize("normalisation", get_args(Normalisation))
def test_every_combination_trains(upsampling: Upsampling, normalisation: Normalisation) -> None:
    options = WNetOptions(depth=1, width=4, groups=2, upsampling=upsampling, normalisation=normalisation)
    side = WNET.stride(options)
    net = WNet(3, 3, options).train()
    result = net(torch.rand(2, 3, 3 * side, 5 * side))
    torch.stack([(logits * torch.rand_like(logits)).sum() for logits in result.values()]).sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.ndim < 2 or bool(parameter.grad.abs().sum() > 0), name


def test_options_of_a_u_net_that_it_has_no_use_for_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown configuration key 'deep_supervision'"):
        validate(WNetOptions, {"deep_supervision": True})
    with pytest.raises(ConfigError, match="width 12 needs groups to be one of 1, 2, 3, 4, 6, 12, not 8"):
        validate(WNetOptions, {"width": 12, "normalisation": "group"})
