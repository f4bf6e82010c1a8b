"""The geometry of augmentation: patches turned, scaled, stretched and mirrored together with their targets."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from retseg.training.augment import Augmentation, Draws, numbers
from retseg.training.degrade import blurred

_FINE = 0.75  # content shrunk by less than this is sampled as it is
_SMOOTHING = 0.35  # standard deviation, in pixels of the result, of the blur before content is shrunk further


def reach(augmentation: Augmentation) -> Draws:
    """(B,): how much larger than the patch the square is that its content comes from."""
    wide, high = _sides(augmentation)
    cos, sin = np.abs(np.cos(augmentation.angle)), np.abs(np.sin(augmentation.angle))
    return np.asarray(np.maximum(cos * wide + sin * high, sin * wide + cos * high) / augmentation.scale)


def margins(augmentation: Augmentation, patch_size: int) -> NDArray[np.int64]:
    """(B,): pixels to cut around each patch of `patch_size` so that its sampling never looks beyond them."""
    beyond = np.ceil((reach(augmentation) - 1) * patch_size / 2).astype(np.int64) + 1
    return np.asarray(np.maximum(beyond, 0))


def resample(pictures: Tensor, maps: Tensor, augmentation: Augmentation, patch_size: int) -> tuple[Tensor, Tensor]:
    """Turns, scales, stretches and mirrors: one affine sampling from squares that are larger than the patches.

    They are larger by the largest of `margins` on every side, and each needs content only as far as its own margin
    reaches. `pictures` (B, 3, S, S) float, whose content may be blurred in place, are sampled bilinearly; `maps`
    (B, K, S, S), bytes in any type, at the nearest pixel. Returns (B, 3, p, p) float and (B, K, p, p) uint8, centred
    like the squares.
    """
    _against_aliasing(pictures, augmentation, patch_size)
    grid = _grid(augmentation, patch_size, pictures.shape[-1], pictures.device)
    turned = _sampled(pictures, grid, "bilinear")
    return turned, _sampled(maps.float(), grid, "nearest").to(torch.uint8)


def flip(planes: Tensor, augmentation: Augmentation) -> Tensor:
    """Mirrors, in place, those of the (B, K, p, p) planes that are to be mirrored; exact."""
    for axis, chosen in enumerate(augmentation.flips.T):
        index = numbers(chosen, planes.device)
        if index is not None:
            part = planes[index]
            planes[index] = part.transpose(2, 3) if axis == 2 else part.flip(3 - axis)
    return planes


def _sides(augmentation: Augmentation) -> tuple[Draws, Draws]:
    """Width and height of the content that makes a square, before it is scaled and turned."""
    height = np.sqrt(augmentation.stretch)
    return 1 / height, height


def _grid(augmentation: Augmentation, patch_size: int, side: int, device: torch.device) -> Tensor:
    """(B, p, p, 2): x and y of the source of every pixel, from -1 to 1 between the outermost pixels' centres."""
    wide, high = _sides(augmentation)
    shrink = (patch_size - 1) / (side - 1) / augmentation.scale
    cos, sin = shrink * np.cos(augmentation.angle), shrink * np.sin(augmentation.angle)
    matrix = np.stack([np.stack([cos * wide, sin * wide], 1), np.stack([-sin * high, cos * high], 1)])
    of_x, of_y = torch.from_numpy(matrix).float().to(device)[..., None, None]
    along = torch.linspace(-1, 1, patch_size, device=device)
    # Mirrored here, where it costs least: what is sampled comes out mirrored, to the bit.
    return flip(of_x * along + of_y * along[:, None], augmentation).permute(0, 2, 3, 1)


def _sampled(planes: Tensor, grid: Tensor, mode: str) -> Tensor:
    return F.grid_sample(planes, grid, mode=mode, padding_mode="border", align_corners=True)


def _against_aliasing(pictures: Tensor, augmentation: Augmentation, patch_size: int) -> None:
    """Blurs, in place, the content that is shrunk so far that single pixels of it would be left out."""
    border = (pictures.shape[-1] - patch_size) // 2
    room = margins(augmentation, patch_size)
    for slot in np.flatnonzero(augmentation.scale < _FINE).tolist():
        inner = slice(max(border - int(room[slot]), 0), border + patch_size + int(room[slot]))
        part = pictures[slot : slot + 1, :, inner, inner]
        part.copy_(blurred(part, np.array([_SMOOTHING / augmentation.scale[slot]])))
