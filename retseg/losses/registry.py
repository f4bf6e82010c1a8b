"""The losses that can be asked for by name. Importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.core.registry import Registry
from retseg.core.types import Classes
from retseg.losses.config import LossConfig

if TYPE_CHECKING:
    from torch import Tensor

    from retseg.losses.loss import Loss, LossFunction

LOSSES: Registry[Loss] = Registry(
    "loss",
    "retseg.losses",
    {
        "nll": "retseg.losses.likelihood:NLL",
        "cross-entropy": "retseg.losses.likelihood:CROSS_ENTROPY",
        "focal": "retseg.losses.likelihood:FOCAL",
        "dice": "retseg.losses.overlap:DICE",
        "tversky": "retseg.losses.overlap:TVERSKY",
        "dice-cross-entropy": "retseg.losses.overlap:DICE_CROSS_ENTROPY",
        "soft-cldice": "retseg.losses.topology:SOFT_CLDICE",
        "boundary": "retseg.losses.boundary:BOUNDARY",
    },
)


def build_loss(config: LossConfig, classes: Classes, class_weights: Tensor | None = None) -> LossFunction:
    """The loss that `config` names, for this class table.

    Args:
        config: The loss and its options.
        classes: Pixels labelled `classes.ignore` count nowhere; `classes.outside` is a class like any other here.
        class_weights: One non-negative weight per class, or None for equal weights.

    Returns:
        A function of logits (B, C, H, W) and labels (B, H, W) int64 that gives a scalar in float32.
    """
    loss = LOSSES.get(config.name)
    options = validate(loss.options, config.options, where=f"loss.options of {config.name}")
    if class_weights is not None:
        if class_weights.numel() != classes.count:
            raise ConfigError(
                f"{class_weights.numel()} class weights for {classes.count} classes",
                fix=f"Give one weight for each of {', '.join(classes.names)}",
            )
        if not bool((class_weights >= 0).all()) or not bool(class_weights.isfinite().all()):
            raise ConfigError("class weights must be finite and not negative", where=str(class_weights.tolist()))
        class_weights = class_weights.detach().flatten().float()
    return loss.build(classes, class_weights, options)
