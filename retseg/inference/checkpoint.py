"""Weights files: safetensors with the card as JSON in the metadata. Loading one never executes code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from retseg.core.errors import CheckpointError, ConfigError, InputError, listed
from retseg.core.paths import write_atomically
from retseg.core.types import Classes
from retseg.inference.card import CARD_FORMAT, Card, refuse_other_classes
from retseg.inference.method_predictor import METHOD_FILE, read_method_card
from retseg.models.build import build
from retseg.models.config import ModelConfig

CARD_KEY = "retseg"
"""Name of the metadata entry that holds the card."""

_SHOWN = 3  # as many names as still fit on the one line of an error
_RETRAIN = "Take a weights file that `retseg train` wrote (best.safetensors)"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A net ready for inference, and its card."""

    net: nn.Module
    card: Card


def save_weights(path: Path, net: nn.Module, card: Card) -> None:
    """Writes the net's parameters and buffers with their card, atomically."""
    write_atomically(path, weights_bytes(net, card))


def weights_bytes(net: nn.Module, card: Card) -> bytes:
    """The content of the file that `save_weights` writes."""
    # Clones, because safetensors refuses tensors that share memory (tied weights).
    tensors = {name: tensor.detach().to("cpu").clone().contiguous() for name, tensor in net.state_dict().items()}
    text = json.dumps(card.to_json(), sort_keys=True, allow_nan=False)
    return save(tensors, metadata={CARD_KEY: text})


def read_card(path: Path) -> Card:
    """The card of a weights file, without loading the weights."""
    _refuse_what_is_no_file(path)
    if path.name == METHOD_FILE:
        return read_method_card(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None
    return _parse_card(path, metadata)


def load_weights(path: Path, device: torch.device, expect: Classes | None = None) -> LoadedModel:
    """The net of a weights file on `device`, in evaluation mode.

    Args:
        path: A file that `save_weights` wrote.
        device: Where the net shall live.
        expect: The class table of the data it shall be used on; a file with other classes is refused.
    """
    if path.name == METHOD_FILE:
        raise CheckpointError("this is a tuned method, which has no weights", where=path, fix=_RETRAIN)
    card = read_card(path)
    if expect is not None:
        refuse_other_classes(path, card.classes, expect)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None
    net = _rebuild(path, card)
    _refuse_other_tensors(path, card, net.state_dict(), tensors)
    net.load_state_dict(tensors)
    net.requires_grad_(False)
    return LoadedModel(net.to(device).eval(), card)


def _refuse_what_is_no_file(path: Path) -> None:
    if not path.is_file():
        what = "a folder, not a weights file" if path.is_dir() else "weights file not found"
        raise InputError(what, where=path, fix="Check the path, or train first with `retseg train`")


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    # Asked only after safetensors gave up: its own files may begin with these bytes by chance.
    head = b"" if isinstance(error, OSError) else _first_bytes(path)
    if head == b"PK" or head[:1] == b"\x80":
        what = "this is a pickled checkpoint, which can run code when it is loaded, so it is refused"
        return CheckpointError(what, where=path, fix=_RETRAIN)
    return CheckpointError(f"corrupted or not a safetensors file ({error})", where=path, fix=_RETRAIN)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)


def _parse_card(path: Path, metadata: Mapping[str, str]) -> Card:
    if CARD_KEY not in metadata:
        what = "these weights were not written by retseg: they carry no card"
        raise CheckpointError(what, where=path, fix=_RETRAIN)
    try:
        data = json.loads(metadata[CARD_KEY])
        version = data["format"]
        if version == CARD_FORMAT:
            return Card.from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        reason = error.what if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
        raise CheckpointError(f"the weights' card cannot be read ({reason})", where=path, fix=_RETRAIN) from None
    raise CheckpointError(
        f"the weights' card has format version {version!r}; this retseg reads version {CARD_FORMAT}",
        where=path,
        fix="Install the retseg that wrote it, or train again",
    )


def _rebuild(path: Path, card: Card) -> nn.Module:
    config = ModelConfig(arch=card.arch, options=dict(card.options), heads=card.heads)
    try:
        return build(config, card.in_channels, card.classes.count)
    except ConfigError as error:
        raise CheckpointError(
            f"the net '{card.arch}' cannot be rebuilt ({error.what})", where=path, fix=error.fix
        ) from None


def _refuse_other_tensors(path: Path, card: Card, net: Mapping[str, Tensor], file: Mapping[str, Tensor]) -> None:
    shapes = [
        f"{name} is {tuple(file[name].shape)} instead of {tuple(net[name].shape)}"
        for name in net
        if name in file and file[name].shape != net[name].shape
    ]
    troubles = {
        "missing": [name for name in net if name not in file],
        "unknown": [name for name in file if name not in net],
        "of another shape": shapes,
        "not finite": [name for name, tensor in file.items() if not bool(torch.isfinite(tensor).all())],
    }
    found = [f"{len(names)} {kind} ({listed(names, _SHOWN)})" for kind, names in troubles.items() if names]
    if found:
        what = f"the weights do not fit the net '{card.arch}': {'; '.join(found)}"
        raise CheckpointError(what, where=path, fix=_RETRAIN)
