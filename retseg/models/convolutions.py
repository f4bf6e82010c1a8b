"""What nets are put together from, by name: activations, normalisations, initial weights, and a block of the three."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from retseg.core.config import Section

Activation = Literal["relu", "leaky-relu", "prelu", "elu", "selu", "gelu", "silu", "tanh"]
Normalisation = Literal["batch", "instance", "group", "none"]
Initialisation = Literal["default", "kaiming", "xavier", "orthogonal", "normal"]

_PRELU_SLOPE = 0.25
_LEAKY_SLOPE = 0.01
_NORMAL_DEVIATION = 0.01


class PlainNetOptions(Section):
    """What can be chosen about the layers of every small net."""

    activation: Activation = "relu"
    initialisation: Initialisation = Field(
        default="kaiming",
        description="Initial weights of the convolutions: torch's own (default), or drawn so that the values keep "
        "their size from layer to layer (kaiming, xavier, orthogonal), or with a deviation of 0.01 (normal)",
    )


class SmallNetOptions(PlainNetOptions):
    """What can be chosen about the layers of a small net with normalisation."""

    normalisation: Normalisation = "batch"
    groups: int = Field(default=8, ge=1, description="Groups of channels of the normalisation 'group'")


def check_groups(normalisation: Normalisation, groups: int, widths: Iterable[int]) -> None:
    """Raises ValueError, naming the possible numbers of groups, unless they divide the channels of every layer."""
    if normalisation != "group":
        return
    for width in widths:
        if width % groups:
            allowed = ", ".join(str(n) for n in range(1, width + 1) if width % n == 0)
            raise ValueError(
                f"group normalisation with width {width} needs groups to be one of {allowed}, not {groups}"
            )


def activation(name: Activation) -> nn.Module:
    """The layer called `name`; it may work in place, so nothing else may need the values that it is given."""
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "leaky-relu":
            return nn.LeakyReLU(_LEAKY_SLOPE, inplace=True)
        case "prelu":
            return nn.PReLU(init=_PRELU_SLOPE)
        case "elu":
            return nn.ELU(inplace=True)
        case "selu":
            return nn.SELU(inplace=True)
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU(inplace=True)
        case "tanh":
            return nn.Tanh()


def normalisation(name: Normalisation, channels: int, groups: int = 8) -> nn.Module | None:
    """The layer called `name` for that many channels, or None for "none"; `groups` matters to "group" only."""
    match name:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "instance":
            return nn.InstanceNorm2d(channels, affine=True)
        case "group":
            return nn.GroupNorm(groups, channels)
        case "none":
            return None


def least_pixels(name: Normalisation) -> int:
    """How many pixels on a side the coarsest features need, so that a map of one channel has a mean and a spread."""
    # Torch refuses a group of one channel on one pixel as it refuses an instance.
    return 2 if name in ("instance", "group") else 1


def initialise(module: nn.Module, how: Initialisation, before: Activation = "relu") -> None:
    """Draws the weights of all convolutions in `module` anew and sets their biases to 0; "default" leaves all as is.

    `before` is the activation behind them: the larger the share of a value that it takes away, the larger the weights.
    """
    if how == "default":
        return
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            _draw(layer.weight, how, before)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _draw(weight: Tensor, how: Initialisation, before: Activation) -> None:
    size = gain(before)
    match how:
        case "kaiming":
            # The gain by hand: torch's own function knows few activations.
            nn.init.normal_(weight, std=size / weight[0].numel() ** 0.5)
        case "xavier":
            nn.init.xavier_uniform_(weight, size)
        case "orthogonal":
            nn.init.orthogonal_(weight, size)
        case "normal":
            nn.init.normal_(weight, std=_NORMAL_DEVIATION)


def gain(name: Activation) -> float:
    """How much larger weights must be for values to keep their size in spite of the activation behind them."""
    match name:
        case "leaky-relu":
            return nn.init.calculate_gain("leaky_relu", _LEAKY_SLOPE)
        case "prelu":
            return nn.init.calculate_gain("leaky_relu", _PRELU_SLOPE)
        case "tanh":
            return nn.init.calculate_gain("tanh")
        case "selu":
            return 1.0  # Klambauer et al. 2017: its values keep their size by themselves.
        case _:
            return nn.init.calculate_gain("relu")


def convolution_block(
    in_channels: int,
    out_channels: int,
    options: SmallNetOptions,
    *,
    kernel: int = 3,
    dilation: int = 1,
) -> nn.Sequential:
    """Convolution that keeps the size (`kernel` odd), normalisation and activation, with initial weights as chosen."""
    block = nn.Sequential()
    # A bias in front of a normalisation is subtracted again, so it would never learn anything.
    block.add_module(
        "convolution",
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=options.normalisation == "none",
        ),
    )
    initialise(block, options.initialisation, options.activation)
    if layer := normalisation(options.normalisation, out_channels, options.groups):
        block.add_module("normalisation", layer)
    block.add_module("activation", activation(options.activation))
    return block
