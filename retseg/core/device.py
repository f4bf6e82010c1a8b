"""Which device to compute on, and what it is called in words."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from retseg.core.errors import ConfigError

if TYPE_CHECKING:
    import torch


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name` ("auto", "cpu", "cuda", "cuda:1", "mps"); "auto" takes the fastest one there is."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"unknown device '{name}'", fix="Use auto, cpu, cuda, cuda:0 or mps") from None
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        raise ConfigError(f"the device '{name}' is not on this machine", fix="Use --device auto, or --device cpu")
    return device


def device_name(device: torch.device) -> str:
    """A device's name for manifests and reports: "cuda (NVIDIA H200)", "cpu (x86_64, 2 threads)"."""
    import torch

    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({platform.machine()}, {threads} {'thread' if threads == 1 else 'threads'})"
    return device.type
