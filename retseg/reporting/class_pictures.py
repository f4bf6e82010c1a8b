"""Pictures of class maps: the classes in their colours, and what was wrongly taken for what.

An error map must tell right from wrong without colours: what is right shows the photograph, pale and grey, what is
wrong is painted flat with a dark rim, in the colour of the class that was predicted. Where the reference says nothing
there are stripes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from retseg.core.types import BoolArray, Classes, UInt8Array
from retseg.reporting.images import shrink_classes, shrink_photograph
from retseg.reporting.view_models import Swatch

VOID = Swatch("void: the reference says nothing", (170, 170, 170), hatched=True)
ERROR_NOTE = (
    "In an error map, what is right shows the photograph in pale grey; what is wrong has a dark rim and the colour of "
    "the class that was predicted there"
)
_STRIPES = (np.uint8(168), np.uint8(218))
_PERIOD = 6
_PALE, _CONTRAST = 150.0, 0.38
"""Grey levels of the pale photograph: dark class colours must stand out from it, and so must light ones."""

_RIM = (20, 20, 20)
_BRUSH = np.ones((3, 3), bool)


def class_colours(class_map: UInt8Array, classes: Classes, limit: int) -> UInt8Array:
    """A class map (H, W) in the colours of its classes, (h, w, 3), at most `limit` pixels wide; stripes for void."""
    small = shrink_classes(class_map, limit)
    picture = classes.palette[small]
    return _striped(picture, small == classes.ignore)


def error_colours(
    image: UInt8Array, predicted: UInt8Array, truth: UInt8Array, counted: BoolArray, classes: Classes, limit: int
) -> UInt8Array:
    """Where a class map is wrong and what it says there, over the pale photograph, at most `limit` pixels wide.

    Args:
        image: Photograph (H, W, 3) uint8.
        predicted: Class map (H, W).
        truth: Class map (H, W) of the reference; its ignore value is striped.
        counted: Where pixels are scored at all, (H, W).
        classes: The class table.
        limit: Largest width of the result in pixels.
    """
    small, true = shrink_classes(predicted, limit), shrink_classes(truth, limit)
    scored = shrink_classes(counted.astype(np.uint8), limit) > 0
    picture = pale(shrink_photograph(image, limit))
    wrong = (small != true) & scored & (true != classes.ignore)
    picture[wrong] = classes.palette[small][wrong]
    picture[_rims(np.where(wrong, small.astype(np.int16) + 1, 0))] = _RIM
    return _striped(picture, true == classes.ignore)


def pale(image: UInt8Array) -> UInt8Array:
    """A photograph (H, W, 3) as a pale grey ground to paint on."""
    grey = image.astype(np.float32) @ np.asarray((0.299, 0.587, 0.114), np.float32)
    return np.repeat(np.rint(_PALE + _CONTRAST * grey).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def occurring(maps: Sequence[UInt8Array], classes: Classes, share: float = 0.0) -> list[int]:
    """The classes that take more than a share of the pixels of any of these maps, the largest of the first map first.

    Void and what lies outside are no classes here.
    """
    counts = [np.bincount(one.ravel(), minlength=256) / max(1, one.size) for one in maps]
    found = [index for index in classes.scored if any(count[index] > share for count in counts)]
    return sorted(found, key=lambda index: [-count[index] for count in counts])


def _rims(regions: np.ndarray) -> BoolArray:
    """The borders (H, W) of the regions that are thick enough to have one and keep their colour."""
    rims = np.zeros(regions.shape, bool)
    for number, box in enumerate(ndimage.find_objects(regions), start=1):
        if box is None:
            continue
        # Two pixels more on each side, so that a border at the edge of the box is seen.
        rows, columns = (slice(max(0, part.start - 2), part.stop + 2) for part in box)
        inside = regions[rows, columns] == number
        thick = ndimage.binary_opening(inside, _BRUSH, iterations=2)
        rims[rows, columns] |= thick & ~ndimage.binary_erosion(inside, _BRUSH, border_value=1)
    return rims


def _striped(picture: UInt8Array, where: BoolArray) -> UInt8Array:
    rows, columns = np.nonzero(where)
    dark = (rows + columns) % _PERIOD < _PERIOD // 3
    picture[rows, columns] = np.where(dark, *_STRIPES)[:, None]
    return picture
