"""SegNet as published: the thirteen convolutions of VGG16, and their mirror image with unpooling."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.models.architecture import Architecture
from retseg.models.convolutions import convolution_block
from retseg.models.upsampling import PoolWithIndices, Unpool, full_precision
from retseg.models.vgg import PAPERS_WIDTH, VGG16_CONVOLUTIONS, block_options, vgg16_stages, vgg16_widths

_STRIDE = 32


class SegNetVGG16Options(Section):
    """What can be chosen about the full SegNet."""

    width: int = Field(
        default=PAPERS_WIDTH, ge=1, le=128, description="Channels at full resolution, eight times as many at the end"
    )


def _decoder(width: int) -> nn.ModuleList:
    """The encoder's stages in reverse, each narrowing in its last convolution; the finest ends before the classes."""
    options, widths = block_options(batch_norm=True), vgg16_widths(width)
    stages = nn.ModuleList()
    for level in reversed(range(len(widths))):
        stage = nn.Sequential()
        # The finest stage's last convolution gives the classes, without normalisation, and stands by itself.
        for index in range(1, VGG16_CONVOLUTIONS[level] + (level > 0)):
            narrows = index == VGG16_CONVOLUTIONS[level]
            stage.add_module(f"block{index}", convolution_block(widths[level], widths[level - narrows], options))
        stages.append(stage)
    return stages


class SegNetVGG16(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 32."""

    def __init__(self, in_channels: int, classes: int, options: SegNetVGG16Options) -> None:
        super().__init__()
        self.encoder = vgg16_stages(in_channels, options.width, batch_norm=True)
        self.pool = PoolWithIndices()
        self.unpool = Unpool()
        self.decoder = _decoder(options.width)
        self.classify = nn.Conv2d(options.width, classes, kernel_size=3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        remembered: list[Tensor] = []
        with full_precision(image.device):
            features = image.float()
            for stage in self.encoder:
                features, indices = self.pool(stage(features))
                remembered.append(indices)
        for stage in self.decoder:
            features = stage(self.unpool(features, remembered.pop()))
        logits: Tensor = self.classify(features)
        return logits


def _build(in_channels: int, classes: int, options: SegNetVGG16Options) -> nn.Module:
    return SegNetVGG16(in_channels, classes, options)


def _stride(options: SegNetVGG16Options) -> int:
    return _STRIDE


SEGNET_VGG16 = Architecture(
    name="segnet-vgg16",
    options=SegNetVGG16Options,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="The full SegNet: VGG16's thirteen convolutions, mirrored, with unpooling at the remembered places.",
    card="Five poolings remember where each maximum was, and the decoder puts its values back at these places and "
    "fills the gaps by convolutions: outlines keep their place although no features cross from encoder to decoder. "
    "That suits regions; what a pooling drops is gone, so the thinnest vessels suffer. With its 29.4 million "
    "parameters it wants a GPU: a batch of 16 patches of 128x128 takes over ten seconds on one core; width=16 takes "
    "one second and trains there. The encoder stays in full precision, because rounding would move the maxima.",
    encoder=("encoder.",),
    citation="Badrinarayanan, Kendall and Cipolla, 'SegNet: A Deep Convolutional Encoder-Decoder Architecture for "
    "Image Segmentation', IEEE TPAMI 39(12), 2017",
)
