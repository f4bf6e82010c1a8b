from __future__ import annotations

import pytest
import torch
from torch import nn

from retseg.models.vgg import vgg16_stages, vgg16_widths

# Configuration D of the paper: 3x3 convolutions by their channels, M for a pooling.
PAPER = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    return [module for module in net.modules() if isinstance(module, nn.Conv2d)]


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        assert parameters(vgg16_stages(3, 64, batch_norm=False)) == 14_714_688
        # A mean and a spread for each of the 4224 channels, and no bias in front of them.
        assert parameters(vgg16_stages(3, 64, batch_norm=True)) == 14_714_688 + 4224


def test_has_the_papers_layers() -> None:
    with torch.device("meta"):
        stages = vgg16_stages(3, 64, batch_norm=False)
    found: list[int | str] = []
    for stage in stages:
        found += [layer.out_channels for layer in convolutions(stage)] + ["M"]
    assert found == PAPER
    assert {layer.kernel_size for layer in convolutions(stages)} == {(3, 3)}
    assert len(convolutions(stages)) == 13


@pytest.mark.parametrize("batch_norm", [True, False])
def test_every_convolution_is_followed_by_relu_and_keeps_the_size(batch_norm: bool) -> None:
    features = torch.randn(2, 4, 9, 7)
    for stage, width in zip(vgg16_stages(4, 2, batch_norm=batch_norm), vgg16_widths(2), strict=True):
        kinds = [type(layer) for block in stage for layer in block]
        one = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] if batch_norm else [nn.Conv2d, nn.ReLU]
        assert kinds == one * (len(kinds) // len(one))
        features = stage(features)
        assert features.shape == (2, width, 9, 7)


def test_without_normalisation_values_keep_their_size_through_all_layers() -> None:
    torch.manual_seed(0)
    features = torch.randn(1, 3, 32, 32)
    for stage in vgg16_stages(3, 16, batch_norm=False):
        features = stage(features)
    assert 0.05 < float(features.detach().std()) < 5
