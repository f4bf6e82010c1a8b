"""Where patches lie: the lecture's fixed ones, or new ones in every epoch; and cutting them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retseg.training.config import SamplingConfig
from retseg.training.images import TrainingImages
from retseg.training.randomness import Purpose, generator, number_of

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Square patches: of which image (its index), and the row and column of their first pixel. Arrays of one length.

    A patch of an image that is smaller than it begins at a negative pixel and ends behind the image.
    """

    image: IntArray
    top: IntArray
    left: IntArray

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, chosen: slice | IntArray) -> Patches:
        return Patches(self.image[chosen], self.top[chosen], self.left[chosen])

    def enlarged(self, margin: int) -> Patches:
        """The same patches with `margin` more pixels on every side."""
        return Patches(self.image, self.top - margin, self.left - margin)


def fixed_patches(sizes: IntArray, ids: Sequence[str], patch_size: int, per_image: int, seed: int) -> Patches:
    """The lecture's patches: `per_image` random ones of each image, image by image.

    They follow from the seed, the image's id and its size alone, not from the other images.
    """
    tops, lefts = [], []
    for (height, width), name in zip(sizes.tolist(), ids, strict=True):
        rng = generator(seed, Purpose.FIXED_PATCHES, number_of(name))
        place = rng.random((per_image, 2))
        tops.append(_anywhere(place[:, 0], np.full(per_image, height), patch_size))
        lefts.append(_anywhere(place[:, 1], np.full(per_image, width), patch_size))
    index = np.repeat(np.arange(len(sizes), dtype=np.int64), per_image)
    return Patches(index, np.concatenate(tops), np.concatenate(lefts))


class PatchSampler:
    """Draws the patches of an epoch, in the order in which the net sees them.

    Args:
        images: Where the patches are cut.
        config: How they are drawn.
        seed: The training's seed; an epoch's patches follow from it and the epoch's number alone.
        per_epoch: Patches in an epoch; None takes `patches_per_image` of every image.
    """

    def __init__(self, images: TrainingImages, config: SamplingConfig, seed: int, per_epoch: int | None = None) -> None:
        self.images = images
        self.config = config
        self.seed = seed
        self._sizes = images.sizes
        self.per_epoch = per_epoch or (config.patches_per_image or 1) * len(images)

    def epoch(self, epoch: int) -> Patches:
        """The patches of one epoch, shuffled."""
        rng = generator(self.seed, Purpose.EPOCH, epoch)
        if self.config.fixed:
            return self._fixed[_rounds(rng, len(self._fixed), self.per_epoch)]
        image = _rounds(rng, len(self.images), self.per_epoch)
        # Every number is drawn for every patch, so that one choice does not shift the others.
        place, on_class, which = rng.random((len(image), 2)), rng.random(len(image)), rng.random((len(image), 2))
        size = self.config.patch_size
        top = _anywhere(place[:, 0], self._sizes[image, 0], size)
        left = _anywhere(place[:, 1], self._sizes[image, 1], size)
        for index in np.flatnonzero(on_class < self.config.balance):
            pixel = self._pixel_of_a_class(int(image[index]), *which[index])
            if pixel is not None:
                height, width = self._sizes[image[index]]
                top[index] = _centred(pixel[0], int(height), size)
                left[index] = _centred(pixel[1], int(width), size)
        return Patches(image, top, left)

    @cached_property
    def _fixed(self) -> Patches:
        per_image = self.config.patches_per_image
        assert per_image is not None
        return fixed_patches(self._sizes, self.images.ids, self.config.patch_size, per_image, self.seed)

    @cached_property
    def _pixels(self) -> list[list[NDArray[np.int32]]]:
        """For each image, the flat positions of its pixels of each class that patches are centred on."""
        classes = self.images.classes
        wanted = classes.scored if classes.positive is None else (classes.positive,)
        found = []
        for labels in self.images.labels:
            flat = labels.to("cpu").numpy().ravel()
            positions = (np.flatnonzero(flat == index).astype(np.int32) for index in wanted)
            found.append([pixels for pixels in positions if pixels.size])
        return found

    def _pixel_of_a_class(self, image: int, class_draw: float, pixel_draw: float) -> tuple[int, int] | None:
        """Row and column of a random pixel of a random class, or None where the image has none of them."""
        occurring = self._pixels[image]
        if not occurring:
            return None
        pixels = occurring[int(class_draw * len(occurring))]
        row, column = divmod(int(pixels[int(pixel_draw * len(pixels))]), int(self._sizes[image, 1]))
        return row, column


def cut(images: TrainingImages, patches: Patches, side: int, *, pin: bool = False) -> tuple[Tensor, Tensor]:
    """Cuts patches of `side` pixels: (B, side, side, 3) uint8 and their targets (B, K, side, side) uint8.

    Beyond an image's border its last pixels are repeated, and the class map, which is the first of the targets, holds
    the ignore value.
    """
    store = images.store
    pin = pin and store.type == "cpu"
    pictures = torch.empty((len(patches), side, side, 3), dtype=torch.uint8, device=store, pin_memory=pin)
    planes = images.planes
    maps = torch.empty((len(patches), planes, side, side), dtype=torch.uint8, device=store, pin_memory=pin)
    places = zip(patches.image.tolist(), patches.top.tolist(), patches.left.tolist(), strict=True)
    for slot, (index, top, left) in enumerate(places):
        image, targets = images.images[index], images.targets[index]
        height, width = targets.shape[1:]
        if top >= 0 and left >= 0 and top + side <= height and left + side <= width:
            pictures[slot] = image[top : top + side, left : left + side]
            maps[slot] = targets[:, top : top + side, left : left + side]
            continue
        rows = torch.arange(top, top + side, device=store)
        columns = torch.arange(left, left + side, device=store)
        row, column = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
        beyond = (rows != row)[:, None] | (columns != column)[None, :]
        pictures[slot] = image[row][:, column]
        maps[slot] = targets[:, row][:, :, column]
        maps[slot, 0].masked_fill_(beyond, images.classes.ignore)
    return pictures, maps


def _rounds(rng: np.random.Generator, items: int, total: int) -> IntArray:
    """`total` item numbers in random order; each item comes once before any comes again."""
    rounds = -(-total // items)
    return np.concatenate([rng.permutation(items) for _ in range(rounds)])[:total].astype(np.int64)


def _anywhere(draw: NDArray[np.float64], extent: IntArray, side: int) -> IntArray:
    """First pixels of patches inside an image, each equally likely; patches that do not fit are centred on it."""
    room = extent - side
    return np.where(room > 0, np.floor(draw * (np.maximum(room, 0) + 1)), room // 2).astype(np.int64)


def _centred(pixel: int, extent: int, side: int) -> int:
    """First pixel of a patch around `pixel`, moved as little as keeps it inside the image."""
    if extent <= side:
        return (extent - side) // 2
    return min(max(pixel - side // 2, 0), extent - side)
