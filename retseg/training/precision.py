"""How a net computes while it is trained: in full or mixed precision."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from retseg.core.device import computes_bfloat16
from retseg.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Precision:
    """Mixed precision on or off, on one device. bfloat16 has the range of float32, so gradients need no scaling."""

    device: torch.device
    mixed: bool

    @classmethod
    def choose(cls, config: TrainConfig, device: torch.device) -> Precision:
        """As configured, but never mixed where the device would only imitate bfloat16, which is slow.

        "auto" leaves CPUs alone: for some layers (dilated convolutions) torch's CPU code has given gradients that are
        not numbers.
        """
        wanted = config.mixed_precision == "bf16" or (config.mixed_precision == "auto" and device.type == "cuda")
        return cls(device, wanted and computes_bfloat16(device))

    @property
    def name(self) -> str:
        """In short: "bf16" or "fp32"."""
        return "bf16" if self.mixed else "fp32"

    def autocast(self) -> AbstractContextManager[None]:
        """Context for the net's forward pass; losses are computed outside it, in float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed)
