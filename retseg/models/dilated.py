"""A context net: filters with growing gaps see far without any pooling."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from retseg.models.architecture import Architecture
from retseg.models.convolutions import SmallNetOptions, check_groups, convolution_block, least_pixels


class DilatedOptions(SmallNetOptions):
    """What can be chosen about the context net."""

    width: int = Field(default=16, ge=1, le=1024, description="Channels of every layer")
    rates: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        default=(1, 1, 2, 4, 8, 16, 1),
        min_length=1,
        max_length=64,
        description="Dilation of each 3x3 convolution in order; the net sees 1 + 2 * their sum pixels across",
    )

    @model_validator(mode="after")
    def _groups_divide_width(self) -> Self:
        check_groups(self.normalisation, self.groups, [self.width])
        return self


class Dilated(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W) of any size."""

    def __init__(self, in_channels: int, classes: int, options: DilatedOptions) -> None:
        super().__init__()
        channels = [in_channels] + [options.width] * len(options.rates)
        self.layers = nn.Sequential(
            *(
                convolution_block(source, width, options, dilation=rate)
                for (source, width), rate in zip(pairwise(channels), options.rates, strict=True)
            )
        )
        self.classify = nn.Conv2d(options.width, classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        logits: Tensor = self.classify(self.layers(image))
        return logits


def _build(in_channels: int, classes: int, options: DilatedOptions) -> nn.Module:
    return Dilated(in_channels, classes, options)


def _stride(options: DilatedOptions) -> int:
    return least_pixels(options.normalisation)


DILATED = Architecture(
    name="dilated",
    options=DilatedOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="3x3 convolutions with gaps that double from layer to layer; sees far at full resolution without pooling.",
    card="Seven 3x3 convolutions whose nine points lie 1, 1, 2, 4, 8, 16 and 1 pixels apart: what is seen doubles with "
    "every layer, 67 x 67 pixels in the end, while the parameters grow by the same small amount each time and no pixel "
    "loses its place. Its 15,000 parameters can do with few photographs. Every layer works at full resolution, so it "
    "takes nearly as much memory as a unet with a hundred times the parameters, it knows nothing beyond its 67 pixels, "
    "and wide gaps can leave a grid in flat regions. The paper puts such layers behind a VGG; here they look at the "
    "photograph itself.",
    citation="Yu and Koltun, 'Multi-Scale Context Aggregation by Dilated Convolutions', ICLR 2016",
)
