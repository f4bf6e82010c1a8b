"""Reading photographs and labels of any supported format, and writing PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError, OutputError
from retseg.core.paths import write_atomically
from retseg.core.types import UInt8Array
from retseg.imaging.decoding import Raster, decode, size_in_header
from retseg.imaging.files import IMAGE_SUFFIXES, is_image, list_images, plain_stem

__all__ = [
    "IMAGE_SUFFIXES",
    "SMALLEST_SIDE",
    "image_size",
    "is_image",
    "list_images",
    "plain_stem",
    "read_image",
    "read_label",
    "write_png",
]

SMALLEST_SIDE = 16
"""Pixels. Anything smaller is an icon or a mistake, not a photograph."""

# Differences to the row above, then runs of equal bytes only: twice as fast as zlib's own search, and smaller but for
# 16-bit maps, which grow by a fifteenth. Higher levels take several times longer and save a tenth on photographs.
_PNG = {"level": 1, "filter": imagecodecs.PNG.FILTER.UP, "strategy": imagecodecs.PNG.STRATEGY.RLE}


def read_image(path: Path | str) -> UInt8Array:
    """A photograph as (H, W, 3) uint8 RGB, upright; 16 bits are scaled to 8, floats are taken as 0..1.

    Of several pages the first counts. Transparent pixels become black.
    """
    raster = decode(path)
    _check_side(raster, path)
    values = _as_bytes(raster, path) if raster.palette is None else _painted(raster, path)
    if raster.alpha is not None and raster.alpha.any():
        opacity = raster.alpha.astype(np.float32) / raster.white
        if opacity.min() < 1:
            values = np.rint(values * (opacity if values.ndim == 2 else opacity[..., None])).astype(np.uint8)
    if values.ndim == 2:
        return np.repeat(values[..., None], 3, axis=2)
    return np.ascontiguousarray(values)


def read_label(path: Path | str) -> NDArray[Any]:
    """A label as its owner wrote it: raw values (H, W) uint8 or uint16, or (H, W, 3) uint8 where it has colours.

    Palette images give their indices unless the colours in use are really coloured. One-bit images give 0 and 1;
    RGB with three equal channels gives one channel.
    """
    raster = decode(path)
    _check_side(raster, path)
    values = raster.values
    if raster.palette is not None:
        used = raster.palette[np.unique(np.minimum(values, len(raster.palette) - 1))]
        return _painted(raster, path) if _is_coloured(used) else _as_integers(values, path)
    if values.ndim == 3 and _is_coloured(values):
        return np.ascontiguousarray(_as_bytes(raster, path))
    return _as_integers(values[..., 0] if values.ndim == 3 else values, path)


def image_size(path: Path | str) -> tuple[int, int]:
    """(height, width) in pixels of the upright image, read from the file's header only."""
    return size_in_header(path)


def write_png(path: Path | str, array: NDArray[Any]) -> None:
    """Writes (H, W) bool or uint8 or uint16, or (H, W, 3) uint8, as PNG; bool as 0 and 255. Whole or not at all."""
    if array.dtype == bool:
        array = array.view(np.uint8) * np.uint8(255)
    grey = array.ndim == 2 and array.dtype in (np.uint8, np.uint16)
    colour = array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8
    if not (grey or colour) or not array.size:
        raise ValueError(f"no PNG for an array of shape {array.shape} and type {array.dtype}")
    data = imagecodecs.png_encode(np.ascontiguousarray(array), **_PNG)
    try:
        write_atomically(Path(path), bytes(data))
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"the image cannot be written ({reason})", where=path, fix="Check the disk") from error


def _check_side(raster: Raster, path: Path | str) -> None:
    height, width = raster.values.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise ImageError(
            f"the image is too small: {width}x{height} pixels, at least {SMALLEST_SIDE}x{SMALLEST_SIDE} are needed",
            where=path,
            fix="Replace it by the original photograph",
        )


def _painted(raster: Raster, path: Path | str) -> UInt8Array:
    assert raster.palette is not None
    if int(raster.values.max()) >= len(raster.palette):
        raise ImageError("the image uses colours that its palette does not have", where=path, fix="Export it as RGB")
    painted: UInt8Array = raster.palette[raster.values]
    return painted


def _as_bytes(raster: Raster, path: Path | str) -> UInt8Array:
    """Values on the scale 0..white as 0..255."""
    values, white = raster.values, raster.white
    if values.dtype == np.uint8 and white == 255:
        return values
    if values.dtype.kind == "f":
        _check_unit_range(values, path)
    elif values.dtype.kind == "i" and int(values.min()) < 0:
        raise ImageError("the image holds negative values", where=path, fix="Export it as 8-bit or 16-bit unsigned")
    scaled = np.multiply(values, np.float32(255 / white), dtype=np.float32)
    levels: UInt8Array = np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8)
    return levels


def _check_unit_range(values: NDArray[Any], path: Path | str) -> None:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ImageError("the image holds NaN or infinite values", where=path, fix="Export it as 8-bit or 16-bit")
    if low < -1e-3 or high > 1 + 1e-3:
        what = f"a floating-point image must hold 0 to 1, this one holds {low:.4g} to {high:.4g}"
        raise ImageError(what, where=path, fix="Export it as 8-bit or 16-bit")


def _as_integers(values: NDArray[Any], path: Path | str) -> NDArray[Any]:
    """The same values as uint8 or uint16; anything that does not fit is not a label."""
    if values.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(values)
    whole = values.dtype.kind in "iu" or (np.isfinite(values).all() and bool((values == np.rint(values)).all()))
    low, high = (float(values.min()), float(values.max())) if whole else (0.0, 0.0)
    if not whole or low < 0 or high > np.iinfo(np.uint16).max:
        what = f"a label must hold whole numbers from 0 to 65535, this one holds {values.dtype} beyond that"
        raise ImageError(what, where=path, fix="Export the label as an 8-bit image")
    return values.astype(np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16)


def _is_coloured(colours: NDArray[Any]) -> bool:
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    return not (np.array_equal(red, green) and np.array_equal(green, blue))
