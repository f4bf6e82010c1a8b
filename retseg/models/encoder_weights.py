"""Weights for a net's encoder: the published ImageNet ones, a local file of them, or those of an earlier run."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from retseg.core.errors import CheckpointError, ConfigError, InputError, listed
from retseg.core.manifest import file_digest
from retseg.core.paths import RUNS, WEIGHTS
from retseg.models.architecture import Architecture, PublishedEncoder
from retseg.models.published_weights import fetch
from retseg.models.registry import MODELS
from retseg.models.transfer import SHOWN, Transfer, is_counter, shape_of, transfer

IMAGENET = "imagenet"
"""The source that stands for the published weights."""

_PICKLED, _SAFE = (".pth", ".pt"), ".safetensors"


def load_encoder(net: nn.Module, architecture: Architecture, source: str, cache: Path | None = None) -> Transfer:
    """Gives the encoder of `net` the weights that `source` names, all of them or none; the rest stays as it is.

    Args:
        net: A net that `architecture` built, changed in place.
        architecture: Says which tensors are the encoder's and where weights for it are published.
        source: "imagenet" for the published weights, else a path: a file of them or of a run, or a run's folder.
        cache: Folder that published files are kept in; None takes the one that torch keeps its own in.
    """
    if not architecture.encoder:
        raise ConfigError(
            f"the net '{architecture.name}' has no encoder that could be given weights",
            fix=f"Choose one that has: {_names(encoder=True)}",
        )
    path = fetch(_published(architecture), cache) if source == IMAGENET else weights_file(source)
    tensors = _read(path)
    places = _places(net, architecture, tensors, path)
    _refuse_other_channels(net, tensors, places, path)
    _refuse_what_does_not_fit(net, architecture, tensors, places, path)
    taken = transfer(net, {place: tensors[name] for name, place in places.items() if name in tensors})
    unused = tuple(name for name in tensors if name not in places)
    return replace(taken, unused=unused, reasons=dict.fromkeys(taken.fresh, "not of the encoder"))


def source_digest(source: str, architecture: Architecture) -> str:
    """What tells the weights that `source` names from all others: the SHA-256, or its beginning as published."""
    if source == IMAGENET:
        return _published(architecture).digest
    return file_digest(weights_file(source))


def weights_file(source: str) -> Path:
    """The file that a source other than "imagenet" means: itself, or the weights of a run given by folder or name."""
    given = Path(source)
    if given.is_file():
        return given
    homes = (given, given / "train", RUNS / given / "train")
    for weights in (home / WEIGHTS for home in homes):
        if weights.is_file():
            return weights
    what = "this folder holds no weights of a net" if given.is_dir() else "no such file or run of encoder weights"
    raise InputError(
        what, where=source, fix=f"Give '{IMAGENET}', a .pth or .safetensors file, or the folder of a finished run"
    )


def _names(*, encoder: bool = False, published: bool = False) -> str:
    """The names of the architectures that have an encoder, or published weights for it."""
    known = [MODELS.get(name) for name in MODELS.names()]
    able = [one.name for one in known if (encoder and one.encoder) or (published and one.published)]
    return ", ".join(able)


def _published(architecture: Architecture) -> PublishedEncoder:
    if architecture.published is None:
        raise ConfigError(
            f"no ImageNet weights are published for the net '{architecture.name}'",
            fix=f"Choose one that has them ({_names(published=True)}), or give --encoder-weights a run of the same net",
        )
    return architecture.published


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == _SAFE:
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"corrupted or not a safetensors file ({error})", where=path, fix="Fetch or copy the file again"
            ) from None
    if path.suffix not in _PICKLED:
        known = (*_PICKLED, _SAFE)
        raise InputError(
            f"encoder weights are read from {', '.join(known)} files", where=path, fix="Save them as one of these"
        )
    content = _unpickled(path)
    if not isinstance(content, Mapping) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise CheckpointError(
            "this file is no table of named tensors",
            where=path,
            fix="Save the `state_dict()` of the net by itself, with torch.save or as safetensors",
        )
    return {str(name): tensor for name, tensor in content.items()}


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a corrupted file can raise anything while it is unpickled
        if isinstance(error, pickle.UnpicklingError) and "global" in str(error).lower():
            raise CheckpointError(
                "this file holds more than tensors and could run code when it is loaded, so it is refused",
                where=path,
                fix="Save the `state_dict()` of the net by itself, with torch.save or as safetensors",
            ) from None
        raise CheckpointError(
            "corrupted or not a weights file", where=path, fix="Fetch or copy the file again"
        ) from None


def _places(net: nn.Module, architecture: Architecture, tensors: Mapping[str, Tensor], path: Path) -> dict[str, str]:
    """For every encoder tensor of the net and every one of the file: its name in the file, and that in the net.

    A run's file names them as the net does; a published file without the encoder's prefix.
    """
    prefixes = architecture.encoder
    own = [name for name in net.state_dict() if name.startswith(prefixes)]
    if any(name.startswith(prefixes) for name in tensors):
        return {name: name for name in (*own, *tensors) if name.startswith(prefixes)}
    if architecture.published is None:
        raise CheckpointError(
            f"these weights hold nothing of the encoder of '{architecture.name}' ({listed(prefixes, SHOWN)}), "
            f"but {listed(tensors, SHOWN) or 'nothing at all'}",
            where=path,
            fix="Give the run or the weights file of a net of the same architecture",
        )
    prefix, dropped = prefixes[0], architecture.published.dropped
    expected = {name.removeprefix(prefix): name for name in own}
    return expected | {name: prefix + name for name in tensors if not name.startswith(dropped)}


def _refuse_other_channels(
    net: nn.Module, tensors: Mapping[str, Tensor], places: Mapping[str, str], path: Path
) -> None:
    """The first convolution's weight is (width, channels, k, k): all but the channels must agree to blame these."""
    own = net.state_dict()
    first = next((name for name, place in places.items() if place in own and own[place].ndim == 4), None)
    if first is None or first not in tensors or tensors[first].ndim != 4:
        return
    mine, theirs = own[places[first]].shape, tensors[first].shape
    if mine[1] != theirs[1] and mine[0] == theirs[0] and mine[2:] == theirs[2:]:
        raise CheckpointError(
            f"these encoder weights are for images of {theirs[1]} channels, and the net takes {mine[1]}",
            where=f"{first} in {path}",
            fix=f"Give the net images of {theirs[1]} channels, or train without --encoder-weights",
        )


def _refuse_what_does_not_fit(
    net: nn.Module, architecture: Architecture, tensors: Mapping[str, Tensor], places: Mapping[str, str], path: Path
) -> None:
    own = net.state_dict()
    both = [(name, own[place]) for name, place in places.items() if name in tensors and place in own]
    troubles = {
        "missing": [name for name in places if name not in tensors and not is_counter(name)],
        "unexpected": [name for name, place in places.items() if place not in own],
        "of another shape": [
            f"{name} is {shape_of(tensors[name])} instead of {shape_of(tensor)}"
            for name, tensor in both
            if tensors[name].shape != tensor.shape
        ],
        "not finite": [name for name, _ in both if not bool(torch.isfinite(tensors[name]).all())],
    }
    found = [f"{len(names)} {kind} ({listed(names, SHOWN)})" for kind, names in troubles.items() if names]
    if found:
        published = f"the file {architecture.published.url}, or " if architecture.published else ""
        raise CheckpointError(
            f"the weights do not fit the encoder of '{architecture.name}': {'; '.join(found)}",
            where=path,
            fix=f"Give {published}a run of the same architecture with the same options",
        )
