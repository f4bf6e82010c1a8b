"""From the configuration to a net."""

from __future__ import annotations

from torch import nn

from retseg.core.config import Section, validate
from retseg.core.errors import ConfigError
from retseg.models.architecture import Architecture
from retseg.models.config import ModelConfig
from retseg.models.heads import channels_of, heads_of
from retseg.models.registry import MODELS


def resolve(config: ModelConfig) -> tuple[Architecture, Section]:
    """The architecture that `config` names and its checked options, with every default filled in."""
    architecture = MODELS.get(config.arch)
    return architecture, validate(architecture.options, config.options, where=f"model.options of {config.arch}")


def input_multiple(config: ModelConfig) -> int:
    """The number of pixels that the height and the width of the net's input must be multiples of."""
    architecture, options = resolve(config)
    return architecture.stride(options)


def build(config: ModelConfig, in_channels: int, classes: int) -> nn.Module:
    """A freshly initialised net for images with `in_channels` channels and `classes` classes; see Architecture.

    The channels of its heads, if it has any, come behind those of the classes; `heads.split` takes them apart.

    Initial weights come from torch's global random generator, so `torch.manual_seed` before it makes them repeatable.
    """
    architecture, options = resolve(config)
    for what, number in (("input channels", in_channels), ("classes", classes)):
        if number < 1:
            raise ConfigError(f"a net needs at least one of its {what}, not {number}", where=config.arch)
    return architecture.build(in_channels, classes + channels_of(heads_of(config)), options)
