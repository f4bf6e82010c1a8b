"""From positions to what a net is fed: patches cut, augmented and normalised, batch by batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from retseg.training import augment
from retseg.training.config import AugmentConfig
from retseg.training.degrade import degrade
from retseg.training.images import TrainingImages
from retseg.training.randomness import Purpose, generator, torch_seed
from retseg.training.relight import Exposure, relight
from retseg.training.sampling import Patches, cut
from retseg.training.warp import flip, margins, resample


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
        exposure = Exposure(pictures, maps[:, 0], self.images.classes, augmentation)
        pictures = relight(pictures, augmentation)
        mean, std = exposure.followed(pictures, *self._statistics(patches))
        pictures = degrade(pictures, augmentation, torch_seed(self.seed, Purpose.NOISE, epoch, step))
        return _normalised(pictures, mean, std), maps

    def plain(self, patches: Patches, side: int) -> tuple[Tensor, Tensor]:
        """As `batch`, for patches of any side and without augmentation."""
        pictures, maps = cut(self.images, patches, side, pin=self._pin)
        pictures = _brightness(self._sent(pictures).permute(0, 3, 1, 2))
        return _normalised(pictures, *self._statistics(patches)), self._sent(maps)

    @property
    def _pin(self) -> bool:
        return self.images.device.type == "cuda"

    def _geometry(self, patches: Patches, augmentation: augment.Augmentation) -> tuple[Tensor, Tensor]:
        """The patches as they lie after turning, scaling, stretching and mirroring, and their targets."""
        ways = ((~augmentation.resampled, self._exact), (augmentation.resampled, self._sampled))
        made = [
            (chosen, way(patches[np.flatnonzero(chosen)], augmentation.part(np.flatnonzero(chosen))))
            for chosen, way in ways
            if chosen.any()
        ]
        if len(made) == 1:
            return made[0][1]
        size, device = self.patch_size, self.images.device
        pictures = torch.empty((len(patches), size, size, 3), device=device).permute(0, 3, 1, 2)
        maps = torch.empty((len(patches), self.images.planes, size, size), dtype=torch.uint8, device=device)
        for chosen, (some_pictures, some_maps) in made:
            index = torch.from_numpy(np.flatnonzero(chosen)).to(device)
            pictures[index], maps[index] = some_pictures, some_maps
        return pictures, maps

    def _exact(self, patches: Patches, augmentation: augment.Augmentation) -> tuple[Tensor, Tensor]:
        pictures, maps = cut(self.images, patches, self.patch_size, pin=self._pin)
        picture_planes = flip(self._sent(pictures).permute(0, 3, 1, 2), augmentation)
        return _brightness(picture_planes), flip(self._sent(maps), augmentation)

    def _sampled(self, patches: Patches, augmentation: augment.Augmentation) -> tuple[Tensor, Tensor]:
        squares = self._squares(patches, augmentation)
        pictures, maps = resample(*squares, augmentation, self.patch_size)
        return pictures.contiguous(memory_format=torch.channels_last), maps

    def _squares(self, patches: Patches, augmentation: augment.Augmentation) -> tuple[Tensor, Tensor]:
        """What `resample` takes: squares of one size, each filled only as far as its patch reaches, to save time."""
        borders = margins(augmentation, self.patch_size)
        widest, device = int(borders.max()), self.images.device
        side = self.patch_size + 2 * widest
        pictures = torch.empty((len(patches), side, side, 3), device=device)
        maps = torch.empty((len(patches), self.images.planes, side, side), device=device)
        for slot, border in enumerate(borders.tolist()):
            patch = patches[slot : slot + 1].enlarged(border)
            cut_picture, cut_map = cut(self.images, patch, self.patch_size + 2 * border, pin=self._pin)
            inner = slice(widest - border, side - (widest - border))
            torch.div(self._sent(cut_picture)[0], 255, out=pictures[slot, inner, inner])
            maps[slot, :, inner, inner] = self._sent(cut_map)[0]
        return pictures.permute(0, 3, 1, 2), maps

    def _sent(self, values: Tensor) -> Tensor:
        # Pinned memory lets the copy run beside the computation.
        return values.to(self.images.device, non_blocking=True)

    def _statistics(self, patches: Patches) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (B, 3) of the photographs that the patches are of."""
        index = torch.from_numpy(patches.image).to(self.images.device)
        return self.images.mean[index], self.images.std[index]


def _brightness(pictures: Tensor) -> Tensor:
    """Bytes to float in 0..1, in the same order of memory."""
    return pictures.float().div_(255)


def _normalised(pictures: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return pictures.sub_(mean[:, :, None, None]).div_(std[:, :, None, None])
