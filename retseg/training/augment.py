"""What is drawn for each patch of a batch; `warp`, `relight` and `degrade` then do it to the whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retseg.training.config import AugmentConfig

Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Augmentation:
    """What happens to each of B patches. Arrays of length B; a neutral value leaves a patch as it is.

    Attributes:
        flips: (B, 3) bool: mirrored left to right, top to bottom, along the diagonal.
        angle: Turned by so many radians.
        scale: The content is enlarged by this factor.
        brightness: Added to the brightness 0..1.
        contrast: Factor about the patch's mean.
        gamma: Power.
        colour: (B, 3): factors of red, green and blue.
        blur: Standard deviation in pixels.
        noise: Standard deviation of the brightness 0..1.
        stretch: Width of the content over its height; the area stays.
        mixing: (B, 3, 3): rows give red, green and blue from the old ones.
        illumination: (B, 3, 3): heights of the surface that is added to 1, on a grid from corner to corner.
        sharpen: How many times what a blur takes away is added.
        sharpen_sigma: Standard deviation of that blur in pixels.
        resolution: Shrunk by this factor and enlarged again.
        jpeg: Quality 1..100; 0 stores nothing.
        renormalise: Bool: the statistics of the input follow the new light.
    """

    flips: NDArray[np.bool_]
    angle: Draws
    scale: Draws
    brightness: Draws
    contrast: Draws
    gamma: Draws
    colour: Draws
    blur: Draws
    noise: Draws
    stretch: Draws
    mixing: Draws
    illumination: Draws
    sharpen: Draws
    sharpen_sigma: Draws
    resolution: Draws
    jpeg: NDArray[np.int64]
    renormalise: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.angle)

    @property
    def resampled(self) -> NDArray[np.bool_]:
        """(B,) bool: which patches are turned, scaled or stretched, so that they cannot be cut out as they are."""
        return np.asarray((self.angle != 0.0) | (self.scale != 1.0) | (self.stretch != 1.0))

    def part(self, chosen: NDArray[np.int64]) -> Augmentation:
        """What happens to some of the patches, by their numbers."""
        return Augmentation(*(getattr(self, item.name)[chosen] for item in fields(self)))


def draw(config: AugmentConfig, patches: int, rng: np.random.Generator) -> Augmentation:
    """Draws what happens to each of `patches` patches."""
    # Every number is drawn whatever the configuration, so that switching one transform off leaves the others alone.
    # What came later is drawn later, so that it does not change what a seed gives without it.
    chance, value, flip = rng.random((8, patches)), rng.random((8, patches)), rng.random((patches, 3))
    gains = rng.random((patches, 3))
    chance, value = (
        np.concatenate([chance, rng.random((7, patches))]),
        np.concatenate([value, rng.random((6, patches))]),
    )
    mixed, surface = rng.random((patches, 3, 3)), rng.standard_normal((patches, 3, 3))

    def chosen(row: int, probability: float, changed: Draws, neutral: float) -> Draws:
        return np.where(chance[row] < probability, changed, neutral)

    def chosen_each(row: int, probability: float, changed: Draws, neutral: Draws | float) -> Draws:
        return np.where((chance[row] < probability)[:, None, None], changed, neutral)

    def factor(row: int, low: float, high: float) -> Draws:
        return np.asarray(low * (high / low) ** value[row])

    angle = np.deg2rad(config.rotation.degrees) * (2 * value[0] - 1)
    gains = 1 + config.colour.amount * (2 * gains - 1)
    stretch = factor(8, 1 / (1 + config.stretch.amount), 1 + config.stretch.amount)
    mixing = np.eye(3) + config.mixing.amount * (2 * mixed - 1)
    illumination = (config.illumination.amount * value[9])[:, None, None] * surface
    quality = np.floor(config.jpeg.low + (config.jpeg.high - config.jpeg.low + 1) * value[13])
    return Augmentation(
        flips=flip < np.array([config.flips.horizontal, config.flips.vertical, config.flips.diagonal]),
        angle=chosen(0, config.rotation.probability, angle, 0.0),
        scale=chosen(1, config.scale.probability, factor(1, config.scale.low, config.scale.high), 1.0),
        brightness=chosen(2, config.brightness.probability, config.brightness.amount * (2 * value[2] - 1), 0.0),
        contrast=chosen(3, config.contrast.probability, 1 + config.contrast.amount * (2 * value[3] - 1), 1.0),
        gamma=chosen(4, config.gamma.probability, factor(4, config.gamma.low, config.gamma.high), 1.0),
        colour=np.where((chance[5] < config.colour.probability)[:, None], gains, 1.0),
        blur=chosen(6, config.blur.probability, config.blur.sigma * value[6], 0.0),
        noise=chosen(7, config.noise.probability, config.noise.sigma * value[7], 0.0),
        stretch=chosen(8, config.stretch.probability, stretch, 1.0),
        mixing=chosen_each(10, config.mixing.probability, mixing, np.eye(3)),
        illumination=chosen_each(9, config.illumination.probability, illumination, 0.0),
        sharpen=chosen(11, config.sharpen.probability, config.sharpen.amount * value[10], 0.0),
        sharpen_sigma=config.sharpen.sigma * value[11],
        resolution=chosen(12, config.resolution.probability, factor(12, 1.0, config.resolution.factor), 1.0),
        jpeg=chosen(13, config.jpeg.probability, quality, 0.0).astype(np.int64),
        renormalise=chance[14] < config.renormalise.probability,
    )


def numbers(chosen: NDArray[np.bool_], device: torch.device) -> Tensor | None:
    """The numbers of the chosen patches, or None where there are none."""
    return torch.from_numpy(np.flatnonzero(chosen)).to(device) if chosen.any() else None


def column(values: Draws, device: torch.device) -> Tensor:
    """One value a patch, float32 (B, 1, 1, 1)."""
    return torch.from_numpy(values).float().to(device)[:, None, None, None]


def put(pictures: Tensor, index: Tensor, part: Tensor) -> None:
    """Puts (b, 3, h, w) back where `numbers` took it from."""
    # Between tensors of the same order of memory the copy is more than twice as fast.
    pictures[index] = part.contiguous(memory_format=torch.channels_last)
