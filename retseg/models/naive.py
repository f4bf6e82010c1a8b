"""Convolutions at full resolution, one after the other, with ever more filters."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from retseg.models.architecture import Architecture
from retseg.models.convolutions import SmallNetOptions, check_groups, convolution_block, least_pixels


class NaiveOptions(SmallNetOptions):
    """What can be chosen about the net of constant resolution."""

    widths: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        default=(8, 16, 32, 64), min_length=1, max_length=64, description="Filters of each convolution, in order"
    )
    kernel: int = Field(default=3, ge=1, le=31, description="Side of every filter in pixels, odd")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"an even kernel has no middle: {self.kernel - 1} or {self.kernel + 1}, not {self.kernel}")
        check_groups(self.normalisation, self.groups, self.widths)
        return self


class Naive(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W) of any size."""

    def __init__(self, in_channels: int, classes: int, options: NaiveOptions) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(
                convolution_block(source, width, options, kernel=options.kernel)
                for source, width in pairwise([in_channels, *options.widths])
            )
        )
        self.classify = nn.Conv2d(options.widths[-1], classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        logits: Tensor = self.classify(self.layers(image))
        return logits


def _build(in_channels: int, classes: int, options: NaiveOptions) -> nn.Module:
    return Naive(in_channels, classes, options)


def _stride(options: NaiveOptions) -> int:
    return least_pixels(options.normalisation)


NAIVE = Architecture(
    name="naive",
    options=NaiveOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="Convolutions at full resolution with growing numbers of filters; no way down, no way up.",
    card="What one would write down first: every layer keeps the photograph's resolution, so nothing has to be brought "
    "back and edges stay sharp. The price is memory and time, since every filter of every layer answers at every "
    "pixel: of a photograph of 1000 x 1000 pixels the default keeps nearly a gigabyte of answers for 25,000 "
    "parameters, about as much as the unet keeps for seventy times as many, and it grows with the filters and with the "
    "pixels. The other price is sight: each 3x3 layer adds two pixels, so the default sees 9 x 9 and takes a dark spot "
    "for a piece of vessel. Good to show why other nets go down and up.",
    citation="A lecture's first try; see Long, Shelhamer and Darrell, 'Fully Convolutional Networks for Semantic "
    "Segmentation', CVPR 2015, for what to do instead",
)
