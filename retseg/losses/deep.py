"""Deep supervision: a loss on several predictions of one net, for nets that give more than one while they train."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from retseg.losses.loss import LossFunction


def deeply_supervised(loss: LossFunction, predictions: Sequence[Tensor], target: Tensor, share: float) -> Tensor:
    """The weighted mean of `loss` over the predictions, with weights 1, share, share**2 and so on.

    Args:
        loss: Logits (B, C, H, W) and labels (B, H, W) to a scalar.
        predictions: Logits (B, C, h, w), the best first. Those of another size are brought to the target's bilinearly.
        target: Labels (B, H, W) int64.
        share: 0 to 1; 0 uses the first prediction only, 1 all alike.

    Returns:
        A scalar in float32.
    """
    weights = [share**rank for rank in range(len(predictions))]
    losses = [
        weight * loss(_resized(logits, target), target)
        for weight, logits in zip(weights, predictions, strict=True)
        if weight
    ]
    return torch.stack(losses).sum() / sum(weights)


def _resized(logits: Tensor, target: Tensor) -> Tensor:
    if logits.shape[2:] == target.shape[1:]:
        return logits
    return F.interpolate(logits.float(), tuple(target.shape[1:]), mode="bilinear", align_corners=False)
