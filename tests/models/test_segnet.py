from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from retseg.models.segnet import SegNet


def parameters(net: SegNet) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_has_the_lectures_parameters() -> None:
    assert parameters(SegNet(3, 3)) == 3523


@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (3, 23), (4, 3)])
def test_parameters_follow_channels_and_classes(channels: int, classes: int) -> None:
    assert parameters(SegNet(channels, classes)) == 64 * (9 * channels + 1) + classes * (9 * 64 + 1)


def test_is_the_lectures_net_operation_by_operation() -> None:
    torch.manual_seed(0)
    net, image = SegNet(3, 3), torch.rand(2, 3, 10, 14)
    features = F.relu(F.conv2d(image, net.encode.weight, net.encode.bias, padding=1))
    # Unpooling puts the largest value of each 2x2 window back where it was and 0 everywhere else.
    windows = features.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    largest = F.one_hot(windows.argmax(-1), 4) * windows
    unpooled = largest.unflatten(4, (2, 2)).permute(0, 1, 2, 4, 3, 5).reshape(features.shape)
    expected = F.conv2d(unpooled, net.decode.weight, net.decode.bias, padding=1)
    torch.testing.assert_close(net(image), expected, atol=1e-6, rtol=1e-6)


def test_pooling_remembers_the_same_pixels_in_mixed_precision() -> None:
    torch.manual_seed(1)
    net, smooth = SegNet(3, 3).eval(), torch.rand(1, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    image = smooth + 1e-4 * torch.rand(1, 3, 64, 64)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = net(image)
    assert rough.dtype == torch.bfloat16, "the last convolution, which moves no pixel, does use mixed precision"
    with torch.no_grad():
        assert float((rough.float() - net(image)).abs().max()) < 0.02
