"""A U-Net whose depth, width, up-sampling and normalisation are chosen in the configuration."""

from __future__ import annotations

from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.models.architecture import Architecture

Normalisation = Literal["batch", "instance", "group", "none"]
Upsampling = Literal["transposed", "nearest", "bilinear"]


class UNetOptions(Section):
    """What can be chosen about a U-Net."""

    depth: int = Field(default=4, ge=1, le=6, description="How often the image is halved")
    width: int = Field(default=16, ge=1, le=256, description="Channels at full resolution; doubled at every halving")
    convolutions: int = Field(default=2, ge=1, le=4, description="3x3 convolutions in every level, down and up")
    upsampling: Upsampling = "nearest"
    normalisation: Normalisation = "batch"
    groups: int = Field(default=8, ge=1, description="Groups of channels of the normalisation 'group'")
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="Share of channels dropped after every level")

    @model_validator(mode="after")
    def _groups_divide_width(self) -> Self:
        if self.normalisation == "group" and self.width % self.groups:
            allowed = ", ".join(str(n) for n in range(1, self.width + 1) if self.width % n == 0)
            raise ValueError(
                f"group normalisation with width {self.width} needs groups to be one of {allowed}, not {self.groups}"
            )
        return self


def _normalisation(channels: int, options: UNetOptions) -> nn.Module | None:
    match options.normalisation:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "instance":
            return nn.InstanceNorm2d(channels, affine=True)
        case "group":
            return nn.GroupNorm(options.groups, channels)
        case "none":
            return None


def _level(in_channels: int, out_channels: int, options: UNetOptions) -> nn.Sequential:
    """The 3x3 convolutions of one level, each with normalisation and ReLU."""
    level = nn.Sequential()
    for index in range(1, options.convolutions + 1):
        source = in_channels if index == 1 else out_channels
        # A bias in front of a normalisation is subtracted again, so it would never learn anything.
        convolution = nn.Conv2d(source, out_channels, 3, padding=1, bias=options.normalisation == "none")
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        level.add_module(f"convolution{index}", convolution)
        if normalisation := _normalisation(out_channels, options):
            level.add_module(f"normalisation{index}", normalisation)
        level.add_module(f"activation{index}", nn.ReLU(inplace=True))
    if options.dropout:
        level.add_module("dropout", nn.Dropout2d(options.dropout))
    return level


def _enlarge(in_channels: int, out_channels: int, upsampling: Upsampling) -> nn.Module:
    """Doubles height and width and brings the channels down to those of the level above."""
    if upsampling == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
    # The 1x1 convolution gives the same before and after interpolation, but before it costs a quarter.
    enlarge = nn.Sequential()
    enlarge.add_module("narrow", nn.Conv2d(in_channels, out_channels, kernel_size=1))
    enlarge.add_module("upsample", nn.Upsample(scale_factor=2, mode=upsampling))
    return enlarge


class UNet(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 2**depth."""

    def __init__(self, in_channels: int, classes: int, options: UNetOptions) -> None:
        super().__init__()
        widths = [options.width * 2**level for level in range(options.depth + 1)]
        self.down = nn.ModuleList(
            _level(source, width, options) for source, width in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        upwards = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.enlarge = nn.ModuleList(_enlarge(below, width, options.upsampling) for below, width in upwards)
        self.up = nn.ModuleList(_level(2 * width, width, options) for _, width in upwards)
        self.classify = nn.Conv2d(options.width, classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        features = self.down[0](image)
        skipped: list[Tensor] = []
        for level in self.down[1:]:
            skipped.append(features)
            features = level(self.pool(features))
        for enlarge, level in zip(self.enlarge, self.up, strict=True):
            features = level(torch.cat([skipped.pop(), enlarge(features)], dim=1))
        logits: Tensor = self.classify(features)
        return logits


def _build(in_channels: int, classes: int, options: UNetOptions) -> nn.Module:
    return UNet(in_channels, classes, options)


def _stride(options: UNetOptions) -> int:
    # Instance normalisation needs at least two pixels at the coarsest level.
    return int(2 ** (options.depth + (options.normalisation == "instance")))


UNET = Architecture(
    name="unet",
    options=UNetOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="Encoder and decoder with a connection across at every resolution; the default.",
    card="Convolutions at ever coarser resolutions see ever more of the photograph, and at every resolution on the way "
    "back the fine features from the way down are put beside the coarse ones, so that thin vessels keep their place. "
    "Four halvings and 16 channels at full resolution are enough for vessels and still quick without a GPU. How it "
    "enlarges, normalises and how deep and wide it is are options. It needs augmentation when photographs are few.",
    encoder=("down.",),
    citation="Ronneberger, Fischer and Brox, 'U-Net: Convolutional Networks for Biomedical Image Segmentation', "
    "MICCAI 2015",
)
