"""last.ckpt: all that a training needs to go on. Tensors in safetensors, the rest in JSON; loading never runs code."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from retseg.core.errors import CheckpointError, ConfigError
from retseg.core.paths import write_atomically

CHECKPOINT = "last.ckpt"
_KEY = "retseg-training"
_FORMAT = 1
_FIX = "Train anew with --force"
_SHOWN = 5  # differing keys named in an error


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The state of a training after an epoch.

    `configuration` is all that the result depends on; `progress` is JSON-ready; `tensors` are on the host.
    """

    configuration: Mapping[str, Any]
    progress: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The file's content."""
        tensors = {name: tensor.detach().to("cpu").clone().contiguous() for name, tensor in self.tensors.items()}
        text = {
            "format": _FORMAT,
            "configuration": self.configuration,
            "progress": self.progress,
            "checksum": _checksum(tensors),
        }
        return save(tensors, metadata={_KEY: json.dumps(text, sort_keys=True)})


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads last.ckpt; CheckpointError unless it is whole and of this program."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if _KEY not in metadata:
                raise CheckpointError("this is not a training checkpoint of retseg", where=path, fix=_FIX)
            data = json.loads(metadata[_KEY])
            if data["format"] != _FORMAT:
                what = f"the checkpoint has format version {data['format']!r}; this retseg reads version {_FORMAT}"
                raise CheckpointError(what, where=path, fix=_FIX)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            checkpoint = Checkpoint(data["configuration"], data["progress"], tensors)
            checksum = data["checksum"]
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"the checkpoint is corrupted or foreign ({reason})", where=path, fix=_FIX) from None
    if checksum != _checksum(tensors):
        raise CheckpointError("the checkpoint is corrupted: its checksum is wrong", where=path, fix=_FIX)
    return checkpoint


def require_same_configuration(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """ConfigError, naming the keys that differ, unless a checkpoint was made with the wanted configuration."""
    old, new = _flat(found), _flat(json.loads(json.dumps(wanted)))
    differing = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    if not differing:
        return
    named = [f"{key} (was {old.get(key)!r}, is {new.get(key)!r})" for key in differing[:_SHOWN]]
    rest = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    raise ConfigError(
        f"the interrupted training had another configuration: {', '.join(named)}{rest}",
        where=path,
        fix="Give the same configuration to go on, or train anew with --force",
    )


class CheckpointWriter:
    """Writes last.ckpt now and then, and keeps the newest state at hand for when the training is interrupted.

    Args:
        path: Where it is written.
        seconds: Least time between two writes.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path = path
        self.seconds = seconds
        self._written = time.monotonic()
        self._waiting: bytes | None = None

    def offer(self, checkpoint: Checkpoint, *, now: bool = False) -> bool:
        """Takes the newest state; writes it if it is time, or `now`. True if it was written."""
        self._waiting = checkpoint.encode()
        if now or time.monotonic() - self._written >= self.seconds:
            self.flush()
            return True
        return False

    def flush(self) -> None:
        """Writes the newest state unless it is written already."""
        if self._waiting is None:
            return
        write_atomically(self.path, self._waiting)
        self._waiting, self._written = None, time.monotonic()


def _checksum(tensors: Mapping[str, Tensor]) -> int:
    total = 0
    for name in sorted(tensors):
        total = zlib.crc32(name.encode(), total)
        total = zlib.crc32(tensors[name].flatten().view(torch.uint8).numpy().data, total)
    return total


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return flat
