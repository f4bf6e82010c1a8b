"""The lecture's second curve: the loss on the test images, whole and resized. Nothing is chosen by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from retseg.training.batches import Batches
from retseg.training.config import AugmentConfig
from retseg.training.images import TrainingImages
from retseg.training.objective import Objective
from retseg.training.precision import Precision
from retseg.training.sampling import Patches


@dataclass(frozen=True, slots=True)
class SecondCurve:
    """Takes a net's loss on images of `side` x `side` pixels, `batch` of them at a time."""

    images: TrainingImages
    objective: Objective
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
                pictures, targets = source.plain(chosen, self.side)
                with self.precision.autocast():
                    result = net(pictures)
                total += float(self.objective(result, targets)) * len(chosen)
        return total / count
