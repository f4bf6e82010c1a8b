"""Losses that look at each pixel by itself: negative log-likelihood, cross-entropy, focal loss."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.config import Section
from retseg.core.types import Classes
from retseg.losses.loss import Loss, LossFunction, NoOptions


class PixelLoss(nn.Module):
    """Mean over the counted pixels of `-(1 - p)**focus * log p`, where p is the probability of the true class.

    With class weights it is the weighted mean (the sum of weighted losses over the sum of the pixels' weights), as in
    torch. A batch without a counted pixel gives 0.
    """

    weights: Tensor | None

    def __init__(self, ignore: int, weights: Tensor | None, smoothing: float = 0.0, focus: float = 0.0) -> None:
        super().__init__()
        self.ignore, self.smoothing, self.focus = ignore, smoothing, focus
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (B, C, H, W) and labels (B, H, W) int64 to a scalar in float32."""
        log_probability = F.log_softmax(logits.float(), dim=1)
        counted = target != self.ignore
        weights = None if self.weights is None else self.weights.to(logits.device)
        if self.focus:
            label = target.where(counted, 0).unsqueeze(1)
            true_class = log_probability.gather(1, label)
            # 1 - p as -expm1(log p), which keeps its digits where p is nearly 1; a root has no gradient at 0 itself.
            log_probability = log_probability * (-true_class.expm1()).clamp(min=1e-12).pow(self.focus)
        total = _summed(log_probability, target, weights, self.ignore, self.smoothing)
        size = counted.sum() if weights is None else (weights[target.where(counted, 0)] * counted).sum()
        return total / size.clamp(min=1e-12)


def _summed(log_probability: Tensor, target: Tensor, weights: Tensor | None, ignore: int, smoothing: float) -> Tensor:
    if smoothing == 0.0:
        return F.nll_loss(log_probability, target, weights, ignore_index=ignore, reduction="sum")
    # Log-probabilities are logits of themselves, and cross_entropy knows how to smooth labels.
    return F.cross_entropy(
        log_probability, target, weights, ignore_index=ignore, reduction="sum", label_smoothing=smoothing
    )


class CrossEntropyOptions(Section):
    """What can be chosen about the cross-entropy."""

    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0, description="Share of a label spread over all classes")


class FocalOptions(Section):
    """What can be chosen about the focal loss."""

    gamma: float = Field(default=2.0, ge=0.0, description="How strongly easy pixels are played down; 0: cross-entropy")


def _nll(classes: Classes, weights: Tensor | None, options: NoOptions) -> LossFunction:
    return PixelLoss(classes.ignore, weights)


def _cross_entropy(classes: Classes, weights: Tensor | None, options: CrossEntropyOptions) -> LossFunction:
    return PixelLoss(classes.ignore, weights, smoothing=options.label_smoothing)


def _focal(classes: Classes, weights: Tensor | None, options: FocalOptions) -> LossFunction:
    return PixelLoss(classes.ignore, weights, focus=options.gamma)


NLL = Loss(
    name="nll",
    options=NoOptions,
    build=_nll,
    definition="Mean over pixels of -log p, where p is the softmax probability of the true class; the lecture's loss.",
    citation="Good, 'Rational decisions', Journal of the Royal Statistical Society B 14(1), 1952",
)
CROSS_ENTROPY = Loss(
    name="cross-entropy",
    options=CrossEntropyOptions,
    build=_cross_entropy,
    definition="Mean over pixels of -sum(y log p), where y is the label, smoothed if wished; without smoothing equal "
    "to nll.",
    citation="Szegedy et al., 'Rethinking the Inception Architecture for Computer Vision', CVPR 2016 (label smoothing)",
)
FOCAL = Loss(
    name="focal",
    options=FocalOptions,
    build=_focal,
    definition="Mean over pixels of -(1 - p)^gamma log p, where p is the softmax probability of the true class.",
    citation="Lin et al., 'Focal Loss for Dense Object Detection', ICCV 2017",
)
