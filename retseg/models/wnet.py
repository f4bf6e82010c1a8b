"""W-Net: two small U-Nets in a row, the second of which sees the image and what the first made of it."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from retseg.core.types import CLASS_MAP
from retseg.models.architecture import Architecture
from retseg.models.unet import LevelOptions, UNet, UNetOptions, stride
from retseg.models.upsampling import Upsampling


class WNetOptions(LevelOptions):
    """What can be chosen about the levels of both U-Nets."""

    depth: int = Field(default=2, ge=1, le=6, description="How often each of the two nets halves the image")
    width: int = Field(default=8, ge=1, le=256, description="Channels at full resolution; doubled at every halving")
    upsampling: Upsampling = "transposed"


class WNet(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 2**depth.

    While trained it returns a dictionary with both nets' logits: the second's as the class map, the first's as
    "classes.1".
    """

    def __init__(self, in_channels: int, classes: int, options: WNetOptions) -> None:
        super().__init__()
        each = UNetOptions(**options.model_dump())
        self.first = UNet(in_channels, classes, each)
        self.second = UNet(in_channels + classes, classes, each)

    def forward(self, image: Tensor) -> Tensor | dict[str, Tensor]:
        """Logits of every class at every pixel."""
        draft: Tensor = self.first(image)
        # The logits, as the authors' code does, not probabilities: those are flat where the first net is sure.
        logits: Tensor = self.second(torch.cat([image, draft], dim=1))
        return {CLASS_MAP: logits, f"{CLASS_MAP}.1": draft} if self.training else logits


def _build(in_channels: int, classes: int, options: WNetOptions) -> nn.Module:
    return WNet(in_channels, classes, options)


WNET = Architecture(
    name="wnet",
    options=WNetOptions,
    build=_build,
    stride=stride,
    fully_convolutional=True,
    about="Two small U-Nets in a row: the second sees the image and the first's map. 59,502 parameters.",
    card="The first net drafts a class map, and the second sees the photograph and the draft, so that it can join what "
    "is broken and drop what stands alone; both are trained to give the answer. Its authors showed that it keeps up "
    "with nets of many times its size on photographs like those it was trained on; on those of other cameras it falls "
    "off as they do. Theirs has shortcuts within the levels and a convolution in every connection across in addition, "
    "and some 70,000 parameters. Every pixel is judged by 84 x 84 pixels, too few to tell where on the retina it is.",
    citation="Galdran et al., 'State-of-the-art retinal vessel segmentation with minimalistic models', Scientific "
    "Reports 12, 6174, 2022",
)
