"""MONAI's residual U-Net, with its own options under plain names."""

from __future__ import annotations

from math import prod
from typing import Literal, Self

from pydantic import Field, model_validator
from torch import nn

from retseg.core.config import Section
from retseg.models.architecture import Architecture


class MonaiUNetOptions(Section):
    """What can be chosen about MONAI's U-Net."""

    channels: tuple[int, ...] = Field(
        default=(16, 32, 64, 128, 256), description="Channels of each level, finest first"
    )
    strides: tuple[int, ...] = Field(
        default=(1, 2, 2, 2), description="Shrinking of each level but the coarsest: 1 to 4"
    )
    residual_units: int = Field(default=2, ge=0, le=6, description="Convolutions with a shortcut around them; 0: none")
    activation: Literal["relu", "prelu"] = "prelu"
    normalisation: Literal["batch", "instance", "none"] = "batch"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="Share of values dropped after every convolution")

    @model_validator(mode="after")
    def _levels_fit_together(self) -> Self:
        if len(self.channels) < 2:
            raise ValueError(f"channels needs two levels or more, for example [16, 32], not {list(self.channels)}")
        if min(self.channels) < 1:
            raise ValueError(f"every entry of channels must be 1 or more, not {list(self.channels)}")
        if len(self.strides) != len(self.channels) - 1 or not all(1 <= stride <= 4 for stride in self.strides):
            raise ValueError(
                f"strides needs {len(self.channels) - 1} entries of 1, 2, 3 or 4 for channels {list(self.channels)}, "
                f"one for each level but the coarsest, not {list(self.strides)}"
            )
        return self


def _build(in_channels: int, classes: int, options: MonaiUNetOptions) -> nn.Module:
    # MONAI takes seconds to import, so listing the architectures must not need it.
    from monai.networks.nets import UNet

    net: nn.Module = UNet(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=classes,
        channels=options.channels,
        strides=options.strides,
        num_res_units=options.residual_units,
        act=options.activation,
        norm=None if options.normalisation == "none" else options.normalisation,
        dropout=options.dropout,
    )
    return net


def _stride(options: MonaiUNetOptions) -> int:
    # Instance normalisation needs at least two pixels at the coarsest level.
    return prod(options.strides) * (2 if options.normalisation == "instance" else 1)


MONAI_UNET = Architecture(
    name="monai-unet",
    options=MonaiUNetOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="MONAI's U-Net: strided convolutions with shortcuts (residual units), transposed convolutions upwards.",
    card="A U-Net in which every level is a residual unit and halving is done by a strided convolution instead of "
    "pooling. Shortcuts around the convolutions make it easy to train, and PReLU gives each channel its own slope. "
    "A sound second opinion beside the default net, somewhat slower on a processor. Its levels are nested in each "
    "other, so it has no encoder that could be frozen by itself.",
    citation="Kerfoot et al., 'Left-Ventricle Quantification Using Residual U-Net', STACOM 2018; MONAI Consortium, "
    "'MONAI: Medical Open Network for AI'",
)
