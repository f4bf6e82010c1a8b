"""Losses that look at whole regions: Dice, Tversky, and Dice together with cross-entropy."""

from __future__ import annotations

from typing import Self

from monai.losses import DiceLoss, TverskyLoss
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.config import Section
from retseg.core.types import Classes
from retseg.losses.likelihood import PixelLoss
from retseg.losses.loss import Loss, LossFunction


class OverlapLoss(nn.Module):
    """Mean of one region loss per class over the classes that the truth shows.

    Ignored pixels are taken out of prediction and truth alike, so they enter neither overlap nor area. With class
    weights the mean is weighted. A class without a pixel in the truth has no overlap to speak of and is left out; its
    false positives still cost, as they are missing from the classes that are there. Nothing counted gives 0.
    """

    weights: Tensor | None

    def __init__(self, region: nn.Module, ignore: int, weights: Tensor | None) -> None:
        super().__init__()
        self.region, self.ignore = region, ignore
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (B, C, H, W) and labels (B, H, W) int64 to a scalar in float32."""
        classes = logits.shape[1]
        counted = (target != self.ignore).unsqueeze(1)
        probability = logits.float().softmax(dim=1) * counted
        truth = F.one_hot(target.where(counted[:, 0], 0), classes).movedim(-1, 1) * counted
        losses = self.region(probability, truth.float()).reshape(-1, classes)
        present = truth.flatten(2).any(dim=2)
        weights = (present.any(dim=0, keepdim=True) if len(losses) == 1 else present).float()
        if self.weights is not None:
            weights = weights * self.weights.to(logits.device)
        total: Tensor = (losses * weights).sum() / weights.sum().clamp(min=1e-12)
        return total


class SumLoss(nn.Module):
    """A weighted sum of two losses."""

    def __init__(self, first: nn.Module, share: float, second: nn.Module, other_share: float) -> None:
        super().__init__()
        self.first, self.share, self.second, self.other_share = first, share, second, other_share

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (B, C, H, W) and labels (B, H, W) int64 to a scalar in float32."""
        total: Tensor = self.share * self.first(logits, target) + self.other_share * self.second(logits, target)
        return total


class DiceOptions(Section):
    """What can be chosen about the Dice loss."""

    batch: bool = Field(default=True, description="One overlap over the whole batch, instead of one for each image")
    squared: bool = Field(default=False, description="Squares in the denominator (V-Net) instead of plain sums")


class TverskyOptions(Section):
    """What can be chosen about the Tversky loss."""

    batch: bool = Field(default=True, description="One overlap over the whole batch, instead of one for each image")
    alpha: float = Field(default=0.3, ge=0.0, le=1.0, description="Cost of a false positive")
    beta: float = Field(default=0.7, ge=0.0, le=1.0, description="Cost of a false negative")

    @model_validator(mode="after")
    def _something_costs(self) -> Self:
        if self.alpha + self.beta == 0:
            raise ValueError("the Tversky loss needs alpha or beta above 0, or no mistake costs anything")
        return self


class DiceCrossEntropyOptions(DiceOptions):
    """What can be chosen about the sum of Dice loss and cross-entropy."""

    dice: float = Field(default=1.0, ge=0.0, description="Share of the Dice loss in the sum")
    cross_entropy: float = Field(default=1.0, ge=0.0, description="Share of the cross-entropy in the sum")

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        if self.dice + self.cross_entropy == 0:
            raise ValueError("one of the shares dice and cross_entropy must be above 0")
        return self


def _dice(classes: Classes, weights: Tensor | None, options: DiceOptions) -> LossFunction:
    region = DiceLoss(squared_pred=options.squared, batch=options.batch, reduction="none")
    return OverlapLoss(region, classes.ignore, weights)


def _tversky(classes: Classes, weights: Tensor | None, options: TverskyOptions) -> LossFunction:
    region = TverskyLoss(alpha=options.alpha, beta=options.beta, batch=options.batch, reduction="none")
    return OverlapLoss(region, classes.ignore, weights)


def _dice_cross_entropy(classes: Classes, weights: Tensor | None, options: DiceCrossEntropyOptions) -> LossFunction:
    region = DiceLoss(squared_pred=options.squared, batch=options.batch, reduction="none")
    overlap = OverlapLoss(region, classes.ignore, weights)
    return SumLoss(overlap, options.dice, PixelLoss(classes.ignore, weights), options.cross_entropy)


DICE = Loss(
    name="dice",
    options=DiceOptions,
    build=_dice,
    definition="1 - 2 sum(p y) / (sum(p) + sum(y)) for each class, then the mean over classes.",
    citation="Milletari, Navab and Ahmadi, 'V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image "
    "Segmentation', 3DV 2016",
)
TVERSKY = Loss(
    name="tversky",
    options=TverskyOptions,
    build=_tversky,
    definition="1 - sum(p y) / (sum(p y) + alpha sum(p (1 - y)) + beta sum((1 - p) y)) for each class, then the mean "
    "over classes.",
    citation="Salehi, Erdogmus and Gholipour, 'Tversky loss function for image segmentation using 3D fully "
    "convolutional deep networks', MLMI 2017",
)
DICE_CROSS_ENTROPY = Loss(
    name="dice-cross-entropy",
    options=DiceCrossEntropyOptions,
    build=_dice_cross_entropy,
    definition="The Dice loss plus the cross-entropy, each with its share.",
    citation="Isensee et al., 'nnU-Net: a self-configuring method for deep learning-based biomedical image "
    "segmentation', Nature Methods 18, 2021",
)
