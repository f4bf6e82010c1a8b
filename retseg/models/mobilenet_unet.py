"""A light U-Net on a MobileNetV2 encoder: the example of transfer with a frozen encoder."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from retseg.core.config import Section
from retseg.models.architecture import Architecture, PublishedEncoder
from retseg.models.mobilenet import MobileNetV2Encoder
from retseg.models.skip_decoder import STRIDE, EncoderDecoder, SkipDecoder, SkipDecoderOptions, Width


class MobileNetUNetOptions(SkipDecoderOptions):
    """What can be chosen about a U-Net on a MobileNetV2: its decoder, lighter than that of the residual nets."""

    decoder: tuple[Width, Width, Width, Width, Width] = Field(
        default=(64, 32, 24, 16, 16),
        description="Channels of the decoder at a 16th, an 8th, a quarter, a half of the resolution, and at all of it",
    )


def _build(in_channels: int, classes: int, options: MobileNetUNetOptions) -> nn.Module:
    encoder = MobileNetV2Encoder(in_channels)
    return EncoderDecoder(encoder, SkipDecoder(in_channels, encoder.widths, classes, options))


def _stride(options: Section) -> int:
    return STRIDE


MOBILENET_UNET = Architecture(
    name="mobilenet-unet",
    options=MobileNetUNetOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="Light U-Net decoder on a MobileNetV2, for which ImageNet weights are published.",
    card="The old school of transfer: take an encoder that somebody else trained, freeze it, and train only a decoder "
    "(`--encoder-weights imagenet --set train.freeze_encoder_epochs=all`). MobileNetV2 filters every channel by "
    "itself, which makes it small, and with its light decoder it is quicker than the plain U-Net. Where ImageNet "
    "weights cannot be fetched, the encoder can come from a net trained on another camera (`--encoder-weights "
    "runs/OTHER`). A frozen encoder sees only what its old task taught it to see, and nothing finer than half the "
    "resolution: expect less than from a net that is trained whole, for less training.",
    citation="Sandler, Howard, Zhu, Zhmoginov and Chen, 'MobileNetV2: Inverted Residuals and Linear Bottlenecks', "
    "CVPR 2018; Ronneberger, Fischer and Brox, 'U-Net: Convolutional Networks for Biomedical Image Segmentation', "
    "MICCAI 2015",
    encoder=("encoder.",),
    published=PublishedEncoder(
        url="https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
        digest="b0353104",
        megabytes=14,
        dropped=("classifier.1.weight", "classifier.1.bias"),
        credit="torchvision (BSD 3-Clause); trained on ImageNet, whose terms allow research and teaching that is not "
        "commercial",
    ),
)
