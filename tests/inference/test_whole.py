from __future__ import annotations

import pytest
import torch
from torch import nn

from retseg.inference import whole as whole_module
from retseg.inference.whole import WholeImages

CPU = torch.device("cpu")


def test_a_net_of_convolutions_takes_what_fits() -> None:
    # The answer of one layer: 8 channels of 4 bytes at a million pixels are 32 MB, at 20 million 640.
    images = WholeImages(nn.Conv2d(3, 8, 3, padding=1), CPU, mixed=False)
    assert images.fit(3, 1000, 1000)
    assert not images.fit(3, 4000, 5000)
    assert WholeImages(nn.Conv2d(3, 8, 3, padding=1), CPU, mixed=True).fit(3, 4000, 5000), "half the bytes"


def test_nothing_is_computed_and_the_net_is_left_alone() -> None:
    net, heard = nn.Conv2d(3, 1, 1), []
    net.register_forward_hook(lambda module, inputs, output: heard.append(output))
    # On a processor this pass would take terabytes.
    assert not WholeImages(net, CPU, mixed=False).fit(3, 10**6, 10**6)
    assert net.weight.device == CPU
    assert not heard


@pytest.mark.parametrize("layer", [nn.InstanceNorm2d(4), nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d(1)])
def test_what_looks_at_the_whole_window_keeps_its_window(layer: nn.Module) -> None:
    assert not WholeImages(nn.Sequential(nn.Conv2d(3, 4, 1), layer), CPU, mixed=False).fit(3, 64, 64)
    assert WholeImages(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), CPU, mixed=False).fit(3, 64, 64)


def test_a_net_that_looks_at_values_keeps_its_window() -> None:
    class Curious(nn.Module):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            return windows * 2 if bool(windows.max() > 1) else windows

    assert not WholeImages(Curious(), CPU, mixed=False).fit(3, 64, 64)


def test_attention_that_grows_with_the_square_is_counted_at_the_size_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Attention(nn.Module):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            flat = windows.flatten(2)
            return (flat @ (flat.transpose(1, 2) @ flat).softmax(-1)).view_as(windows)

    monkeypatch.setitem(whole_module._LIMIT, "cpu", 2**20)
    images = WholeImages(Attention(), CPU, mixed=False)
    assert images.fit(3, 16, 16)
    assert not images.fit(3, 64, 64)
