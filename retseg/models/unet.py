"""A U-Net whose depth, width, up-sampling, normalisation and activation are chosen in the configuration."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.core.types import CLASS_MAP
from retseg.models.architecture import Architecture
from retseg.models.convolutions import Activation, Normalisation, activation, check_groups, initialise, normalisation
from retseg.models.upsampling import PoolWithIndices, Unpool, Upsampling, enlarge, full_precision


class LevelOptions(Section):
    """What can be chosen about the levels of a U-Net."""

    depth: int = Field(default=4, ge=1, le=6, description="How often the image is halved")
    width: int = Field(default=16, ge=1, le=256, description="Channels at full resolution; doubled at every halving")
    convolutions: int = Field(default=2, ge=1, le=4, description="3x3 convolutions in every level, down and up")
    upsampling: Upsampling = Field(
        default="nearest",
        description="How features are enlarged on the way up; unpool and bed-of-nails place the values among zeros, "
        "unpool where pooling found its maxima",
    )
    transposed_kernel: Literal[2, 3] = Field(
        default=2, description="Height and width of the kernel of the up-sampling 'transposed'; 3 overlaps"
    )
    normalisation: Normalisation = "batch"
    groups: int = Field(default=8, ge=1, description="Groups of channels of the normalisation 'group'")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="Share that is dropped while trained")
    dropout_place: Literal["after", "before"] = Field(
        default="after",
        description="Whole channels after every level, or single values before every level but the first",
    )

    @model_validator(mode="after")
    def _groups_divide_width(self) -> Self:
        check_groups(self.normalisation, self.groups, [self.width])
        return self


class UNetOptions(LevelOptions):
    """What can be chosen about a U-Net."""

    deep_supervision: bool = Field(
        default=False,
        description="Whether the coarser levels on the way up give predictions of their own while trained",
    )

    @model_validator(mode="after")
    def _has_coarser_levels(self) -> Self:
        if self.deep_supervision and self.depth < 2:
            raise ValueError(f"deep_supervision needs a depth of 2, 3, 4, 5 or 6, not {self.depth}")
        return self


class SaltUNetOptions(UNetOptions):
    """What can be chosen about the salt U-Net: everything about a U-Net, with the exercise's choices to begin with."""

    upsampling: Upsampling = "transposed"
    transposed_kernel: Literal[2, 3] = 3
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0, description="Share that is dropped while trained")
    dropout_place: Literal["after", "before"] = "before"


def convolution_level(
    in_channels: int, out_channels: int, options: LevelOptions, *, first: bool = False
) -> nn.Sequential:
    """The 3x3 convolutions of one level, each with normalisation and activation."""
    level = nn.Sequential()
    if options.dropout and options.dropout_place == "before" and not first:
        level.add_module("dropout", nn.Dropout(options.dropout))
    for index in range(1, options.convolutions + 1):
        source = in_channels if index == 1 else out_channels
        # A bias in front of a normalisation is subtracted again, so it would never learn anything.
        convolution = nn.Conv2d(source, out_channels, 3, padding=1, bias=options.normalisation == "none")
        initialise(convolution, "kaiming", options.activation)
        level.add_module(f"convolution{index}", convolution)
        if layer := normalisation(options.normalisation, out_channels, options.groups):
            level.add_module(f"normalisation{index}", layer)
        level.add_module(f"activation{index}", activation(options.activation))
    if options.dropout and options.dropout_place == "after":
        level.add_module("dropout", nn.Dropout2d(options.dropout))
    return level


