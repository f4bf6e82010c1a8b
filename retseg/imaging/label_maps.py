"""Label maps: from what owners ship (black and white, grey, coloured) to class indices and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, UInt8Array

_SHOWN_VALUES = 8


def binary_mask(
    raw: NDArray[Any], where: Path | str, allowed: frozenset[int] | None = frozenset(), threshold: int = 127
) -> BoolArray:
    """A raw label (H, W) as a mask (H, W).

    Two-valued labels (0 and 1, 0 and 255, 0 and 65535 in 16 bits) always pass. Grey values pass only where `allowed`
    names them all, or is None for any, and are cut at `value > threshold` on the scale 0..255.
    """
    if raw.ndim != 2:
        raise ImageError("a label with colours instead of black and white", where=where, fix=_FIX)
    if raw.dtype == bool:
        return raw.copy()
    highest = int(raw.max())
    if highest <= 1:
        mask: BoolArray = raw == 1
        return mask
    white = 255 if highest <= 255 else 65535
    mask = raw == white
    if bool((mask | (raw == 0)).all()):
        return mask
    values = [int(value) for value in np.unique(raw)]
    if allowed is None or allowed.issuperset(values):
        grey: BoolArray = raw > threshold * (white // 255)
        return grey
    shown = ", ".join(map(str, values[:_SHOWN_VALUES])) + (", ..." if len(values) > _SHOWN_VALUES else "")
    raise ImageError(f"a label with {len(values)} grey values: {shown} (expected 0 and 255)", where=where, fix=_FIX)


_FIX = "Save the label as a black-and-white PNG, not as JPEG, and without resizing it"


def vessel_label_map(
    vessel: BoolArray, fov: BoolArray, *, outside: int = 0, vessel_index: int = 1, retina: int = 2
) -> UInt8Array:
    """The class map (H, W) of a vessel mask: `outside` where the field of view is not, whatever the mask says there."""
    if vessel.shape != fov.shape:
        raise ValueError(f"vessel mask {vessel.shape} and field of view {fov.shape} differ in size")
    inside = np.where(vessel, np.uint8(vessel_index), np.uint8(retina))
    return np.where(fov, inside, np.uint8(outside))


def colour_to_index(rgb: UInt8Array, palette: UInt8Array, ignore: int) -> UInt8Array:
    """Class indices (H, W) of a colour-coded label (H, W, 3); colours that no class has become `ignore`.

    `palette` (N, 3) has one row a class, and no rows beyond the classes. Of equal colours the first class counts.
    """
    table = np.full(1 << 24, ignore, np.uint8)
    # Backwards, so that the first of two equal colours is written last.
    table[_packed(palette)[::-1]] = np.arange(len(palette), dtype=np.uint8)[::-1]
    return table[_packed(rgb)]


def index_to_colour(index: UInt8Array, palette: UInt8Array) -> UInt8Array:
    """The colours (H, W, 3) of class indices (H, W); indices beyond the palette (the ignore value) are black."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    return table[index]


def _packed(colours: UInt8Array) -> NDArray[np.int32]:
    """Each colour as one number, red highest."""
    channels = colours.astype(np.int32)
    return (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2]
