"""Whether a net may take a whole image in one pass: what that costs, and whether it changes what the net says."""

from __future__ import annotations

import copy

import torch
from torch import nn

from retseg.models.memory import LiveMemory

_LIMIT = {"cpu": 512 * 2**20}
_LIMIT_ELSEWHERE = 4 * 2**30
"""Most bytes of activations in a pass over a whole image."""

# What these say about a pixel depends on the whole window, so a net with them is used at the size it was made for.
_LOOK_EVERYWHERE = (
    nn.modules.instancenorm._InstanceNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.MultiheadAttention,
    nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd,
    nn.Linear,
)


class WholeImages:
    """Tells for one net which images it may take whole.

    Args:
        net: A fully convolutional net in evaluation mode.
        device: Where it runs.
        mixed: Whether its layers compute in bfloat16, which halves the memory.
    """

    def __init__(self, net: nn.Module, device: torch.device, *, mixed: bool) -> None:
        self._local = not any(isinstance(module, _LOOK_EVERYWHERE) for module in net.modules())
        # Tensors on "meta" have shapes and no values: a pass costs nothing, and its memory can be counted.
        self._net = _without_hooks(copy.deepcopy(net)).to("meta") if self._local else net
        self._limit = _LIMIT.get(device.type, _LIMIT_ELSEWHERE) * (2 if mixed else 1)
        self._known: dict[tuple[int, ...], bool] = {}

    def fit(self, channels: int, height: int, width: int) -> bool:
        """Whether a pass over (1, channels, height, width) takes little memory and says the same as windows do."""
        shape = (1, channels, height, width)
        if shape not in self._known:
            self._known[shape] = self._local and self._bytes(shape) <= self._limit
        return self._known[shape]

    def _bytes(self, shape: tuple[int, ...]) -> float:
        image = torch.empty(shape, device="meta")
        try:
            with torch.no_grad(), LiveMemory([image]) as memory:
                self._net(image)
        except Exception:
            # Some nets look at values, which nothing on "meta" has: then nobody knows.
            return float("inf")
        return float(memory.peak)


def _without_hooks(net: nn.Module) -> nn.Module:
    """The net itself; whoever listens to a net's passes shall not hear of those that only count memory."""
    for module in net.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    return net
