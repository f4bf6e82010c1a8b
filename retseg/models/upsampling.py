"""Ways to full resolution: transposed convolution, interpolation, unpooling, bed of nails; and their arithmetic."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Interpolation = Literal["nearest", "bilinear", "bicubic"]
Enlarging = Literal["transposed", "nearest", "bilinear", "bicubic", "bed-of-nails"]
"""What needs nothing but the coarse features themselves; see `enlarge`."""
Upsampling = Literal["transposed", "nearest", "bilinear", "bicubic", "bed-of-nails", "unpool"]
"""`Enlarging`, and "unpool", which needs the indices of the pooling on the way down; see `PoolWithIndices`."""


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Switches mixed precision off: rounding would decide near-ties inside a pooling window, and so move pixels.

    It belongs around everything in front of a pooling whose indices are used, not around the pooling alone: what a
    convolution has rounded stays rounded. Features from outside must be float32 (`features.float()`).
    """
    # Tensors on "meta" have a shape and no values, and torch knows no precision for them.
    if device.type != "meta" and torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


class PoolWithIndices(nn.MaxPool2d):
    """Features (B, C, H, W) to the maxima of cells of factor x factor pixels and the index of each in its H x W map."""

    def __init__(self, factor: int = 2) -> None:
        super().__init__(factor, factor, return_indices=True)


class Unpool(nn.MaxUnpool2d):
    """Features (B, C, h, w) and indices of the same shape to (B, C, h * factor, w * factor).

    Each value goes where the maximum was that `PoolWithIndices` found, and 0 everywhere else.
    """

    def __init__(self, factor: int = 2) -> None:
        super().__init__(factor, factor)


def bed_of_nails(features: Tensor, factor: int) -> Tensor:
    """Features (B, C, H, W) to (B, C, H * factor, W * factor): each at the upper left of its cell, 0 elsewhere."""
    cells = F.pad(features[:, :, :, None, :, None], (0, factor - 1, 0, 0, 0, factor - 1))
    return cells.flatten(4, 5).flatten(2, 3)


class BedOfNails(nn.Module):
    """`bed_of_nails` as a layer."""

    def __init__(self, factor: int = 2) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, features: Tensor) -> Tensor:
        """The features at the upper left of cells of factor x factor pixels."""
        return bed_of_nails(features, self.factor)


def enlarge(in_channels: int, out_channels: int, how: Enlarging) -> nn.Module:
    """Doubles height and width and changes the number of channels.

    All but the transposed convolution only place or mix neighbours of each channel, so they want convolutions behind
    them.
    """
    if how == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
    module = nn.Sequential()
    # The 1x1 convolution gives the same before and after interpolation, but before it costs a quarter.
    module.add_module("narrow", nn.Conv2d(in_channels, out_channels, kernel_size=1))
    module.add_module("upsample", BedOfNails() if how == "bed-of-nails" else nn.Upsample(scale_factor=2, mode=how))
    return module


def bilinear_kernel(channels: int, factor: int) -> Tensor:
    """The weight (channels, channels, k, k) with which a transposed convolution enlarges `factor` times bilinearly.

    k is 2 * factor for even factors and 2 * factor - 1 for odd ones; every channel sees itself only.
    """
    return _bilinear_weight(channels, channels, factor)


def _bilinear_weight(in_channels: int, out_channels: int, factor: int) -> Tensor:
    side = 2 * factor - factor % 2
    distance = (torch.arange(side, dtype=torch.float32) - (side - 1) / 2).abs() / factor
    tent = 1 - distance
    return torch.eye(in_channels, out_channels)[:, :, None, None] * torch.outer(tent, tent)


def bilinear_transposed(in_channels: int, out_channels: int, factor: int) -> nn.ConvTranspose2d:
    """A learnable up-sampling by `factor` that begins as the bilinear one, as in fully convolutional networks.

    Channel c of the result begins as channel c of the features; channels beyond those begin as 0. At the border the
    values fade, as though the features were surrounded by zeros.
    """
    weight = _bilinear_weight(in_channels, out_channels, factor)
    layer = nn.ConvTranspose2d(in_channels, out_channels, weight.shape[-1], factor, padding=factor // 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(weight)
    return layer


def convolution_matrix(kernel: Tensor, height: int, width: int) -> Tensor:
    """The matrix that convolves a flattened image of height x width pixels with `kernel` (h, w), without padding.

    A row for each pixel of the result and a column for each pixel of the image: 4 x 16 for 3x3 on 4x4. Its transpose
    takes the small map back to the large one: that is transposed convolution.
    """
    rows, columns = height - kernel.shape[0] + 1, width - kernel.shape[1] + 1
    matrix = kernel.new_zeros(rows, columns, height, width)
    for row in range(rows):
        for column in range(columns):
            matrix[row, column, row : row + kernel.shape[0], column : column + kernel.shape[1]] = kernel
    return matrix.flatten(2).flatten(0, 1)


def convolved_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many pixels a convolution or a pooling makes of `size` pixels, along one axis."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def transposed_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """How many pixels a transposed convolution makes of `size` pixels, along one axis."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
