"""Labels that hold one number a pixel: class indices, or the numbers of single things."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError
from retseg.core.types import UInt8Array
from retseg.datasets.findings import listed
from retseg.imaging.decoding import decode
from retseg.imaging.io import read_label

VOID = 255
_VALUES = 65536
_UNKNOWN = -1


def read_indices(path: Path) -> NDArray[Any]:
    """The numbers (H, W) uint8 or uint16 that a label stores; of palette images the indices, whatever their colours."""
    raster = decode(path)
    if raster.palette is not None or (raster.values.ndim == 2 and raster.values.dtype in (np.uint8, np.uint16)):
        return np.ascontiguousarray(raster.values)
    # Three equal channels, one bit, signed or floating-point numbers: rare, so that decoding twice does not matter.
    values = read_label(path)
    if values.ndim != 2:
        what = "a label with colours where one number a pixel is needed"
        raise ImageError(what, where=path, fix="Export it with one channel, or as a palette image")
    return values


class ClassNumbers:
    """Which number in an index label means which class, and which numbers mean void.

    Args:
        indices: The number of each class, from 0 to 65535.
        void: The numbers of pixels without a class.
    """

    def __init__(self, indices: Sequence[int], void: Sequence[int]) -> None:
        self._class_of = dict.fromkeys(void, VOID) | {number: place for place, number in enumerate(indices)}

    def to_classes(self, numbers: NDArray[Any], path: Path) -> UInt8Array:
        """The class map (H, W) of a label's numbers, void as 255; ImageError names numbers that no class has."""
        places = self._table()[numbers]
        odd = places == _UNKNOWN
        if odd.any():
            unknown = [str(number) for number in np.unique(numbers[odd])]
            values = f"the value{'s' if len(unknown) > 1 else ''} {listed(unknown)}"
            what = f"the label holds {values}, which no class has ({int(odd.sum()):,} of {odd.size:,} pixels)"
            raise ImageError(what, where=path, fix="Add the class to classes.yaml, or name the value under void there")
        class_map: UInt8Array = places.astype(np.uint8)
        return class_map

    def known(self, numbers: NDArray[Any]) -> int:
        """How many of the numbers are those of a class or of void."""
        return int((self._table()[numbers] != _UNKNOWN).sum())

    def _table(self) -> NDArray[np.int16]:
        # Made anew for each label, which takes no time; kept, it would travel to worker processes with every label.
        table = np.full(_VALUES, _UNKNOWN, np.int16)
        table[list(self._class_of)] = list(self._class_of.values())
        return table
