"""From positions to what a net is fed: patches cut, augmented and normalised, batch by batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from retseg.training import augment
from retseg.training.config import AugmentConfig
from retseg.training.images import TrainingImages
from retseg.training.randomness import Purpose, generator, torch_seed
from retseg.training.sampling import Patches, cut


class Batches:
    """Makes the batches of a training.

    Args:
        images: Where the patches are cut.
        config: What is done to them.
        patch_size: Side of the patches in pixels.
        seed: The training's seed; a batch follows from it, the epoch, the step and the positions alone.
    """

    def __init__(self, images: TrainingImages, config: AugmentConfig, patch_size: int, seed: int) -> None:
        self.images = images
        self.config = config
        self.patch_size = patch_size
        self.seed = seed

    def batch(self, patches: Patches, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """Net input (B, 3, p, p) float32, channels last, and targets (B, K, p, p) uint8, both on the device."""
        rng = generator(self.seed, Purpose.AUGMENTATION, epoch, step)
        augmentation = augment.draw(self.config, len(patches), rng)
        pictures, maps = self._geometry(patches, augmentation)
        pictures, maps = augment.flip(pictures, maps, augmentation)
        pictures = augment.relight(pictures, augmentation, torch_seed(self.seed, Purpose.NOISE, epoch, step))
        return self._normalised(pictures, patches), maps

    def plain(self, patches: Patches, side: int) -> tuple[Tensor, Tensor]:
        """As `batch`, for patches of any side and without augmentation."""
        pictures, maps = cut(self.images, patches, side, pin=self._pin)
        return self._normalised(self._brightness(pictures), patches), self._sent(maps)

    @property
    def _pin(self) -> bool:
        return self.images.device.type == "cuda"

    def _geometry(self, patches: Patches, augmentation: augment.Augmentation) -> tuple[Tensor, Tensor]:
        size = self.patch_size
        resampled = augmentation.resampled
        if not resampled.any():
            pictures, maps = cut(self.images, patches, size, pin=self._pin)
            return self._brightness(pictures), self._sent(maps)
        pictures = torch.empty((len(patches), size, size, 3), device=self.images.device).permute(0, 3, 1, 2)
        shape = (len(patches), self.images.planes, size, size)
        maps = torch.empty(shape, dtype=torch.uint8, device=self.images.device)
        plain, turned = np.flatnonzero(~resampled), np.flatnonzero(resampled)
        if len(plain):
            cut_pictures, cut_maps = cut(self.images, patches[plain], size, pin=self._pin)
            index = torch.from_numpy(plain).to(self.images.device)
            pictures[index], maps[index] = self._brightness(cut_pictures), self._sent(cut_maps)
        border = augment.margin(augmentation, size)
        cut_pictures, cut_maps = cut(self.images, patches[turned].enlarged(border), size + 2 * border, pin=self._pin)
        part = augmentation.part(turned)
        index = torch.from_numpy(turned).to(self.images.device)
        pictures[index], maps[index] = augment.resample(
            self._brightness(cut_pictures), self._sent(cut_maps), part, size
        )
        return pictures, maps

    def _sent(self, values: Tensor) -> Tensor:
        # Pinned memory lets the copy run beside the computation.
        return values.to(self.images.device, non_blocking=True)

    def _brightness(self, pictures: Tensor) -> Tensor:
        """(B, h, w, 3) bytes to (B, 3, h, w) float in 0..1 on the device, channels last."""
        return self._sent(pictures).permute(0, 3, 1, 2).float().div_(255)

    def _normalised(self, pictures: Tensor, patches: Patches) -> Tensor:
        index = torch.from_numpy(patches.image).to(self.images.device)
        mean, std = self.images.mean[index][:, :, None, None], self.images.std[index][:, :, None, None]
        return pictures.sub_(mean).div_(std)
