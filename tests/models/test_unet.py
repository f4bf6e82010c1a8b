from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.unet import UNET, Normalisation, UNet, UNetOptions, Upsampling


def parameters(options: UNetOptions, in_channels: int = 3, classes: int = 3) -> int:
    return sum(parameter.numel() for parameter in UNet(in_channels, classes, options).parameters())


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("normalisation", ["batch", "instance", "group", "none"])
def test_every_combination_trains(upsampling: Upsampling, normalisation: Normalisation) -> None:
    options = UNetOptions(depth=2, width=8, upsampling=upsampling, normalisation=normalisation, dropout=0.1)
    net = UNet(3, 5, options).train()
    logits = net(torch.rand(2, 3, 16, 24))
    assert logits.shape == (2, 5, 16, 24)
    logits.square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("normalisation", ["batch", "instance", "group", "none"])
def test_every_depth_takes_its_smallest_size(depth: int, normalisation: Normalisation) -> None:
    options = UNetOptions(depth=depth, width=2, groups=2, normalisation=normalisation)
    side = UNET.stride(options)
    assert UNet(1, 2, options).eval()(torch.rand(1, 1, side, side)).shape == (1, 2, side, side)


@pytest.mark.parametrize("convolutions", [1, 2, 3])
def test_parameters_are_those_of_a_u_net(convolutions: int) -> None:
    options = UNetOptions(depth=3, width=4, convolutions=convolutions, normalisation="none", upsampling="transposed")
    widths = [4, 8, 16, 32]

    def level(source: int, width: int) -> int:
        return 9 * source * width + width + (convolutions - 1) * (9 * width * width + width)

    expected = level(3, 4) + sum(level(above, below) for above, below in pairwise(widths))
    expected += sum(4 * below * above + above + level(2 * above, above) for above, below in pairwise(widths))
    assert parameters(options) == expected + 3 * (4 + 1)


def test_default_size() -> None:
    assert parameters(UNetOptions()) == 1_812_051


def test_finest_detail_crosses_without_going_down() -> None:
    net = UNet(1, 2, UNetOptions(depth=2, width=4, normalisation="none")).eval()
    for parameter in net.enlarge.parameters():
        nn.init.zeros_(parameter)
    one_pixel = torch.zeros(1, 1, 32, 32)
    one_pixel[0, 0, 16, 16] = 1.0
    difference = (net(one_pixel) - net(torch.zeros(1, 1, 32, 32))).abs().sum(1)[0]
    rows = difference.sum(1).nonzero().flatten()
    assert len(rows) == 9, "two 3x3 convolutions down and two up, at full resolution only"


def test_coarse_levels_are_used() -> None:
    net = UNet(1, 2, UNetOptions(depth=3, width=4, normalisation="none")).eval()
    image = torch.zeros(1, 1, 128, 128)
    far = image.clone()
    far[0, 0, 64, 40] = 5.0
    with torch.no_grad():
        assert float((net(far) - net(image))[0, :, 64, 64].abs().sum()) > 0


def test_dropout_acts_in_training_only() -> None:
    net, image = UNet(3, 3, UNetOptions(depth=1, width=4, dropout=0.5)), torch.rand(1, 3, 16, 16)
    net.eval()
    assert torch.equal(net(image), net(image))
    net.train()
    assert not torch.equal(net(image), net(image))


def test_groups_that_do_not_divide_the_width_are_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match="width 12 needs groups to be one of 1, 2, 3, 4, 6, 12, not 8"):
        validate(UNetOptions, {"width": 12, "normalisation": "group"})
    validate(UNetOptions, {"width": 12})


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"depth": 7}, {"width": 0}, {"convolutions": 0}, {"dropout": 1.0}])
def test_impossible_numbers_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        validate(UNetOptions, wrong)
