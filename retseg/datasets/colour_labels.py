"""Colour-coded labels: from colours to classes, exactly, with every colour counted that no class has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError, InputError
from retseg.core.types import Classes, UInt8Array
from retseg.datasets.class_tables import require_distinct_colours
from retseg.datasets.config import DatasetConfig
from retseg.imaging.io import read_image
from retseg.imaging.label_maps import colour_to_index, index_to_colour

Colour = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
"""The colour that most owners give to void."""

_UNKNOWN = 255
_MOST_COLOURS = 255
_USUAL_SNAP = 24
"""Levels, where colours lie 64 apart. Of labels saved as JPEG at qualities from 50 to 95, at most 4% of the pixels
stayed unknown and at most 1% became a wrong class, all at borders. At 16 levels up to 8% stayed unknown; at 31 more
became wrong.
"""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Pixels whose colours no class has: how many pixels, how many colours, and the most frequent of these."""

    pixels: int
    colours: int
    frequent: Colour

    def sentence(self, total: int) -> str:
        """How many pixels of how many colours, with their share of all `total` pixels."""
        return f"{_pixels(self.pixels, total)} of {_counted(self.colours, 'colour')} that no class has"


@dataclass(frozen=True, slots=True, eq=False)
class ColourLabel:
    """A label that was read: its class map (H, W), and what was made of colours that no class has exactly.

    `snapped` is the number of pixels whose colour is near a known one and was taken as it; those of `unknown` became
    void.
    """

    class_map: UInt8Array
    snapped: int = 0
    unknown: Unknown | None = None

    @property
    def remarks(self) -> list[str]:
        """What was made of colours that no class has, in sentences without a full stop; none for a clean label."""
        total = self.class_map.size
        lines = []
        if self.snapped:
            lines.append(f"{_pixels(self.snapped, total)} of nearly a known colour, taken as that")
        if self.unknown is not None:
            lines.append(f"{self.unknown.sentence(total)}, taken as void")
        return lines


class ColourCode:
    """Which colour means which class, and which colours mean void.

    Args:
        classes: The classes, each with a colour of its own.
        void: The colours of pixels without a class; none of them may be the colour of a class.
        where: The file that says so, for errors.
    """

    def __init__(self, classes: Classes, void: Sequence[Colour] = (BLACK,), where: str | Path | None = None) -> None:
        require_distinct_colours(classes, where)
        for item in classes.items:
            if item.colour in void:
                what = f"'{item.name}' has the colour of void ({_text(item.colour)})"
                raise InputError(what, where=where, fix="Give the class a colour of its own")
        colours = [item.colour for item in classes.items] + list(dict.fromkeys(void))
        if len(colours) > _MOST_COLOURS:
            what = f"{len(colours)} colours are more than the {_MOST_COLOURS} that a label may have"
            raise InputError(what, where=where, fix="Merge some classes")
        self._void = tuple(void)
        self._palette = np.array(colours, np.uint8).reshape(-1, 3)
        # Rows of the palette become classes; those of void, and what is in no row, become the ignore value.
        self._class_of = np.full(256, classes.ignore, np.uint8)
        self._class_of[: classes.count] = np.arange(classes.count, dtype=np.uint8)
        self._count = classes.count

    def to_colours(self, class_map: UInt8Array) -> UInt8Array:
        """The label (H, W, 3) of a class map (H, W), void in the first of its colours (black if it has none)."""
        rgb = index_to_colour(class_map, self._palette[: self._count])
        rgb[class_map >= self._count] = self._void[0] if self._void else BLACK
        return rgb

    def to_classes(self, rgb: UInt8Array, snap: int = 0) -> ColourLabel:
        """The class map of a label (H, W, 3).

        A colour within `snap` levels of a known one in each of red, green and blue is taken as it; all others are void.
        """
        rows = colour_to_index(rgb, self._palette, _UNKNOWN)
        odd = rows == _UNKNOWN
        if not odd.any():
            return ColourLabel(self._class_of[rows])
        colours, place, counts = _distinct(rgb[odd])
        nearest = self._nearest(colours, snap)
        rows[odd] = nearest[place]
        snapped = int(counts[nearest != _UNKNOWN].sum())
        return ColourLabel(self._class_of[rows], snapped, _unknown(colours, counts, nearest == _UNKNOWN))

    def read(self, path: Path, config: DatasetConfig) -> ColourLabel:
        """The label in an image file; ImageError if more of it is unknown than `config` puts up with.

        Sizes are not compared here: `require_same_size` does that once the photograph's size is known.
        """
        rgb = read_image(path)
        # A strict reader takes no near colour for a class either.
        label = self.to_classes(rgb, 0 if config.strict else config.snap)
        if label.unknown is not None:
            _require_few(label.unknown, label.class_map.size, path, config)
        return label

    def _nearest(self, colours: UInt8Array, snap: int) -> UInt8Array:
        """The row of the palette (K,) nearest to each of (K, 3) colours, or `_UNKNOWN` beyond `snap` levels.

        Of rows equally near by their largest difference the one counts whose differences are least in sum, and of
        these the first.
        """
        nearest = np.full(len(colours), _UNKNOWN, np.uint8)
        best = np.full(len(colours), (snap + 1) << 10, np.int32)
        if not snap:
            return nearest
        for row, colour in enumerate(self._palette.astype(np.int32)):
            apart = np.abs(colours.astype(np.int32) - colour)
            distance = (apart.max(axis=1) << 10) + apart.sum(axis=1)
            nearer = distance < best
            best[nearer], nearest[nearer] = distance[nearer], row
        return nearest


def _distinct(pixels: UInt8Array) -> tuple[UInt8Array, NDArray[np.intp], NDArray[np.intp]]:
    """The distinct colours (K, 3) of pixels (N, 3), the place (N,) of each pixel's colour among them, their counts."""
    channels = pixels.astype(np.int32)
    packed = (channels[:, 0] << 16) | (channels[:, 1] << 8) | channels[:, 2]
    codes, place, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=1).astype(np.uint8)
    return colours, place, counts


def _unknown(colours: UInt8Array, counts: NDArray[np.intp], unknown: NDArray[np.bool_]) -> Unknown | None:
    if not unknown.any():
        return None
    red, green, blue = map(int, colours[unknown][counts[unknown].argmax()])
    return Unknown(int(counts[unknown].sum()), int(unknown.sum()), (red, green, blue))


def _require_few(unknown: Unknown, total: int, path: Path, config: DatasetConfig) -> None:
    """ImageError if a label has more pixels of unknown colours than the configuration puts up with."""
    what = f"{unknown.sentence(total)} (most often {_text(unknown.frequent)})"
    if config.strict:
        _refuse(f"{what}, and dataset.strict refuses every label with such", path, "Mend the label, or drop the option")
    if unknown.pixels <= config.unknown * total:
        return
    what = f"{what}, more than dataset.unknown={config.unknown:g} allows"
    if config.snap:
        _refuse(what, path, "Fetch an undamaged copy, or set dataset.snap or dataset.unknown higher")
    fix = (
        f"Fetch an undamaged copy; or, if it was saved as JPEG, set dataset.snap={_USUAL_SNAP} to take near colours for"
    )
    _refuse(what, path, f"{fix} known ones")


def _refuse(what: str, path: Path, fix: str) -> NoReturn:
    raise ImageError(what, where=path, fix=fix)


def _pixels(pixels: int, total: int) -> str:
    return f"{_counted(pixels, 'pixel')} ({pixels / total:.1%})"


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")


def _text(colour: Colour) -> str:
    return ",".join(map(str, colour))
