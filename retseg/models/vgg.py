"""VGG16 without its classifier: the encoder of fully convolutional networks and of SegNet."""

from __future__ import annotations

from torch import nn

from retseg.models.convolutions import SmallNetOptions, convolution_block

VGG16_CONVOLUTIONS = (2, 2, 3, 3, 3)
"""3x3 convolutions of the five stages, at full resolution, half of it, and so on; a pooling follows each stage."""
PAPERS_WIDTH = 64
"""Channels of the first stage in the paper."""


def vgg16_widths(width: int) -> tuple[int, ...]:
    """Channels of the five stages; the paper's are 64, 128, 256, 512, 512."""
    return (width, 2 * width, 4 * width, 8 * width, 8 * width)


def block_options(batch_norm: bool) -> SmallNetOptions:
    """How the layers of these nets are made: ReLU, behind a batch normalisation or not."""
    return SmallNetOptions(normalisation="batch" if batch_norm else "none")


def vgg16_stages(in_channels: int, width: int, *, batch_norm: bool) -> nn.ModuleList:
    """The thirteen convolutions in their five stages, without the poolings (2x2, maximum) that follow each of them.

    With three channels, the paper's width and no batch normalisation they have 14,714,688 parameters.
    """
    options, stages = block_options(batch_norm), nn.ModuleList()
    for convolutions, channels in zip(VGG16_CONVOLUTIONS, vgg16_widths(width), strict=True):
        stage = nn.Sequential()
        for index in range(1, convolutions + 1):
            stage.add_module(f"block{index}", convolution_block(in_channels, channels, options))
            in_channels = channels
        stages.append(stage)
    return stages
