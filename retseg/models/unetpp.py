"""MONAI's U-Net++, with its own options under plain names."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.core.types import CLASS_MAP
from retseg.models.architecture import Architecture

_LEVELS = 5
_COARSER_CLASSIFIERS = ("final_conv_0_1", "final_conv_0_2", "final_conv_0_3")
"""MONAI's classifiers of the shallower nets within the net, the shallowest first."""


class UNetPlusPlusOptions(Section):
    """What can be chosen about MONAI's U-Net++."""

    channels: tuple[int, ...] = Field(
        default=(16, 16, 32, 64, 128), description="Channels of each of the five levels, finest first"
    )
    activation: Literal["relu", "leakyrelu", "prelu", "elu"] = "leakyrelu"
    normalisation: Literal["batch", "instance", "none"] = "batch"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="Share of values dropped after every convolution")
    deep_supervision: bool = Field(
        default=False, description="Whether the shallower nets within it give predictions of their own while trained"
    )

    @model_validator(mode="after")
    def _five_levels(self) -> Self:
        # Enlarging halves the channels.
        if len(self.channels) != _LEVELS or min(self.channels) < 2:
            raise ValueError(
                "channels needs five entries of 2 or more, for example [16, 16, 32, 64, 128], "
                f"not {list(self.channels)}"
            )
        return self


class UNetPlusPlus(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W); H and W multiples of 16.

    With deep supervision it returns, while trained, a dictionary of four such logits: of the whole net, then of the
    nets of three, two and one halvings within it as "classes.1" to "classes.3".
    """

    def __init__(self, net: nn.Module, *, deep_supervision: bool) -> None:
        super().__init__()
        self.net = net
        self.deep_supervision = deep_supervision
        if not deep_supervision:
            # MONAI makes them all the same, but then they would never learn anything.
            for name in _COARSER_CLASSIFIERS:
                setattr(self.net, name, nn.Identity())

    def forward(self, image: Tensor) -> Tensor | dict[str, Tensor]:
        """Logits of every class at every pixel."""
        # MONAI returns a list that ends with the deepest net's logits.
        best, *further = reversed(self.net(image))
        logits: Tensor = best
        if not (self.deep_supervision and self.training):
            return logits
        return {CLASS_MAP: logits, **{f"{CLASS_MAP}.{number}": one for number, one in enumerate(further, start=1)}}


def _build(in_channels: int, classes: int, options: UNetPlusPlusOptions) -> nn.Module:
    # MONAI takes seconds to import, so listing the architectures must not need it.
    from monai.networks.nets import BasicUNetPlusPlus

    net = BasicUNetPlusPlus(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=classes,
        features=(*options.channels, options.channels[0]),
        deep_supervision=options.deep_supervision,
        act=options.activation,
        norm=_norm(options),
        # A bias in front of a normalisation is subtracted again, so it would never learn anything.
        bias=options.normalisation == "none",
        dropout=options.dropout,
    )
    return UNetPlusPlus(net, deep_supervision=options.deep_supervision)


def _norm(options: UNetPlusPlusOptions) -> str | tuple[str, dict[str, bool]] | None:
    match options.normalisation:
        case "batch":
            return "batch"
        case "instance":
            return "instance", {"affine": True}
        case "none":
            return None


def _stride(options: UNetPlusPlusOptions) -> int:
    # Instance normalisation needs at least two pixels at the coarsest level.
    return int(2 ** (_LEVELS - 1)) * (2 if options.normalisation == "instance" else 1)


UNETPP = Architecture(
    name="unetpp",
    options=UNetPlusPlusOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="MONAI's U-Net++: U-Nets of one to four halvings nested in each other, densely connected.",
    card="Between the way down and the way up stand further convolutions, so that U-Nets of one, two, three and four "
    "halvings share one encoder and each hands its features to the next deeper one. With deep supervision each of "
    "them is trained to give the class map, and the deepest one is the answer. The dense connections at full "
    "resolution cost most of the time and memory: the paper starts with 32 channels, and with the 16 that are the "
    "default here it still takes twice the time of the default U-Net, which is what it has to beat.",
    encoder=tuple(f"net.conv_{level}_0." for level in range(_LEVELS)),
    citation="Zhou et al., 'UNet++: A Nested U-Net Architecture for Medical Image Segmentation', DLMIA 2018; MONAI "
    "Consortium, 'MONAI: Medical Open Network for AI'",
)
