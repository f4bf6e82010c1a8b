"""Pictures to look at: a mask laid over its photograph, errors in colour, contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from retseg.core.types import BoolArray, UInt8Array, UInt16Array

Colour = tuple[int, int, int]

ERROR_COLOURS: Mapping[str, Colour] = MappingProxyType(
    {
        "true positive": (240, 240, 240),
        "false positive": (230, 159, 0),
        "false negative": (86, 180, 233),
    }
)
"""White, orange and sky blue (Okabe and Ito): distinct to colour-blind readers. True negatives keep the photograph."""

_DIMMED = 0.45
_OUTSIDE = 0.15
_MARGIN = 8
_TITLE_SIZE = 16


def class_overlay(image: UInt8Array, mask: BoolArray, colour: Colour, alpha: float = 0.6) -> UInt8Array:
    """The photograph (H, W, 3) with `colour` mixed in by `alpha` (0..1) where `mask` (H, W) is true."""
    result = image.copy()
    mixed = image[mask] * (1 - alpha) + np.asarray(colour, np.float32) * alpha
    result[mask] = np.rint(mixed).astype(np.uint8)
    return result


def outlined(image: UInt8Array, ids: UInt16Array, colour: Colour = (255, 255, 255)) -> UInt8Array:
    """The picture (H, W, 3) with the border of each instance of an id map (H, W) drawn one pixel wide, inside it."""
    around = np.pad(ids, 1, mode="edge")
    neighbours = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    border = (ids > 0) & np.logical_or.reduce([ids != other for other in neighbours])
    result = image.copy()
    result[border] = colour
    return result


def error_overlay(image: UInt8Array, predicted: BoolArray, truth: BoolArray, fov: BoolArray) -> UInt8Array:
    """The dimmed grey photograph (H, W, 3) with true positives, false positives and false negatives in ERROR_COLOURS.

    Nothing is marked outside the field of view, which is darkened further.
    """
    # The green channel, where vessels show best.
    grey = image[..., 1] * np.where(fov, np.float32(_DIMMED), np.float32(_OUTSIDE))
    result = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    result[predicted & truth & fov] = ERROR_COLOURS["true positive"]
    result[predicted & ~truth & fov] = ERROR_COLOURS["false positive"]
    result[~predicted & truth & fov] = ERROR_COLOURS["false negative"]
    return result


def contact_sheet(images: Sequence[tuple[str, UInt8Array]], *, columns: int = 4, side: int = 320) -> UInt8Array:
    """All images, (H, W, 3) or grey (H, W), as titled tiles of at most `side` pixels, in rows of `columns`."""
    if not images:
        raise ValueError("a contact sheet needs at least one image")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    cell_width, cell_height = side + _MARGIN, side + _TITLE_SIZE + 2 * _MARGIN
    sheet = Image.new("RGB", (columns * cell_width + _MARGIN, rows * cell_height + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_TITLE_SIZE - 3)
    for number, (title, image) in enumerate(images):
        left = _MARGIN + (number % columns) * cell_width
        top = _MARGIN + (number // columns) * cell_height
        draw.text((left, top), _shortened(title, font, side), fill="black", font=font)
        tile = Image.fromarray(image).convert("RGB")
        tile = ImageOps.contain(tile, (side, side), Image.Resampling.BILINEAR)
        sheet.paste(tile, (left + (side - tile.width) // 2, top + _TITLE_SIZE + (side - tile.height) // 2 + 2))
    return np.array(sheet)


def _shortened(title: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The title, with its beginning left out where it is too long: the end of a path tells files apart."""
    if font.getlength(title) <= width:
        return title
    while len(title) > 1 and font.getlength("…" + title) > width:
        title = title[1:]
    return "…" + title
