"""The effective receptive field: how much each pixel of an image moves the logits of the pixel in its middle.

Luo, Li, Urtasun and Zemel, 'Understanding the Effective Receptive Field in Deep Convolutional Neural Networks',
NeurIPS 2016: it is far smaller than the theoretical one, and trained nets use more of it than untrained ones.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from retseg.core.errors import InputError
from retseg.core.types import CLASS_MAP
from retseg.models.architecture import outputs

_MIRRORED: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))
"""Axes of (C, H, W) that each view turns round."""


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveField:
    """Which pixels move the logits of the pixel at `centre` (row, column), and by how much.

    `heat` (H, W) float64 is each pixel's share of the absolute gradient; it sums to 1, or is 0 everywhere where the
    logits do not depend on the image.
    """

    heat: NDArray[np.float64]
    centre: tuple[int, int]

    def side_holding(self, share: float) -> int | None:
        """Side in pixels of the smallest square around the centre with at least `share` (0..1) of the gradient."""
        if not self.heat.any():
            return None
        rows, columns = (np.abs(np.arange(n) - c) for n, c in zip(self.heat.shape, self.centre, strict=True))
        rings = np.bincount(np.maximum.outer(rows, columns).ravel(), weights=self.heat.ravel())
        # Sums of many shares may miss 1 by rounding.
        return 2 * int(np.searchsorted(np.cumsum(rings), share - 1e-9)) + 1


def effective_field(net: nn.Module, image: Tensor) -> EffectiveField:
    """The effective field of the middle pixel for one image (C, H, W), on the image's device and in evaluation.

    The gradient of each class's logit is taken by itself, and absolute values are summed over classes and input
    channels. It is the mean over four views, the image and its mirror images, of the same pixel, so that the chances of
    one pooling window decide less. The net is left untouched.
    """
    probe = copy.deepcopy(net).to(image.device).eval()
    heat = np.zeros(tuple(image.shape[1:]))
    for axes in _MIRRORED:
        gradient, centre = _gradient(probe, image.flip(axes), axes)
        heat += gradient.flip([axis - 1 for axis in axes]).double().cpu().numpy()
    total = heat.sum()
    return EffectiveField(heat / total if total > 0 else heat, centre)


def _gradient(probe: nn.Module, image: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, tuple[int, int]]:
    """Summed absolute gradients (H, W) of a view, and the pixel of the image itself in the middle of that asked for."""
    source = image[None].clone().requires_grad_()
    with torch.enable_grad():
        logits = _class_map(probe, source)
        asked = [size // 2 for size in logits.shape[2:]]
        row, column = (
            s - 1 - a if axis in axes else a for axis, s, a in zip((1, 2), logits.shape[2:], asked, strict=True)
        )
        total = torch.zeros_like(image[0])
        for logit in logits[0, :, row, column]:
            if logit.requires_grad:
                (gradient,) = torch.autograd.grad(logit, source, retain_graph=True, allow_unused=True)
                total += 0 if gradient is None else gradient[0].abs().sum(0)
    # Where the map is coarser than the image, the pixel in the middle of what one of its pixels covers.
    places = [(2 * a + 1) * n // (2 * s) for a, n, s in zip(asked, image.shape[1:], logits.shape[2:], strict=True)]
    return total, (places[0], places[1])


def _class_map(probe: nn.Module, source: Tensor) -> Tensor:
    result: Any = probe(source)
    named = outputs(result) if isinstance(result, Tensor | dict) else {}
    first = next((leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)), None)
    logits = named.get(CLASS_MAP, first)
    if logits is None or logits.ndim != 4:
        shape = "no tensor" if logits is None else " x ".join(map(str, logits.shape))
        raise InputError(
            f"an effective receptive field needs a net that returns a map for each class, this one returns {shape}",
            where=type(probe).__name__,
            fix="Leave out --image",
        )
    return logits
