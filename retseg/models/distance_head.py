"""The energy of the deep watershed: how deep inside its instance a pixel lies."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retseg.imaging.instances import depth
from retseg.models.heads import Head


def _loss(raw: Tensor, target: Tensor, counted: Tensor) -> Tensor:
    """Mean smooth L1 distance inside instances and outside of them, each with half the weight: most pixels lie outside.

    A batch without a counted pixel gives 0.
    """
    error = F.smooth_l1_loss(torch.sigmoid(raw.float()), target.float(), beta=0.1, reduction="none").mean(1)
    inside = (target > 0).any(1)
    parts = [(error * part).sum() / part.sum().clamp(min=1) for part in (inside & counted, ~inside & counted)]
    return torch.stack(parts).mean()


DISTANCE = Head(
    name="distance",
    channels=1,
    target=lambda ids: depth(ids)[None],
    activation=torch.sigmoid,
    loss=_loss,
    about="How deep inside its instance a pixel lies: 1 at the deepest pixel, falling to 0 at the border with whatever "
    "is beside it, also another instance. Instances that touch are valleys apart, so a watershed separates them.",
    citation="Bai and Urtasun, 'Deep Watershed Transform for Instance Segmentation', CVPR 2017",
)
