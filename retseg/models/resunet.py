"""U-Nets on ResNet encoders whose ImageNet weights are published."""

from __future__ import annotations

from functools import partial

from torch import nn

from retseg.core.config import Section
from retseg.models.architecture import Architecture, PublishedEncoder
from retseg.models.resnet import Depth, ResNetEncoder
from retseg.models.skip_decoder import STRIDE, EncoderDecoder, SkipDecoder, SkipDecoderOptions

_CITATION = (
    "He, Zhang, Ren and Sun, 'Deep Residual Learning for Image Recognition', CVPR 2016; Ronneberger, Fischer and Brox, "
    "'U-Net: Convolutional Networks for Biomedical Image Segmentation', MICCAI 2015"
)
_CREDIT = (
    "torchvision (BSD 3-Clause); trained on ImageNet, whose terms allow research and teaching that is not commercial"
)


class ResUNetOptions(SkipDecoderOptions):
    """What can be chosen about a U-Net on a ResNet: its decoder."""


def _build(depth: Depth, in_channels: int, classes: int, options: ResUNetOptions) -> nn.Module:
    encoder = ResNetEncoder(depth, in_channels)
    return EncoderDecoder(encoder, SkipDecoder(in_channels, encoder.widths, classes, options))


def _stride(options: Section) -> int:
    return STRIDE


def _architecture(depth: Depth, digest: str, megabytes: int, about: str, card: str) -> Architecture:
    return Architecture(
        name=f"resunet{depth}",
        options=ResUNetOptions,
        build=partial(_build, depth),
        stride=_stride,
        fully_convolutional=True,
        about=about,
        card=card,
        citation=_CITATION,
        encoder=("encoder.",),
        published=PublishedEncoder(
            url=f"https://download.pytorch.org/models/resnet{depth}-{digest}.pth",
            digest=digest,
            megabytes=megabytes,
            dropped=("fc.weight", "fc.bias"),
            credit=_CREDIT,
        ),
    )


RESUNET18 = _architecture(
    18,
    "f37072fd",
    45,
    about="U-Net decoder on a ResNet-18, for which ImageNet weights are published.",
    card="The encoder is the 18-layer residual net that most published weights exist for, the decoder a light U-Net's, "
    "with one level of its own at full resolution, because the encoder halves the image at once and would lose the "
    "thinnest vessels. Take it when labelled photographs are few and published weights are at hand: train the decoder "
    "first with the encoder frozen, then everything at a tenth of the learning rate. Without published weights it has "
    "six times the parameters of the plain U-Net to learn from the same photographs. Patches of less than 64 pixels "
    "leave its coarsest level almost nothing to see.",
)
RESUNET34 = _architecture(
    34,
    "b627a593",
    83,
    about="U-Net decoder on a ResNet-34, twice as deep as the ResNet-18.",
    card="The same net as resunet18 with twice as many residual blocks in the encoder, which costs half as much time "
    "again. The extra depth lies at coarse resolutions, so it helps where large structures must be told apart (discs, "
    "lesions, everyday objects) more than for thin vessels. Take it with published weights; on one processor core a "
    "step of 16 patches of 128 pixels takes about two seconds. It is easily more net than a few dozen photographs can "
    "teach.",
)
RESUNET50 = _architecture(
    50,
    "0676ba61",
    98,
    about="U-Net decoder on a ResNet-50, whose blocks narrow and widen (bottlenecks).",
    card="The deepest of the three: each block narrows its channels, convolves and widens them again, so that the "
    "features handed to the decoder have four times as many channels. It is the usual encoder in the literature on "
    "natural images and the one to take for comparisons with it. For vessels it is slow (about three seconds a step "
    "of 16 patches of 128 pixels on one processor core) and most of its size lies at coarse resolutions. Train it "
    "with published weights, better on a GPU; from random weights, small sets teach it little.",
)