class _NarrowAndUnpool(nn.Module):
    """Brings the channels down to those of the level above, whose pooling says where the values go."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        self.unpool = Unpool()

    def forward(self, features: Tensor, indices: Tensor) -> Tensor:
        enlarged: Tensor = self.unpool(self.narrow(features), indices)
        return enlarged


def _enlarge(in_channels: int, out_channels: int, options: LevelOptions) -> nn.Module:
    """Doubles height and width and brings the channels down to those of the level above."""
    if options.upsampling == "unpool":
        return _NarrowAndUnpool(in_channels, out_channels)
    if options.upsampling == "transposed" and options.transposed_kernel == 3:
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=3, stride=2, padding=1, output_padding=1)
    return enlarge(in_channels, out_channels, options.upsampling)


class UNet(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 2**depth.

    With deep supervision it returns, while trained, a dictionary of logits: the class map at full resolution, then
    "classes.1" at half of it, "classes.2" at a quarter, and so on up to depth - 1.
    """

    def __init__(self, in_channels: int, classes: int, options: UNetOptions) -> None:
        super().__init__()
        widths = [options.width * 2**level for level in range(options.depth + 1)]
        self.unpools = options.upsampling == "unpool"
        self.down = nn.ModuleList(
            convolution_level(source, width, options, first=width == options.width)
            for source, width in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = PoolWithIndices() if self.unpools else nn.MaxPool2d(2)
        upwards = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.enlarge = nn.ModuleList(_enlarge(below, width, options) for below, width in upwards)
        self.up = nn.ModuleList(convolution_level(2 * width, width, options) for _, width in upwards)
        self.classify = nn.Conv2d(options.width, classes, kernel_size=1)
        # Last, so that the seed decides the other weights alike with and without it.
        coarser = widths[1:-1] if options.deep_supervision else []
        self.classify_coarser = nn.ModuleList(nn.Conv2d(width, classes, kernel_size=1) for width in coarser)

    def forward(self, image: Tensor) -> Tensor | dict[str, Tensor]:
        """Logits of every class at every pixel."""
        with full_precision(image.device) if self.unpools else nullcontext():
            features, skipped, indices = self._way_down(image)
        finer_first: list[Tensor] = []
        for larger, level in zip(self.enlarge, self.up, strict=True):
            enlarged = larger(features, indices.pop()) if self.unpools else larger(features)
            features = level(torch.cat([skipped.pop(), enlarged], dim=1))
            finer_first.insert(0, features)
        logits: Tensor = self.classify(features)
        if not (self.training and self.classify_coarser):
            return logits
        further = zip(self.classify_coarser, finer_first[1:], strict=True)
        named = {f"{CLASS_MAP}.{number}": classify(each) for number, (classify, each) in enumerate(further, start=1)}
        return {CLASS_MAP: logits, **named}

    def _way_down(self, image: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The coarsest features, those of all finer levels, and where pooling found its maxima; finest first."""
        features = self.down[0](image)
        skipped: list[Tensor] = []
        indices: list[Tensor] = []
        for level in self.down[1:]:
            skipped.append(features)
            pooled = self.pool(features)
            if self.unpools:
                pooled, where = pooled
                indices.append(where)
            features = level(pooled)
        return features, skipped, indices


def _build(in_channels: int, classes: int, options: UNetOptions) -> nn.Module:
    return UNet(in_channels, classes, options)


def stride(options: LevelOptions) -> int:
    """What heights and widths must be multiples of."""
    # Instance normalisation needs at least two pixels at the coarsest level.
    return int(2 ** (options.depth + (options.normalisation == "instance")))


UNET = Architecture(
    name="unet",
    options=UNetOptions,
    build=_build,
    stride=stride,
    fully_convolutional=True,
    about="Encoder and decoder with a connection across at every resolution; the default.",
    card="Convolutions at ever coarser resolutions see ever more of the photograph, and at every resolution on the way "
    "back the fine features from the way down are put beside the coarse ones, so that thin vessels keep their place. "
    "Four halvings and 16 channels at full resolution are enough for vessels and still quick without a GPU. How it "
    "enlarges, normalises and how deep and wide it is are options; with deep supervision its coarser levels are "
    "trained to give the class map as well. It needs augmentation when photographs are few.",
    encoder=("down.",),
    citation="Ronneberger, Fischer and Brox, 'U-Net: Convolutional Networks for Biomedical Image Segmentation', "
    "MICCAI 2015",
)

UNET_TGS = Architecture(
    name="unet-tgs",
    options=SaltUNetOptions,
    build=_build,
    stride=stride,
    fully_convolutional=True,
    about="The U-Net of the salt exercise: 16 channels, transposed convolutions, half of the values dropped.",
    card="The U-Net that many met in the TGS Salt Identification Challenge: 128 x 128 pixels of one channel, 16 "
    "channels at full resolution, four halvings, 3x3 transposed convolutions on the way up, and half of the values "
    "dropped in front of every level but the first (the exercise drops a quarter in front of the second). It is the "
    "net 'unet' with these choices, and any other size and number of channels will do. So much dropout guards against "
    "learning by heart from a few thousand small images; elsewhere it mostly makes training longer.",
    encoder=("down.",),
    citation="After public notebooks of the TGS Salt Identification Challenge, Kaggle, 2018; Ronneberger, Fischer and "
    "Brox, 'U-Net: Convolutional Networks for Biomedical Image Segmentation', MICCAI 2015",
)
