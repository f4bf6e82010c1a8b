"""A loss that looks at distances: a mistake costs more the further it lies from the true boundary."""

from __future__ import annotations

import numpy as np
import torch
from monai.losses import DiceLoss
from pydantic import Field
from scipy.ndimage import distance_transform_edt
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.core.types import BoolArray, Classes, Float32Array
from retseg.losses.loss import Loss, LossFunction
from retseg.losses.overlap import OverlapLoss, SumLoss


def distance_to_boundary(truth: BoolArray) -> Float32Array:
    """How far each pixel lies from the boundary of each class, on either side of it.

    The boundary runs between pixels: half a pixel from the pixels on both its sides. In an image that does not show
    the class, or shows nothing else, it has none, and the distance is 0.

    Args:
        truth: (C, H, W), one class or none at every pixel.

    Returns:
        (C, H, W) in pixels; 0 where a pixel has no class, which also bounds no class.
    """
    distance = np.full(truth.shape, np.inf, np.float32)
    for label in np.flatnonzero(truth.any(axis=(1, 2))):
        distance[label] = distance_transform_edt(~truth[label])
    # A pixel is at distance 0 from its own class only, so the smallest of the rest leads to the nearest other class.
    to_another_class = np.where(truth, np.inf, distance).min(axis=0)
    either_side = np.where(truth, to_another_class, distance) - 0.5
    counted = truth.any(axis=0)
    return np.where(counted & np.isfinite(either_side), either_side, 0).astype(np.float32)


class BoundaryDistanceLoss(nn.Module):
    """Mistakes weighted by their distance from the true boundary, as a share of the most that they could cost.

    Where phi is the signed distance (negative inside), sum(phi p) - sum(phi y) = sum(|phi| |p - y|): the loss of the
    paper less its value for a perfect prediction. Dividing by sum(|phi|) makes it a number between 0 and 1 that does
    not depend on the size of photographs, and lets classes with far and near boundaries weigh the same.
    """

    def forward(self, probability: Tensor, truth: Tensor) -> Tensor:
        """Probabilities and truth (B, C, H, W), both 0 where ignored, to losses (B, C)."""
        shown = truth.bool().cpu().numpy()
        distance = torch.from_numpy(np.stack([distance_to_boundary(image) for image in shown])).to(truth.device)
        cost = (distance * (probability - truth).abs()).sum(dim=(2, 3))
        # Half a pixel is the least distance, so what falls below it is an image without a boundary, which costs 0.
        return cost / distance.sum(dim=(2, 3)).clamp(min=0.5)


class BoundaryOptions(Section):
    """What can be chosen about the boundary loss."""

    share: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Share of the boundary loss beside Dice; 1: the boundary loss alone"
    )


def _boundary(classes: Classes, weights: Tensor | None, options: BoundaryOptions) -> LossFunction:
    boundary = OverlapLoss(BoundaryDistanceLoss(), classes.ignore, weights)
    area = OverlapLoss(DiceLoss(batch=True, reduction="none"), classes.ignore, weights)
    return SumLoss(boundary, options.share, area, 1 - options.share)


BOUNDARY = Loss(
    name="boundary",
    options=BoundaryOptions,
    build=_boundary,
    definition="share sum(|phi| |p - y|) / sum(|phi|) + (1 - share) Dice loss, where phi is the distance in pixels "
    "from the boundary of the class in the truth: for each class and image, then the mean. Far mistakes cost most, a "
    "missed thin vessel little, so it is meant to stand beside Dice.",
    citation="Kervadec et al., 'Boundary loss for highly unbalanced segmentation', Medical Image Analysis 67, 2021",
)
