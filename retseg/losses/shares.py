"""Losses towards shares: how much of a pixel of the working grid the positive class covers on the native grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.core.types import Classes
from retseg.losses.config import LossConfig
from retseg.losses.overlap import DiceCrossEntropyOptions


@dataclass(frozen=True, slots=True)
class ShareLoss:
    """Cross-entropy with pixels that are partly of the positive class, and for the rest of the one other that counts.

    Beside it, with a weight of its own, the Dice loss of the positive class over the whole batch.
    """

    classes: Classes
    cross_entropy: float = 1.0
    dice: float = 0.0

    @classmethod
    def of(cls, loss: LossConfig, classes: Classes, weights: Tensor | None) -> Self:
        """What the configuration asks for; ConfigError where a share means nothing to it."""
        plain = loss.name == "cross-entropy" and not loss.options
        if not (plain or loss.name == "dice-cross-entropy") or weights is not None:
            raise ConfigError(
                "a share of a pixel can be learnt with plain cross-entropy, alone or beside Dice, only",
                where="loss.coverage",
                fix="Use cross-entropy or dice-cross-entropy without class weights, or leave loss.coverage out",
            )
        if classes.positive is None or len(classes.scored) != 2:
            raise ConfigError(
                f"the task '{classes.name}' has no single class whose share of a pixel could be learnt",
                where="loss.coverage",
                fix="Leave loss.coverage out",
            )
        if plain:
            return cls(classes)
        options = validate(DiceCrossEntropyOptions, loss.options, where=f"loss.options of {loss.name}")
        return cls(classes, options.cross_entropy, options.dice)

    def __call__(self, logits: Tensor, target: Tensor, share: Tensor) -> Tensor:
        """The loss, a scalar in float32; 0 if no pixel counts.

        Args:
            logits: (B, C, H, W).
            target: Labels (B, H, W) int64: which pixels are ignored, and which lie outside the field of view.
            share: (B, H, W) in 0..1.
        """
        classes = self.classes
        (other,) = set(classes.scored) - {classes.positive}
        log_probability = F.log_softmax(logits.float(), dim=1)
        counted = target != classes.ignore
        vessel = log_probability[:, classes.positive]
        likelihood = share * vessel + (1 - share) * log_probability[:, other]
        if classes.outside is not None:
            outside = target == classes.outside
            likelihood = likelihood.where(~outside, log_probability[:, classes.outside])
        entropy: Tensor = -(likelihood * counted).sum() / counted.sum().clamp(min=1)
        if not self.dice:
            return self.cross_entropy * entropy
        found, wanted = vessel.exp() * counted, share * counted
        # One pixel on either side, so that a batch without the class has a loss that is defined, and 0 if it is right.
        dice = 1 - (2 * (found * wanted).sum() + 1) / (found.sum() + wanted.sum() + 1)
        return self.cross_entropy * entropy + self.dice * dice * counted.any()
