"""MONAI's Attention U-Net, with its own options under plain names."""

from __future__ import annotations

from math import prod
from typing import Self

from pydantic import Field, model_validator
from torch import nn

from retseg.core.config import Section
from retseg.models.architecture import Architecture


class AttentionUNetOptions(Section):
    """What can be chosen about MONAI's Attention U-Net. Its normalisations are fixed."""

    channels: tuple[int, ...] = Field(
        default=(16, 32, 64, 128, 256), description="Channels of each level, finest first"
    )
    strides: tuple[int, ...] = Field(
        default=(2, 2, 2, 2), description="Shrinking from each level to the next coarser one: 1 to 4"
    )
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="Share of values dropped after every convolution")

    @model_validator(mode="after")
    def _levels_fit_together(self) -> Self:
        if len(self.channels) < 2:
            raise ValueError(f"channels needs two levels or more, for example [16, 32], not {list(self.channels)}")
        # Every gate works on half of its level's channels.
        if min(self.channels) < 2:
            raise ValueError(f"every entry of channels must be 2 or more, not {list(self.channels)}")
        if len(self.strides) != len(self.channels) - 1 or not all(1 <= stride <= 4 for stride in self.strides):
            raise ValueError(
                f"strides needs {len(self.channels) - 1} entries of 1, 2, 3 or 4 for channels {list(self.channels)}, "
                f"one for each level but the coarsest, not {list(self.strides)}"
            )
        return self


def _build(in_channels: int, classes: int, options: AttentionUNetOptions) -> nn.Module:
    # MONAI takes seconds to import, so listing the architectures must not need it.
    from monai.networks.nets import AttentionUnet

    net: nn.Module = AttentionUnet(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=classes,
        channels=options.channels,
        strides=options.strides,
        dropout=options.dropout,
    )
    return net


def _stride(options: AttentionUNetOptions) -> int:
    # MONAI joins with instance normalisation, which needs two pixels at the coarsest level that has a level below it.
    return prod(options.strides) * (2 if options.strides[-1] == 1 else 1)


ATTENTION_UNET = Architecture(
    name="attention-unet",
    options=AttentionUNetOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="MONAI's Attention U-Net: gates decide from the coarse features which fine ones cross over.",
    card="A U-Net in which a gate stands in every connection across: the coarser features decide, pixel by pixel, how "
    "much of the finer ones comes through, so that fine structure in places of no interest can be left out. Made for "
    "organs that fill a small part of the image; vessels are all over a photograph, so there is less to leave out. "
    "A gate cannot bring back what the coarse levels have missed, such as a thin vessel. Its levels are nested in each "
    "other, so it has no encoder that could be frozen by itself.",
    citation="Oktay et al., 'Attention U-Net: Learning Where to Look for the Pancreas', MIDL 2018; MONAI Consortium, "
    "'MONAI: Medical Open Network for AI'",
)
