"""What a camera and a file lose of the picture, for a whole batch: sharpness, resolution, noise, JPEG's artefacts."""

from __future__ import annotations

import math

import imagecodecs
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from retseg.training.augment import Augmentation, Draws, column, numbers, put

_BLUR_REACH = 3.0  # a Gaussian is cut off after so many standard deviations


def degrade(pictures: Tensor, augmentation: Augmentation, noise_seed: int) -> Tensor:
    """Blurs, sharpens, coarsens, adds noise, stores as JPEG: (B, 3, p, p) float, in place; the result is in 0..1."""
    device = pictures.device
    index = numbers(augmentation.blur > 0, device)
    if index is not None:
        put(pictures, index, blurred(pictures[index], augmentation.blur[augmentation.blur > 0]))
    sharpened = augmentation.sharpen > 0
    index = numbers(sharpened, device)
    if index is not None:
        part, amount = pictures[index], column(augmentation.sharpen[sharpened], device)
        lost = part - blurred(part, augmentation.sharpen_sigma[sharpened])
        put(pictures, index, part.add_(lost.mul_(amount)))
    pictures = _coarsen(pictures, augmentation.resolution)
    pictures = _add_noise(pictures, augmentation.noise, noise_seed)
    return _store(pictures.clamp_(0.0, 1.0), augmentation)


def blurred(pictures: Tensor, sigma: Draws) -> Tensor:
    """(B, K, h, w) float pictures, each blurred with a Gaussian of its own standard deviation in pixels."""
    reach = min(math.ceil(_BLUR_REACH * float(sigma.max())), min(pictures.shape[2:]) - 1)
    distance = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (distance / np.maximum(sigma[:, None], 1e-3)) ** 2)
    kernel /= kernel.sum(1, keepdims=True)
    # One channel per patch and colour, each with its own kernel, first along the rows and then along the columns. A CPU
    # is several times faster at it when the channels come last.
    weight = torch.from_numpy(kernel).float().to(pictures.device).repeat_interleave(pictures.shape[1], 0)[:, None]
    planes = F.pad(pictures.contiguous(), (reach,) * 4, mode="reflect").flatten(0, 1)[None]
    planes = planes.contiguous(memory_format=torch.channels_last)
    planes = F.conv2d(planes, weight[:, :, None, :], groups=planes.shape[1])
    planes = F.conv2d(planes, weight[:, :, :, None], groups=planes.shape[1])
    return planes[0].reshape(pictures.shape)


def _coarsen(pictures: Tensor, factor: Draws) -> Tensor:
    side = pictures.shape[2:]
    for slot in np.flatnonzero(factor > 1.0).tolist():
        # Each has its own size, so they go one by one.
        small = [max(1, round(extent / float(factor[slot]))) for extent in side]
        shrunk = F.interpolate(pictures[slot : slot + 1].contiguous(), size=small, mode="area")
        pictures[slot : slot + 1] = F.interpolate(shrunk, size=side, mode="bicubic", align_corners=False)
    return pictures


def _add_noise(pictures: Tensor, sigma: Draws, seed: int) -> Tensor:
    index = numbers(sigma > 0, pictures.device)
    if index is None:
        return pictures
    source = torch.Generator(pictures.device).manual_seed(seed)
    part = pictures[index]
    noise = torch.randn(part.shape, generator=source, device=part.device)
    put(pictures, index, part.add_(noise.mul_(column(sigma[sigma > 0], part.device))))
    return pictures


def _store(pictures: Tensor, augmentation: Augmentation) -> Tensor:
    """To JPEG and back on the host, with the coarser colours that nearly every camera stores."""
    for slot in np.flatnonzero(augmentation.jpeg > 0).tolist():
        levels = (pictures[slot].permute(1, 2, 0) * 255).round().to("cpu", torch.uint8).contiguous().numpy()
        file = imagecodecs.jpeg8_encode(levels, level=int(augmentation.jpeg[slot]), subsampling="420")
        levels = np.ascontiguousarray(imagecodecs.jpeg8_decode(file))
        pictures[slot] = torch.from_numpy(levels).to(pictures.device).permute(2, 0, 1).float().div_(255)
    return pictures
