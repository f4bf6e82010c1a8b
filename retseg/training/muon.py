"""Muon: steps along all directions of a layer's weights alike, where Adam follows the few that dominate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95
_LEAST = 8
"""Channels in and out from which a layer's weights count as a matrix: the first and the last layer are Adam's."""

_QUINTIC = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
"""Coefficients and rounds of the Newton-Schulz iteration by Jordan et al.: singular values end between 0.7 and 1.2."""

_ADAM_LIKE = 0.2
"""Root mean square of a step of AdamW, by Liu et al.: with it the learning rate and decay of AdamW serve here too."""


class Muon(torch.optim.AdamW):
    """Muon for the weights of convolutions and linear layers, AdamW for all else.

    The momentum of a layer's gradient, written as a matrix (out, in x kernel), is replaced by the nearest matrix whose
    singular values are all alike.

    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the size of a step after Liu et al.,
    "Muon is scalable for LLM training", 2025.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step; a closure is not supported."""
        assert closure is None
        matrices = [(group, p) for group in self.param_groups for p in group["params"] if is_matrix(p)]
        gradients = [p.grad for _, p in matrices]
        for group, parameter in matrices:
            self._matrix_step(group, parameter)
            parameter.grad = None  # which AdamW passes over
        super().step()
        for (_, parameter), gradient in zip(matrices, gradients, strict=True):
            parameter.grad = gradient

    def _matrix_step(self, group: dict[str, Any], parameter: nn.Parameter) -> None:
        gradient = parameter.grad
        if gradient is None:
            return
        state = self.state[parameter]
        if not state:
            # By AdamW's own names, whose state it is when a checkpoint is read.
            state.update(step=torch.zeros(()), exp_avg=torch.zeros_like(parameter))
        momentum = state["exp_avg"].lerp_(gradient, 1 - _MOMENTUM)
        ahead = gradient.lerp(momentum, _MOMENTUM).reshape(len(parameter), -1)
        change = orthogonalised(ahead) * (_ADAM_LIKE * max(ahead.shape) ** 0.5)
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(change.reshape(parameter.shape), alpha=-group["lr"])


def is_matrix(parameter: nn.Parameter) -> bool:
    """Whether a parameter is what Muon is for: weights between many channels and many."""
    return parameter.ndim > 1 and min(parameter.shape[:2]) >= _LEAST


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix (n, m) with the same singular vectors, whose singular values are all near 1."""
    first, second, third = _QUINTIC
    turned = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    found: Tensor = turned / (turned.norm() + 1e-7)
    for _ in range(_ROUNDS):
        square = found @ found.T
        found = first * found + (second * square + third * square @ square) @ found
    return found.T if turned is not matrix else found
