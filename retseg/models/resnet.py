"""The ResNet encoders, with the names and shapes under which their ImageNet weights are published."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Depth = Literal[18, 34, 50]

_BLOCKS: dict[Depth, tuple[int, int, int, int]] = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
_STEM = 64


def _convolution(source: int, width: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias, since a normalisation follows and would subtract it again."""
    return nn.Conv2d(source, width, kernel, stride, padding=kernel // 2, bias=False)


def _shortcut(source: int, width: int, stride: int) -> nn.Sequential | None:
    """What brings a block's input to the shape of its output, or None where it has it already."""
    if stride == 1 and source == width:
        return None
    return nn.Sequential(_convolution(source, width, 1, stride), nn.BatchNorm2d(width))


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut around them."""

    expansion = 1

    def __init__(self, source: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(source, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _convolution(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(source, width, stride)

    def forward(self, features: Tensor) -> Tensor:
        """(B, source, H, W) to (B, width, H / stride, W / stride)."""
        shortcut = features if self.downsample is None else self.downsample(features)
        result = self.relu(self.bn1(self.conv1(features)))
        result = self.bn2(self.conv2(result))
        activated: Tensor = self.relu(result + shortcut)
        return activated


class _Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 ones that narrow and widen, and a shortcut around them.

    The 3x3 convolution does the halving, as in the published weights; the paper had it in the first 1x1.
    """

    expansion = 4

    def __init__(self, source: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(source, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _convolution(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _convolution(width, width * self.expansion, 1)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(source, width * self.expansion, stride)

    def forward(self, features: Tensor) -> Tensor:
        """(B, source, H, W) to (B, 4 * width, H / stride, W / stride)."""
        shortcut = features if self.downsample is None else self.downsample(features)
        result = self.relu(self.bn1(self.conv1(features)))
        result = self.relu(self.bn2(self.conv2(result)))
        result = self.bn3(self.conv3(result))
        activated: Tensor = self.relu(result + shortcut)
        return activated


class ResNetEncoder(nn.Module):
    """Images (B, in_channels, H, W) to five maps of features, of which each halves height and width once more.

    Everything of a ResNet but its classifier. `widths` are the channels of the five maps, finest first.
    """

    def __init__(self, depth: Depth, in_channels: int) -> None:
        super().__init__()
        kind = _Bottleneck if depth == 50 else _Block
        self.conv1 = nn.Conv2d(in_channels, _STEM, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(_STEM)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        widths = [_STEM]
        for stage, blocks in enumerate(_BLOCKS[depth]):
            width = _STEM * 2**stage
            # Pooling has already halved in front of the first stage.
            strides = [1 if stage == 0 else 2] + [1] * (blocks - 1)
            layer = nn.Sequential()
            for number, stride in enumerate(strides):
                source = widths[-1] if number == 0 else width * kind.expansion
                layer.append(kind(source, width, stride))
            self.add_module(f"layer{stage + 1}", layer)
            widths.append(width * kind.expansion)
        self.widths = tuple(widths)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features at a half, a quarter, an eighth, a sixteenth and a 32nd of the image's resolution."""
        features = self.relu(self.bn1(self.conv1(image)))
        found = [features]
        features = self.maxpool(features)
        for stage in range(1, 5):
            features = self.get_submodule(f"layer{stage}")(features)
            found.append(features)
        return found
