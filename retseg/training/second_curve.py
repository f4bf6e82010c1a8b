"""The lecture's second curve: the loss on the test images, whole and resized. Nothing is chosen by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from retseg.core.types import CLASS_MAP
from retseg.losses.loss import LossFunction
from retseg.models.architecture import outputs
from retseg.training.batches import Batches
from retseg.training.config import AugmentConfig
from retseg.training.images import TrainingImages
from retseg.training.precision import Precision
from retseg.training.sampling import Patches


@dataclass(frozen=True, slots=True)
class SecondCurve:
    """Takes a net's loss on images of `side` x `side` pixels, `batch` of them at a time."""

    images: TrainingImages
    loss_function: LossFunction
    side: int
    batch: int
    precision: Precision

    def loss(self, net: nn.Module) -> float:
        """Mean loss over the images. Leaves the net in evaluation mode."""
        net.eval()
        count, total = len(self.images), 0.0
        whole = Patches(np.arange(count), *np.zeros((2, count), np.int64))
        source = Batches(self.images, AugmentConfig(), self.side, 0)
        with torch.inference_mode():
            for first in range(0, count, self.batch):
                chosen = whole[first : first + self.batch]
                pictures, labels = source.plain(chosen, self.side)
                with self.precision.autocast():
                    logits = outputs(net(pictures))[CLASS_MAP]
                total += float(self.loss_function(logits.float(), labels)) * len(chosen)
        return total / count
