"""The way back up of a U-Net whose encoder is somebody else's: from five resolutions to logits at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.models.unet import LevelOptions, convolution_level
from retseg.models.upsampling import Enlarging, enlarge

STRIDE = 32
"""The encoders halve five times."""

Width = Annotated[int, Field(ge=1, le=1024)]


class SkipDecoderOptions(Section):
    """What can be chosen about the decoder; the encoder is as it was published."""

    decoder: tuple[Width, Width, Width, Width, Width] = Field(
        default=(128, 64, 32, 16, 16),
        description="Channels of the decoder at a 16th, an 8th, a quarter, a half of the resolution, and at all of it",
    )
    upsampling: Enlarging = "nearest"


def _convolutions(source: int, width: int, number: int) -> nn.Sequential:
    """3x3 convolutions, each with normalisation and ReLU."""
    return convolution_level(source, width, LevelOptions(convolutions=number))


class SkipDecoder(nn.Module):
    """Five maps of features and the image they came from, to logits at full resolution.

    Published encoders begin by halving, so the finest features come from one convolution of the decoder's own, on the
    image itself: vessels are often a single pixel wide.

    Args:
        in_channels: Channels of the image.
        encoder: Channels of the encoder's maps, finest (half resolution) first.
        classes: Channels of the logits.
        options: Widths and how it enlarges.
    """

    def __init__(self, in_channels: int, encoder: Sequence[int], classes: int, options: SkipDecoderOptions) -> None:
        super().__init__()
        widths = options.decoder
        self.fine = _convolutions(in_channels, widths[-1], 1)
        across = [*reversed(encoder[:-1]), widths[-1]]
        below = [encoder[-1], *widths[:-1]]
        self.enlarge = nn.ModuleList(
            enlarge(source, width, options.upsampling) for source, width in zip(below, widths, strict=True)
        )
        self.levels = nn.ModuleList(
            _convolutions(width + skipped, width, 2) for width, skipped in zip(widths, across, strict=True)
        )
        self.classify = nn.Conv2d(widths[-1], classes, 1)

    def forward(self, image: Tensor, encoded: Sequence[Tensor]) -> Tensor:
        """Logits (B, classes, H, W) from the image (B, in_channels, H, W) and its features, finest first."""
        *skipped, features = [self.fine(image), *encoded]
        for larger, level in zip(self.enlarge, self.levels, strict=True):
            features = level(torch.cat([larger(features), skipped.pop()], dim=1))
        logits: Tensor = self.classify(features)
        return logits


class EncoderDecoder(nn.Module):
    """An encoder under the name "encoder" and a decoder under the name "decoder".

    Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 32.
    """

    def __init__(self, encoder: nn.Module, decoder: SkipDecoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        logits: Tensor = self.decoder(image, self.encoder(image))
        return logits
