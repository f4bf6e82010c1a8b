"""How a photograph was lit and exposed, changed for a whole batch; and what that does to its statistics."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retseg.core.types import Classes
from retseg.training.augment import Augmentation, column, numbers, put

_EVERY = 4  # one pixel in so many rows and columns is enough for a mean and a deviation
_LEAST_DEVIATION = 1e-3
_MOST = 3.0  # a patch is not the photograph: a deviation follows by no larger factor


def relight(pictures: Tensor, augmentation: Augmentation) -> Tensor:
    """Changes gamma, contrast, brightness and colours of (B, 3, p, p) float pictures in 0..1.

    In place where it can; the result may leave 0..1.
    """
    device = pictures.device
    index = numbers(augmentation.gamma != 1.0, device)
    if index is not None:
        put(pictures, index, pictures[index].pow_(column(augmentation.gamma[augmentation.gamma != 1.0], device)))
    changed = (augmentation.contrast != 1.0) | (augmentation.brightness != 0.0) | (augmentation.colour != 1.0).any(1)
    index = numbers(changed, device)
    if index is not None:
        part = pictures[index]
        contrast, brightness = (
            column(values[changed], device) for values in (augmentation.contrast, augmentation.brightness)
        )
        gain = torch.from_numpy(augmentation.colour[changed]).float().to(device)[:, :, None, None]
        mean = part.mean((2, 3), keepdim=True)
        # gain * (contrast * (x - mean) + mean + brightness), as one multiplication and one addition per pixel
        put(pictures, index, part.mul_(gain * contrast).add_(gain * ((1 - contrast) * mean + brightness)))
    return _unevenly_lit(_mixed(pictures, augmentation), augmentation)


class Exposure:
    """Lets the statistics of photographs follow what `relight` does to patches of them.

    Made before the light changes, asked after it. What the change did to the patch's mean and deviation inside the
    field of view, as one factor and one offset a channel, is taken to have happened to the whole photograph.

    Args:
        pictures: (B, 3, p, p) float in 0..1, as they are before the light changes.
        labels: (B, p, p) uint8 class maps.
        classes: Which pixels to leave out: those outside the field of view and those that take part in nothing.
        augmentation: Whose statistics are to follow.
    """

    def __init__(self, pictures: Tensor, labels: Tensor, classes: Classes, augmentation: Augmentation) -> None:
        self._chosen = numbers(augmentation.renormalise, pictures.device)
        if self._chosen is None:
            return
        labels = labels[:, ::_EVERY, ::_EVERY][self._chosen]
        inside = labels != classes.ignore
        if classes.outside is not None:
            inside &= labels != classes.outside
        self._inside = inside[:, None].float()
        self._before = self._measured(pictures, self._chosen)

    def followed(self, pictures: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        """The statistics `mean` and `std` (B, 3) of the photographs, as they would be of the photographs relit."""
        if self._chosen is None:
            return mean, std
        (old_mean, old_std), (new_mean, new_std) = self._before, self._measured(pictures, self._chosen)
        ratio = (new_std / old_std).clamp(1 / _MOST, _MOST)
        whole_mean, whole_std = mean[self._chosen], std[self._chosen]
        # Brightness in 0..1 never deviates by 1: such statistics were not measured, and nothing would follow.
        known = (whole_std < 1.0) & (self._inside.sum((2, 3)) > 0)
        mean, std = mean.clone(), std.clone()
        mean[self._chosen] = torch.where(known, new_mean - (old_mean - whole_mean) * ratio, whole_mean)
        std[self._chosen] = torch.where(known, whole_std * ratio, whole_std)
        return mean, std

    def _measured(self, pictures: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation (B, 3) inside the field of view, of what a camera can store."""
        seen = pictures[:, :, ::_EVERY, ::_EVERY].contiguous()[chosen].clamp_(0.0, 1.0)
        count = self._inside.sum((2, 3)).clamp(min=1.0)
        mean = (seen * self._inside).sum((2, 3)) / count
        square = ((seen - mean[:, :, None, None]) ** 2 * self._inside).sum((2, 3)) / count
        return mean, square.sqrt() + _LEAST_DEVIATION


def _mixed(pictures: Tensor, augmentation: Augmentation) -> Tensor:
    changed = (augmentation.mixing != [[1, 0, 0], [0, 1, 0], [0, 0, 1]]).any((1, 2))
    index = numbers(changed, pictures.device)
    if index is None:
        return pictures
    part = pictures[index]
    matrix = torch.from_numpy(augmentation.mixing[changed]).float().to(part.device)
    put(pictures, index, torch.bmm(matrix, part.flatten(2)).view(part.shape))
    return pictures


def _unevenly_lit(pictures: Tensor, augmentation: Augmentation) -> Tensor:
    changed = (augmentation.illumination != 0.0).any((1, 2))
    index = numbers(changed, pictures.device)
    if index is None:
        return pictures
    heights = torch.from_numpy(augmentation.illumination[changed]).float().to(pictures.device)
    # A bicubic surface is the same cubic curve along rows and columns: two small products instead of 16 for a pixel.
    points, side = torch.eye(3, device=pictures.device)[:, None, :, None], pictures.shape[-1]
    curve = F.interpolate(points, size=(side, 1), mode="bicubic", align_corners=True)[:, 0, :, 0]
    surface = (1 + curve.T @ heights @ curve).clamp_(min=0.0)
    put(pictures, index, pictures[index].mul_(surface[:, None]))
    return pictures
