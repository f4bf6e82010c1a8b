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


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device itself computes in bfloat16, so that this is faster than float32 and not merely possible.

    Of the processors these are the x86 ones with AVX512-BF16 or AMX: about two and a half times as fast in bfloat16,
    where others emulate it and are slower. Where nobody can tell (ARM, macOS), the answer is no.
    """
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    # torch 2.13 tells all capabilities in public; before that each had a question of its own.
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        found = capabilities()
        return bool(found.get("avx512_bf16", False) or found.get("amx_bf16", False))
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, question, lambda: False)() for question in questions)


def device_name(device: torch.device) -> str:
    """A device's name for manifests and reports: "cuda (NVIDIA H200)", "cpu (x86_64, 2 threads)"."""
    import torch

    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({platform.machine()}, {threads} {'thread' if threads == 1 else 'threads'})"
    return device.type
