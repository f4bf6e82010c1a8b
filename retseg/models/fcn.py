"""Fully convolutional networks: a classification net that scores every place, and learnable up-sampling."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.config import Section
from retseg.models.architecture import Architecture
from retseg.models.convolutions import convolution_block
from retseg.models.upsampling import bilinear_transposed
from retseg.models.vgg import block_options, vgg16_stages, vgg16_widths

Stride = Literal[8, 16, 32]

_STRIDE = 32
_FC6_SIDE = 7


class FCNOptions(Section):
    """What can be chosen about a fully convolutional network."""

    width: int = Field(
        default=16, ge=1, le=128, description="Channels at full resolution, eight times as many at the end; paper: 64"
    )
    classifier_width: int = Field(default=256, ge=1, le=8192, description="Channels of fc6 and fc7; paper: 4096")
    batch_norm: bool = Field(default=True, description="Batch normalisation behind every convolution; paper: none")
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0, description="Share of values dropped after fc6 and fc7")


class Enlarge(nn.Module):
    """Scores (B, C, h, w) to (B, C, h * factor, w * factor), by a transposed convolution that begins as bilinear.

    The outermost scores are repeated around the map before and their share is cut off after, so that the borders of a
    patch do not fade towards 0.
    """

    def __init__(self, classes: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.convolution = bilinear_transposed(classes, classes, factor)

    def forward(self, scores: Tensor) -> Tensor:
        """The scores at `factor` times the resolution."""
        enlarged: Tensor = self.convolution(F.pad(scores, (1, 1, 1, 1), mode="replicate"))
        return enlarged[:, :, self.factor : -self.factor, self.factor : -self.factor]


class FCN(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 32.

    `stride` is the resolution of the finest scores: 32 scores the last stage only, 16 adds scores of the fourth stage
    and 8 those of the third.
    """

    def __init__(self, in_channels: int, classes: int, options: FCNOptions, stride: Stride) -> None:
        super().__init__()
        layers, widths = block_options(options.batch_norm), vgg16_widths(options.width)
        self.encoder = vgg16_stages(in_channels, options.width, batch_norm=options.batch_norm)
        self.pool = nn.MaxPool2d(2)
        self.classifier = nn.Sequential()
        self.classifier.add_module(
            "fc6", convolution_block(widths[-1], options.classifier_width, layers, kernel=_FC6_SIDE)
        )
        self.classifier.add_module("dropout6", nn.Dropout(options.dropout))
        self.classifier.add_module(
            "fc7", convolution_block(options.classifier_width, options.classifier_width, layers, kernel=1)
        )
        self.classifier.add_module("dropout7", nn.Dropout(options.dropout))
        # Scores begin at random: at 0, as in the paper, no gradient would pass them in the first step.
        self.score = nn.Conv2d(options.classifier_width, classes, kernel_size=1)
        finer = {32: [], 16: [widths[3]], 8: [widths[3], widths[2]]}[stride]
        self.finer_scores = nn.ModuleList(nn.Conv2d(width, classes, kernel_size=1) for width in finer)
        self.to_finer = nn.ModuleList(Enlarge(classes, 2) for _ in finer)
        self.to_image = Enlarge(classes, stride)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        features, pooled = image, []
        for stage in self.encoder:
            features = self.pool(stage(features))
            pooled.append(features)
        scores = self.score(self.classifier(features))
        # The fourth stage's features first, then the third's.
        for enlarge, score, finer in zip(self.to_finer, self.finer_scores, pooled[-2::-1], strict=False):
            scores = enlarge(scores) + score(finer)
        logits: Tensor = self.to_image(scores)
        return logits


def _stride(options: FCNOptions) -> int:
    return _STRIDE


def _fcn(stride: Stride, about: str, card: str) -> Architecture:
    def build(in_channels: int, classes: int, options: FCNOptions) -> nn.Module:
        return FCN(in_channels, classes, options, stride)

    return Architecture(
        name=f"fcn{stride}s",
        options=FCNOptions,
        build=build,
        stride=_stride,
        fully_convolutional=True,
        about=about,
        card=f"{card} The encoder is a VGG16 of a quarter of the paper's width with batch normalisation, which trains "
        "from nothing on two cores; width=64, classifier_width=4096 and batch_norm=false give the paper's net. Where "
        "the paper pads the photograph by 100 pixels and crops the result, every layer here keeps its size.",
        encoder=("encoder.",),
        citation="Long, Shelhamer and Darrell, 'Fully Convolutional Networks for Semantic Segmentation', CVPR 2015; "
        "encoder by Simonyan and Zisserman, 'Very Deep Convolutional Networks for Large-Scale Image Recognition', "
        "ICLR 2015",
    )


FCN32S = _fcn(
    32,
    about="A VGG-style classification net made dense: scores at a 32nd of the resolution, enlarged by one learnt step.",
    card="A net for classifying photographs, whose last layers became convolutions: it scores every field of 32x32 "
    "pixels and a transposed convolution, bilinear at first, brings the scores to full size. It finds where things are "
    "and loses their outlines: good for the disc or large lesions, hopeless for vessels a few pixels wide. Take it as "
    "the first step of the three.",
)
FCN16S = _fcn(
    16,
    about="FCN-32s whose scores are doubled and added to scores of the fourth stage, then enlarged by 16.",
    card="The scores of FCN-32s, doubled by learnt up-sampling, are added element by element to scores of the stage "
    "before, which is twice as fine. Outlines sharpen, but a field of 16x16 pixels is still wider than any vessel. "
    "Take it to see what one connection across brings.",
)
FCN8S = _fcn(
    8,
    about="FCN-16s with scores of the third stage added as well, then enlarged by 8: the finest of the three.",
    card="Class scores of three stages, at a 32nd, a 16th and an 8th of the resolution, are doubled by learnt "
    "up-sampling and added element by element. It is the strongest of the three and the ancestor of the U-Net. It "
    "draws the larger vessels as soft bands; those thinner than a few pixels fall between its fields of 8x8, since "
    "nothing finer reaches the end.",
)
