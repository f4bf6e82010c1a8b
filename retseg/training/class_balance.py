"""Weights that make rare classes count as much as frequent ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from retseg.training.config import TrainConfig
from retseg.training.images import TrainingImages


def class_weights(config: TrainConfig, images: TrainingImages) -> Tensor | None:
    """One weight per class, or None: as given, or the inverse of each class's share of the pixels, 1 on average."""
    if config.class_weights is None:
        return None
    if config.class_weights != "balanced":
        return torch.tensor(config.class_weights, dtype=torch.float32)
    pixels = images.class_pixels().astype(np.float64)
    inverse = np.divide(1.0, pixels, out=np.zeros_like(pixels), where=pixels > 0)
    return torch.tensor(inverse * np.count_nonzero(pixels) / inverse.sum(), dtype=torch.float32)
