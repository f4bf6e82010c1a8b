"""The MobileNetV2 encoder, with the names and shapes under which its ImageNet weights are published."""

from __future__ import annotations

from torch import Tensor, nn

_STEM = 32
_LAST = 1280
# Table 2 of the paper: expansion of the channels inside a block, channels behind it, blocks, stride of the first.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _convolution(source: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution and its normalisation."""
    convolution = nn.Conv2d(source, width, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out")
    return [convolution, nn.BatchNorm2d(width)]


def _activated(source: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution, its normalisation and ReLU6, which stops at 6 so that few bits are enough."""
    return nn.Sequential(*_convolution(source, width, kernel, stride, groups), nn.ReLU6(inplace=True))


class _InvertedResidual(nn.Module):
    """Widens the channels, filters each by itself, narrows them; a shortcut where the shape stays.

    (B, source, H, W) to (B, width, H / stride, W / stride).
    """

    def __init__(self, source: int, width: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = source * expansion
        self.conv = nn.Sequential()
        if expansion > 1:
            self.conv.append(_activated(source, wide))
        self.conv.append(_activated(wide, wide, 3, stride, groups=wide))
        for module in _convolution(wide, width):  # no activation behind it: few channels have nothing to spare
            self.conv.append(module)
        self.has_shortcut = stride == 1 and source == width

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.conv(features)
        return features + result if self.has_shortcut else result


class MobileNetV2Encoder(nn.Module):
    """Images (B, in_channels, H, W) to five maps of features, of which each halves height and width once more.

    Everything of a MobileNetV2 but its classifier. `widths` are the channels of the five maps, finest first.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.features = nn.Sequential(_activated(in_channels, _STEM, 3, stride=2))
        width, widths = _STEM, []
        # The last block in front of each halving, and the last of all, hand on their features.
        self.handed_on: list[int] = []
        for expansion, channels, blocks, first_stride in _STAGES:
            for number in range(blocks):
                stride = first_stride if number == 0 else 1
                if stride == 2:
                    self.handed_on.append(len(self.features) - 1)
                    widths.append(width)
                self.features.append(_InvertedResidual(width, channels, stride, expansion))
                width = channels
        self.features.append(_activated(width, _LAST))
        self.handed_on.append(len(self.features) - 1)
        self.widths = (*widths, _LAST)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features at a half, a quarter, an eighth, a sixteenth and a 32nd of the image's resolution."""
        found: list[Tensor] = []
        features = image
        for index, layer in enumerate(self.features):
            features = layer(features)
            if index in self.handed_on:
                found.append(features)
        return found
