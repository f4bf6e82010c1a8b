from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.models.build import build, input_multiple
from retseg.models.config import ModelConfig
from retseg.models.receptive_field import receptive_field


def seen_by_poisoning(net: nn.Module, in_channels: int, side: int, period: int) -> int:
    """Height of the region seen, by brute force: NaN in one row of the input spreads to all that depends on it.

    Only for nets of convolution, ReLU, pooling and interpolation, which all hand a NaN on, and without normalisation.
    """
    image = torch.zeros(side, in_channels, side, period)
    image[torch.arange(side), :, torch.arange(side)] = torch.nan
    with torch.no_grad():
        reached = torch.stack([net(one[None])[0].isnan().any(0).any(-1) for one in image])
    middle = range(side // 2, side // 2 + period)
    return max(int(reached[:, row].nonzero().max() - reached[:, row].nonzero().min()) + 1 for row in middle)


def test_two_5x5_convolutions_see_9x9() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 2, 5, padding=2))
    assert receptive_field(net, 3) == (9, 9)


@pytest.mark.parametrize("layers", [1, 2, 7, 40])
def test_l_3x3_convolutions_see_1_plus_2l(layers: int) -> None:
    net = nn.Sequential(*(nn.Sequential(nn.LazyConv2d(4, 3, padding=1), nn.ReLU()) for _ in range(layers)))
    net(torch.zeros(1, 3, 8, 8))
    assert receptive_field(net, 3) == (1 + 2 * layers, 1 + 2 * layers)


def test_a_3x3_at_dilation_2_covers_5x5() -> None:
    assert receptive_field(nn.Conv2d(1, 1, 3, padding=2, dilation=2), 1) == (5, 5)


def test_height_and_width_are_told_apart() -> None:
    assert receptive_field(nn.Conv2d(3, 2, (3, 7), padding=(1, 3)), 3) == (3, 7)


def test_one_by_one_sees_one_pixel() -> None:
    assert receptive_field(nn.Conv2d(3, 2, 1), 3) == (1, 1)


@pytest.mark.parametrize(("layers", "expected"), [(1, 3), (2, 7), (3, 15)])
def test_strides_multiply(layers: int, expected: int) -> None:
    net = nn.Sequential(*(nn.Conv2d(3, 3, 3, stride=2, padding=1) for _ in range(layers)))
    assert receptive_field(net, 3) == (expected, expected)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [(nn.MaxPool2d(2), 2), (nn.MaxPool2d(3, 1, 1), 3), (nn.MaxPool2d(3, 1, 2, dilation=2), 5), (nn.AvgPool2d(4), 4)],
)
def test_pooling_sees_its_whole_window(pooling: nn.Module, expected: int) -> None:
    assert receptive_field(pooling, 2) == (expected, expected)


def test_depthwise_and_transposed_convolutions() -> None:
    depthwise = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 2, 1))
    assert receptive_field(depthwise, 4) == (3, 3)
    assert receptive_field(nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1), 4) == (2, 2)


def test_segnet_sees_6x6() -> None:
    # By hand: the last 3x3 reaches two pooling windows, so four rows, and the first 3x3 one more on either side.
    assert receptive_field(build(ModelConfig(arch="segnet"), 3, 3), 3, multiple=2) == (6, 6)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear", "transposed"])
@pytest.mark.parametrize(("depth", "convolutions"), [(1, 1), (1, 2), (2, 1)])
def test_agrees_with_brute_force(depth: int, convolutions: int, upsampling: str) -> None:
    options = {
        "depth": depth, "convolutions": convolutions, "upsampling": upsampling, "normalisation": "none", "width": 2,
    }  # fmt: skip
    config = ModelConfig(arch="unet", options=options)
    net = build(config, 1, 2)
    side = seen_by_poisoning(net.eval(), 1, 64, 2**depth)
    assert receptive_field(net, 1, input_multiple(config)) == (side, side)


def test_normalisation_takes_no_part() -> None:
    sides = {
        receptive_field(build(ModelConfig(options={"depth": 2, "normalisation": norm}), 3, 3), 3)
        for norm in ("batch", "instance", "group", "none")
    }
    assert sides == {(44, 44)}


class Functional(nn.Module):
    """Somebody's own net, with everything written as functions, in-place addition, and a softmax at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        features = F.relu(self.first(image), inplace=True)
        pooled = F.instance_norm(F.max_pool2d(features, 2))
        pooled += self.second(pooled)
        return {"classes": F.interpolate(pooled, scale_factor=2, mode="nearest").softmax(1)}


def test_works_on_somebodys_own_net() -> None:
    # Three pooled rows are six rows, and the first convolution adds one on either side.
    assert receptive_field(Functional(), 3) == (8, 8)


class LooksEverywhere(nn.Module):
    """A gate from the mean of the whole image, as in squeeze and excitation."""

    def forward(self, image: Tensor) -> Tensor:
        return image * image.mean((2, 3), keepdim=True).sigmoid()


def test_a_net_that_looks_at_the_whole_image_has_no_bound() -> None:
    assert receptive_field(LooksEverywhere(), 3) is None


def test_the_net_is_left_untouched() -> None:
    net = build(ModelConfig(), 3, 3).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    receptive_field(net, 3)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
