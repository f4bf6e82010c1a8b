"""The lecture's net: one convolution, pooling that remembers its indices, unpooling, one convolution."""

from __future__ import annotations

from torch import Tensor, nn

from retseg.core.config import Section
from retseg.models.architecture import Architecture
from retseg.models.upsampling import full_precision

_WIDTH = 64
_STRIDE = 2


class SegNetOptions(Section):
    """The lecture's net has nothing to choose."""


class SegNet(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W even.

    3,523 parameters for three channels and three classes.
    """

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.encode = nn.Conv2d(in_channels, _WIDTH, kernel_size=3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=_STRIDE, stride=_STRIDE, return_indices=True)
        self.unpool = nn.MaxUnpool2d(kernel_size=_STRIDE, stride=_STRIDE)
        self.decode = nn.Conv2d(_WIDTH, classes, kernel_size=3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        with full_precision(image.device):
            pooled, indices = self.pool(self.relu(self.encode(image)))
        logits: Tensor = self.decode(self.unpool(pooled, indices))
        return logits


def _build(in_channels: int, classes: int, options: SegNetOptions) -> nn.Module:
    return SegNet(in_channels, classes)


def _stride(options: SegNetOptions) -> int:
    return _STRIDE


SEGNET = Architecture(
    name="segnet",
    options=SegNetOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="The lecture's smallest encoder and decoder: convolution, max pooling with indices, unpooling, convolution.",
    card="The net of the exercise that retseg began as, kept as it was. Pooling remembers where each maximum was and "
    "unpooling puts it back there, so edges stay where they are, but one convolution on either side means that every "
    "pixel is judged by the few pixels around it: it learns colours, not vessels. Take it to learn how the parts "
    "work and as the lower end of a comparison, not for results.",
    citation="After Badrinarayanan, Kendall and Cipolla, 'SegNet: A Deep Convolutional Encoder-Decoder Architecture "
    "for Image Segmentation', IEEE TPAMI 39(12), 2017",
)
