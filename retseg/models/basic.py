"""The small net of a first exercise: down twice, up twice, nothing across."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from retseg.models.architecture import Architecture
from retseg.models.convolutions import SmallNetOptions, check_groups, convolution_block, least_pixels
from retseg.models.upsampling import PoolWithIndices, Unpool, Upsampling, enlarge, full_precision

Width = Annotated[int, Field(ge=1, le=1024)]


class BasicOptions(SmallNetOptions):
    """What can be chosen about the small down-and-up net."""

    widths: tuple[Width, Width, Width] = Field(
        default=(16, 32, 64), description="Channels at full, half and quarter resolution"
    )
    upsampling: Upsampling = "transposed"

    @model_validator(mode="after")
    def _groups_divide_widths(self) -> Self:
        check_groups(self.normalisation, self.groups, self.widths)
        return self


class Basic(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 4."""

    def __init__(self, in_channels: int, classes: int, options: BasicOptions) -> None:
        super().__init__()
        full, half, quarter = options.widths
        self.remembers = options.upsampling == "unpool"
        self.down = nn.ModuleList(
            [convolution_block(in_channels, full, options), convolution_block(full, half, options)]
        )
        self.pool = PoolWithIndices() if self.remembers else nn.MaxPool2d(2)
        self.bottom = convolution_block(half, quarter, options)
        # Unpooling puts a value where the maximum of the same channel was, so it needs as many channels as were pooled.
        if options.upsampling == "unpool":
            self.narrow = nn.ModuleList([nn.Conv2d(quarter, half, kernel_size=1), nn.Conv2d(half, full, kernel_size=1)])
            self.unpool = Unpool()
        else:
            self.enlarge = nn.ModuleList(
                [enlarge(quarter, half, options.upsampling), enlarge(half, full, options.upsampling)]
            )
        self.up = nn.ModuleList([convolution_block(half, half, options), convolution_block(full, full, options)])
        self.classify = nn.Conv2d(full, classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        features = self._unpooled(image) if self.remembers else self._enlarged(image)
        logits: Tensor = self.classify(features)
        return logits

    def _enlarged(self, features: Tensor) -> Tensor:
        for level in self.down:
            features = self.pool(level(features))
        features = self.bottom(features)
        for enlarged, level in zip(self.enlarge, self.up, strict=True):
            features = level(enlarged(features))
        return features

    def _unpooled(self, features: Tensor) -> Tensor:
        remembered: list[Tensor] = []
        with full_precision(features.device):
            for level in self.down:
                features, indices = self.pool(level(features))
                remembered.append(indices)
        features = self.bottom(features)
        for narrow, level in zip(self.narrow, self.up, strict=True):
            features = level(self.unpool(narrow(features), remembered.pop()))
        return features


def _build(in_channels: int, classes: int, options: BasicOptions) -> nn.Module:
    return Basic(in_channels, classes, options)


def _stride(options: BasicOptions) -> int:
    return 4 * least_pixels(options.normalisation)


BASIC = Architecture(
    name="basic",
    options=BasicOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="The small net of a first exercise: pooled twice, enlarged twice, nothing carried across.",
    card="Two convolutions with pooling on the way down, one at a quarter of the resolution, two on the way up: the "
    "least that can be called encoder and decoder, and trained in minutes. It finds the broad vessels. What pooling "
    "has thrown away nothing brings back, so vessels one or two pixels wide come out thick, ragged or not at all; put "
    "beside the unet it shows what the connections across are for. How it enlarges is an option, which makes it the "
    "place to compare transposed convolution, interpolation, unpooling and the bed of nails.",
    encoder=("down.", "bottom."),
    citation="After Noh, Hong and Han, 'Learning Deconvolution Network for Semantic Segmentation', ICCV 2015, much "
    "reduced",
)
