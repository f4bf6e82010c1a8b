"""A loss that looks at centre lines: soft clDice, which asks for connected vessels, however thin."""

from __future__ import annotations

import torch
from monai.losses import DiceLoss
from monai.losses.cldice import soft_dilate, soft_erode
from pydantic import Field
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.core.types import Classes
from retseg.losses.loss import Loss, LossFunction
from retseg.losses.overlap import OverlapLoss, SumLoss

_SMOOTH = 1.0  # pixels, as in the paper: keeps a ratio of two short centre lines from jumping


def soft_skeleton(mask: Tensor, counted: Tensor, iterations: int) -> Tensor:
    """The centre line of a soft mask, which a gradient passes through.

    What an opening removes is thin, so it belongs to the centre line; eroding first finds what is thin in thicker
    structures. Pixels that do not count act like those beyond the border: they neither erode nor dilate others.

    Args:
        mask: (B, C, H, W), values 0 to 1, and 0 where a pixel does not count.
        counted: (B, 1, H, W) bool.
        iterations: Erosions. Structures of up to about 2 * iterations + 2 pixels across get a centre line.

    Returns:
        (B, C, H, W), values 0 to 1, and 0 where a pixel does not count.
    """
    skeleton = torch.zeros_like(mask)
    for _ in range(iterations + 1):
        # At its own pixel the mask is at most 1 and at least 0, so these values decide no minimum and no maximum.
        eroded = soft_erode(mask.where(counted, 1.0)).where(counted, 0.0)
        thin = (mask - soft_dilate(eroded).where(counted, 0.0)).relu()
        skeleton = skeleton + (thin - skeleton * thin).relu()
        mask = eroded
    return skeleton


class CentrelineLoss(nn.Module):
    """1 - clDice of every class that is followed, and 0 for the others.

    clDice is the harmonic mean of how much of each mask's centre line lies in the other mask.
    """

    def __init__(self, followed: tuple[int, ...], iterations: int, batch: bool) -> None:
        super().__init__()
        self.followed, self.iterations, self.batch = list(followed), iterations, batch

    def forward(self, probability: Tensor, truth: Tensor) -> Tensor:
        """Probabilities and truth (B, C, H, W), both 0 where ignored, to losses (C,) over the batch, or (B, C)."""
        counted = truth.any(dim=1, keepdim=True)
        mask, true_mask = probability[:, self.followed], truth[:, self.followed]
        line = soft_skeleton(mask, counted, self.iterations)
        true_line = soft_skeleton(true_mask, counted, self.iterations)
        over = (0, 2, 3) if self.batch else (2, 3)
        precision = ((line * true_mask).sum(over) + _SMOOTH) / (line.sum(over) + _SMOOTH)
        sensitivity = ((true_line * mask).sum(over) + _SMOOTH) / (true_line.sum(over) + _SMOOTH)
        followed = 1 - 2 * precision * sensitivity / (precision + sensitivity)
        losses = followed.new_zeros(*followed.shape[:-1], truth.shape[1])
        losses[..., self.followed] = followed
        return losses


class SoftClDiceOptions(Section):
    """What can be chosen about the soft clDice loss."""

    share: float = Field(default=0.5, ge=0.0, le=1.0, description="Share of clDice beside Dice; 1: clDice alone")
    iterations: int = Field(
        default=5, ge=0, le=50, description="Erosions: at least half the widest vessel's width in pixels"
    )
    batch: bool = Field(default=True, description="One overlap over the whole batch, instead of one for each image")


def _soft_cldice(classes: Classes, weights: Tensor | None, options: SoftClDiceOptions) -> LossFunction:
    # Beside vessels there is nothing thin whose middle would mean anything.
    followed = classes.scored if classes.positive is None else (classes.positive,)
    line_weights = torch.zeros(classes.count)
    line_weights[list(followed)] = 1.0 if weights is None else weights[list(followed)]
    line = OverlapLoss(CentrelineLoss(followed, options.iterations, options.batch), classes.ignore, line_weights)
    area = OverlapLoss(DiceLoss(batch=options.batch, reduction="none"), classes.ignore, weights)
    return SumLoss(line, options.share, area, 1 - options.share)


SOFT_CLDICE = Loss(
    name="soft-cldice",
    options=SoftClDiceOptions,
    build=_soft_cldice,
    definition="share (1 - clDice) + (1 - share) Dice loss. clDice is the harmonic mean of the share of the predicted "
    "centre line that lies in the truth and the share of the true centre line that lies in the prediction, with soft "
    "skeletons; for the positive class of a task that has one (then class weights act on Dice only), otherwise the "
    "mean over classes.",
    citation="Shit et al., 'clDice - a novel topology-preserving loss function for tubular structure segmentation', "
    "CVPR 2021",
)
