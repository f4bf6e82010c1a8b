"""What can be laid over a photograph, as small clear PNGs: mask, contour, probability, uncertainty and calibre."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.reporting.view_models import Colour

MASK_COLOUR: Colour = (60, 195, 255)
CONTOUR_COLOUR: Colour = (255, 255, 255)
PROBABILITY_COLOUR: Colour = (120, 230, 255)
UNCERTAINTY_COLOUR: Colour = (255, 240, 60)
CALIBRE_COLOURS: tuple[Colour, ...] = (
    (253, 231, 37),
    (144, 215, 67),
    (53, 183, 121),
    (33, 145, 140),
    (64, 110, 170),
    (116, 60, 150),
)
"""Viridis from its light end, for thin vessels, to its dark end: an order that colour-blind readers see, too."""

CALIBRE_STEPS = 4
"""Skeleton files hold so many steps to the pixel."""

_MICROMETRES = (45.0, 65.0, 85.0, 105.0, 125.0)
_ALPHA_LEVELS = 16
_HALF = 0.5

Png = bytes


def mask_layer(mask: BoolArray) -> Png:
    """The mask (H, W) in its colour, clear elsewhere."""
    return _flat(mask, MASK_COLOUR)


def contour_layer(mask: BoolArray) -> Png:
    """The outline of the mask (H, W): where the probability crosses the threshold. Wider in large photographs.

    It runs outside of the mask, so that what was marked can be seen between its lines.
    """
    return _flat(ndimage.binary_dilation(mask, iterations=line_width(mask.shape[1], 1000)) & ~mask, CONTOUR_COLOUR)


def soft_layer(values: Float32Array, colour: Colour) -> Png:
    """Values 0..1 (H, W) as one colour that is the more opaque the higher the value, in 16 steps."""
    steps = np.rint(np.clip(np.nan_to_num(values), 0, 1) * (_ALPHA_LEVELS - 1)).astype(np.uint8)
    alphas = [round(level * 255 / (_ALPHA_LEVELS - 1)) for level in range(_ALPHA_LEVELS)]
    return _palette_png(steps, [colour] * _ALPHA_LEVELS, alphas, 4)


def calibre_layer(skeleton: UInt8Array, edges: Sequence[float]) -> Png:
    """The skeleton (H, W), in quarter pixels of calibre, in colours by the classes between `edges` (pixels)."""
    thick = line_width(skeleton.shape[1], 450)
    wide = ndimage.maximum_filter(skeleton, size=thick) if thick > 1 else skeleton
    classes = np.digitize(wide / np.float32(CALIBRE_STEPS), edges) + 1
    index = np.where(wide > 0, classes, 0).astype(np.uint8)
    return _palette_png(index, [(0, 0, 0), *CALIBRE_COLOURS], [0] + [255] * len(CALIBRE_COLOURS), 4)


def calibre_edges(skeleton: UInt8Array, um_per_pixel: float | None) -> tuple[float, ...]:
    """Where one class of calibre ends and the next begins, in pixels: five edges, fewer where calibres hardly differ.

    In micrometres they are the same for everybody; without a scale the classes have equally many pixels.
    """
    if um_per_pixel is not None:
        return tuple(edge / um_per_pixel for edge in _MICROMETRES)
    calibres = skeleton[skeleton > 0] / CALIBRE_STEPS
    if not len(calibres):
        return ()
    shares = np.linspace(0, 1, len(CALIBRE_COLOURS) + 1)[1:-1]
    rounded = np.round(np.quantile(calibres, shares) / _HALF) * _HALF
    return tuple(float(edge) for edge in np.unique(rounded))


def line_width(width: int, share: int) -> int:
    """An odd number of pixels, about one for `share` pixels of the photograph's width, so that lines stay visible."""
    return max(1, 2 * round((width / share - 1) / 2) + 1)


def shrunk(values: Float32Array, factor: int) -> Float32Array:
    """(H, W) averaged over squares of `factor` pixels a side."""
    if factor == 1:
        return values
    height, width = values.shape
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX), np.float32)


def _flat(marked: BoolArray, colour: Colour) -> Png:
    return _palette_png(marked.astype(np.uint8), [(0, 0, 0), colour], [0, 255], 1)


def _palette_png(index: UInt8Array, colours: Sequence[Colour], alphas: Sequence[int], bits: int) -> Png:
    """An index map (H, W) as PNG with 2 ** `bits` colours at most. Nothing but pixels is written: no metadata."""
    image = Image.fromarray(index, "P")
    image.putpalette([channel for colour in colours for channel in colour])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", bits=bits, transparency=bytes(alphas), compress_level=9 if bits == 1 else 6)
    return buffer.getvalue()
