"""Augmentation of a whole batch at once, on the device: what was drawn for each patch, and how it is done to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from retseg.training.config import AugmentConfig

Draws = NDArray[np.float64]

_BLUR_REACH = 3.0  # a Gaussian is cut off after so many standard deviations


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

    @property
    def resampled(self) -> NDArray[np.bool_]:
        """(B,) bool: which patches are turned or scaled, so that they cannot be cut out as they are."""
        return np.asarray((self.angle != 0.0) | (self.scale != 1.0))

    @property
    def reach(self) -> Draws:
        """(B,): how much larger than the patch the square is that its content comes from."""
        return np.asarray((np.abs(np.cos(self.angle)) + np.abs(np.sin(self.angle))) / self.scale)

    def part(self, chosen: NDArray[np.int64]) -> Augmentation:
        """What happens to some of the patches, by their numbers."""
        return Augmentation(*(getattr(self, item.name)[chosen] for item in fields(self)))


def draw(config: AugmentConfig, patches: int, rng: np.random.Generator) -> Augmentation:
    """Draws what happens to each of `patches` patches."""
    # Every number is drawn whatever the configuration, so that switching one transform off leaves the others alone.
    chance, value, flip = rng.random((8, patches)), rng.random((8, patches)), rng.random((patches, 3))
    gains = rng.random((patches, 3))

    def chosen(row: int, probability: float, changed: Draws, neutral: float) -> Draws:
        return np.where(chance[row] < probability, changed, neutral)

    def factor(row: int, low: float, high: float) -> Draws:
        return np.asarray(low * (high / low) ** value[row])

    angle = np.deg2rad(config.rotation.degrees) * (2 * value[0] - 1)
    gains = 1 + config.colour.amount * (2 * gains - 1)
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
    )


def margin(augmentation: Augmentation, patch_size: int) -> int:
    """Pixels that must be cut around patches of `patch_size` so that turning and scaling never look beyond them."""
    return max(0, math.ceil((float(augmentation.reach.max()) - 1) * patch_size / 2) + 1)


def resample(pictures: Tensor, maps: Tensor, augmentation: Augmentation, patch_size: int) -> tuple[Tensor, Tensor]:
    """Turns and scales: one affine sampling from squares that are larger than the patches by `margin` on every side.

    `pictures` (B, 3, S, S) float are sampled bilinearly, `maps` (B, K, S, S) uint8 at the nearest pixel. Returns
    (B, 3, p, p) float and (B, K, p, p) uint8, centred like the squares.
    """
    count, side = len(pictures), pictures.shape[-1]
    # Rows of the matrix give x and y of the source; coordinates run from -1 to 1 between the outermost pixels' centres.
    shrink = (patch_size - 1) / (side - 1) / augmentation.scale
    cos, sin = shrink * np.cos(augmentation.angle), shrink * np.sin(augmentation.angle)
    zero = np.zeros(count)
    matrix = np.stack([np.stack([cos, -sin, zero], 1), np.stack([sin, cos, zero], 1)], 1)
    theta = torch.from_numpy(matrix).float().to(pictures.device)
    grid = F.affine_grid(theta, [count, 1, patch_size, patch_size], align_corners=True)
    turned = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=True)
    labels = F.grid_sample(maps.float(), grid, mode="nearest", padding_mode="border", align_corners=True)
    return turned, labels.to(torch.uint8)


def flip(pictures: Tensor, maps: Tensor, augmentation: Augmentation) -> tuple[Tensor, Tensor]:
    """Mirrors those of the (B, 3, p, p) pictures and (B, K, p, p) maps that are to be mirrored; exact."""
    for axis, chosen in enumerate(augmentation.flips.T):
        index = _index(chosen, pictures.device)
        if index is None:
            continue
        picture, labels = pictures[index], maps[index]
        if axis == 2:
            pictures[index], maps[index] = picture.transpose(2, 3), labels.transpose(2, 3)
        else:
            pictures[index], maps[index] = picture.flip(3 - axis), labels.flip(3 - axis)
    return pictures, maps


def relight(pictures: Tensor, augmentation: Augmentation, noise_seed: int) -> Tensor:
    """Changes how (B, 3, p, p) float pictures in 0..1 are lit, in place where it can; the result stays in 0..1."""
    device = pictures.device
    index = _index(augmentation.gamma != 1.0, device)
    if index is not None:
        pictures[index] = pictures[index].pow(_column(augmentation.gamma[augmentation.gamma != 1.0], device))
    changed = (augmentation.contrast != 1.0) | (augmentation.brightness != 0.0) | (augmentation.colour != 1.0).any(1)
    index = _index(changed, device)
    if index is not None:
        part = pictures[index]
        contrast, brightness = (
            _column(values[changed], device) for values in (augmentation.contrast, augmentation.brightness)
        )
        gain = torch.from_numpy(augmentation.colour[changed]).float().to(device)[:, :, None, None]
        mean = part.mean((2, 3), keepdim=True)
        # gain * (contrast * (x - mean) + mean + brightness), as one multiplication and one addition per pixel
        pictures[index] = part * (gain * contrast) + gain * ((1 - contrast) * mean + brightness)
    pictures = _blur(pictures, augmentation.blur)
    pictures = _add_noise(pictures, augmentation.noise, noise_seed)
    return pictures.clamp_(0.0, 1.0)


def _blur(pictures: Tensor, sigma: Draws) -> Tensor:
    blurred = sigma > 0
    index = _index(blurred, pictures.device)
    if index is None:
        return pictures
    reach = min(math.ceil(_BLUR_REACH * float(sigma.max())), pictures.shape[-1] - 1)
    distance = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (distance / np.maximum(sigma[blurred, None], 1e-3)) ** 2)
    kernel /= kernel.sum(1, keepdims=True)
    # One channel per patch and colour, each with its own kernel, first along the rows and then along the columns.
    weight = torch.from_numpy(kernel).float().to(pictures.device).repeat_interleave(3, 0)[:, None]
    part = pictures[index]
    planes = F.pad(part, (reach,) * 4, mode="reflect").flatten(0, 1)[None]
    planes = F.conv2d(planes, weight[:, :, None, :], groups=planes.shape[1])
    planes = F.conv2d(planes, weight[:, :, :, None], groups=planes.shape[1])
    pictures[index] = planes[0].reshape(part.shape)
    return pictures


def _add_noise(pictures: Tensor, sigma: Draws, seed: int) -> Tensor:
    index = _index(sigma > 0, pictures.device)
    if index is None:
        return pictures
    source = torch.Generator(pictures.device).manual_seed(seed)
    part = pictures[index]
    noise = torch.randn(part.shape, generator=source, device=part.device)
    pictures[index] = part + noise * _column(sigma[sigma > 0], part.device)
    return pictures


def _index(chosen: NDArray[np.bool_], device: torch.device) -> Tensor | None:
    """The numbers of the chosen patches, or None where there are none."""
    return torch.from_numpy(np.flatnonzero(chosen)).to(device) if chosen.any() else None


def _column(values: Draws, device: torch.device) -> Tensor:
    return torch.from_numpy(values).float().to(device)[:, None, None, None]
