"""The net that a user means by a name: an architecture's, a run's, a shipped model's, or one of the user's own code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from retseg.core.config import Section, validate
from retseg.core.errors import ConfigError, RetsegError, nearest
from retseg.core.paths import RUNS
from retseg.imaging.config import InputConfig
from retseg.inference.checkpoint import load_weights
from retseg.inference.shipped_models import shipped_models
from retseg.models.architecture import Architecture, check_input_size
from retseg.models.own_net import import_net
from retseg.models.registry import MODELS
from retseg.stages.locate import find_run, run_names
from retseg.stages.run_model import weights_of
from retseg.stages.settings import Settings, load_settings

CHANNELS, CLASSES = 3, 3
"""Of a net that nothing else is known about: a colour photograph, and background, vessel and retina."""

WEIGHTS_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class NamedNet:
    """A net and what is known about it.

    Attributes:
        name: As the user gave it.
        net: The net, on the CPU.
        in_channels: Channels of its input.
        weights: In words: which weights it has.
        architecture: Of which it is one; None for somebody's own module.
        options: The architecture's options that it is built with.
        input: How photographs are brought to it.
    """

    name: str
    net: nn.Module
    in_channels: int
    weights: str
    architecture: Architecture | None = None
    options: Section | None = None
    input: InputConfig = field(default_factory=InputConfig)

    @property
    def multiple(self) -> int:
        """What its input's sides must be multiples of; 1 where nobody said."""
        return 1 if self.architecture is None else self.architecture.stride(self.options)

    @property
    def takes_any_size(self) -> bool:
        """Whether it is known to take every such size, not only one."""
        return self.architecture is not None and self.architecture.fully_convolutional

    def check_size(self, height: int, width: int) -> None:
        """Raises InputError unless the net is known to take, or might take, height x width pixels."""
        if self.architecture is not None and self.options is not None:
            check_input_size(self.architecture, self.options, height, width)


def find_net(
    name: str, *, channels: int | None = None, classes: int | None = None, assignments: Iterable[str] = ()
) -> NamedNet:
    """The net called `name`: an architecture, `module:attribute`, a run (folder, name or weights file), or one shipped.

    `channels` and `classes` are for nets that are built here; a run's net has its own, and another number is refused.
    `assignments` (`model.options.X=Y`) are for architectures.
    """
    given = list(assignments)
    if name in MODELS:
        settings = load_settings(None, given, {"model.arch": name})
        return _built(name, MODELS.get(name), settings, channels, classes)
    settings = load_settings(None, given)
    if _is_run(name):
        _refuse_options(name, settings, "are stored with its weights")
        return _trained(name, channels, classes)
    if ":" not in name:
        raise ConfigError(f"unknown architecture '{name}'", fix=_suggestion(name))
    torch.manual_seed(settings.seed)
    found = import_net(name)
    if isinstance(found, Architecture):
        return _built(name, found, settings, channels, classes)
    _refuse_options(name, settings, "are in its own code")
    return NamedNet(name, found, channels or CHANNELS, f"as {name} makes them")


def _built(
    name: str, architecture: Architecture, settings: Settings, channels: int | None, classes: int | None
) -> NamedNet:
    options = validate(architecture.options, settings.model.options, where=f"model.options of {name}")
    torch.manual_seed(settings.seed)
    try:
        net = architecture.build(channels or CHANNELS, classes or CLASSES, options)
    except RetsegError:
        raise
    except Exception as error:
        what = f"{architecture.name} cannot be built ({type(error).__name__}: {error})"
        raise ConfigError(what, where=name, fix="Choose other options, or another net") from error
    words = f"untrained (random, seed {settings.seed})"
    return NamedNet(name, net, channels or CHANNELS, words, architecture, options, settings.input)


def _is_run(name: str) -> bool:
    path = Path(name)
    return path.suffix == WEIGHTS_SUFFIX or path.is_dir() or (RUNS / name).is_dir() or name in shipped_models()


def weights_called(name: str) -> Path:
    """The weights file that a user means: itself, or that of a run or a shipped model."""
    path = Path(name)
    return path if path.suffix == WEIGHTS_SUFFIX else weights_of(find_run(path))


def _trained(name: str, channels: int | None, classes: int | None) -> NamedNet:
    file = weights_called(name)
    model = load_weights(file, torch.device("cpu"))
    card = model.card
    for what, asked, there in (
        ("input channels", channels, card.in_channels),
        ("classes", classes, card.classes.count),
    ):
        if asked is not None and asked != there:
            raise ConfigError(
                f"the trained net has {there} {what}, not {asked}", where=file, fix=f"Leave --{what.split()[-1]} out"
            )
    architecture = MODELS.get(card.arch)
    options = validate(architecture.options, card.options)
    words = f"trained on {card.dataset or 'an unnamed dataset'}, epoch {card.epoch} ({file})"
    # So that training's memory counts gradients again.
    net = model.net.requires_grad_(True)
    return NamedNet(name, net, card.in_channels, words, architecture, options, card.input)


def _refuse_options(name: str, settings: Settings, why: str) -> None:
    if settings.model.options:
        raise ConfigError(
            f"--set model.options is for architectures; the options of this net {why}", where=name, fix="Leave it out"
        )


def _suggestion(name: str) -> str:
    try:
        runs = run_names()
    except RetsegError:  # a broken manifest among the runs is not what was asked about
        runs = []
    return f"{nearest(name, [*MODELS.names(), *runs, *shipped_models()])}; a net of your own is named module:attribute"
