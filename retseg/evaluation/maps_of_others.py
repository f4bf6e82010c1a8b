"""What the values of anyone's maps mean: 16-bit scores from probabilities in any usual encoding, or from masks.

One file cannot tell whether 1 stands for certainty or for one 255th, so a folder's encoding is decided once, over all
of its files. Nothing is guessed: values that could mean two things are refused with the way to mend them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError
from retseg.core.types import UInt16Array
from retseg.imaging.foreign_maps import read_foreign_map

_SCALE = 65535  # probability 1 as a 16-bit score
_BYTE = 255
_SLACK = 1e-3  # how far rounding may carry a floating-point probability out of 0..1
_AS_INTEGERS = "Save probabilities as uint8 or uint16, whose full range stands for 0 to 1, or as floats from 0 to 1"


@dataclass(frozen=True, slots=True)
class MapEncoding:
    """How the values of a folder's maps are meant.

    `binary` says that every map knows only yes and no. `ones` holds, by the name of an unsigned type (uint8, uint16),
    the value that stands for 1; a type that is not named there is judged file by file.
    """

    binary: bool = False
    ones: tuple[tuple[str, int], ...] = ()

    @property
    def words(self) -> str:
        """The encoding in plain words."""
        if self.binary:
            return "masks of yes and no, without probabilities"
        scales = [f"{name} values 0 to {one} as 0 to 1" for name, one in self.ones]
        return "probabilities" + (f" ({', '.join(scales)})" if scales else " from 0 to 1")


OURS = MapEncoding(False, (("uint16", _SCALE),))
"""What `retseg predict` writes."""


@dataclass(frozen=True, slots=True, eq=False)
class MapScores:
    """A map as 16-bit scores (H, W), round(p * 65535); `binary` where the map holds no probabilities but yes and no."""

    scores: UInt16Array
    binary: bool


def find_encoding(paths: Iterable[Path]) -> MapEncoding:
    """The encoding of a folder's maps, decided over all of them.

    The folder is binary where each map holds no other values than 0 and one of 1, 255 and 65535, and not all hold one
    and the same value: that decides nothing, it is a score that ranks nothing. Integers whose highest
    value is 1 throughout the folder mean yes and no; else the full range of their type stands for 0 to 1. Reads only
    as many files as it needs to be sure: one or a few of probabilities, all of masks. Files that cannot be read are
    left to `read_scores`, which says why.
    """
    highest: dict[str, int] = {}
    graded: set[str] = set()
    values_of_masks: set[float] = set()
    for path in paths:
        try:
            values = read_foreign_map(path)
        except ImageError:
            continue
        name = values.dtype.name
        if _is_mask(values):
            values_of_masks |= {float(values.min()), float(values.max())}
        else:
            graded.add(name)
        if values.dtype.kind == "u":
            highest[name] = max(highest.get(name, 0), int(values.max()))
        if graded and all(top > _doubtful(name) for name, top in highest.items()):
            break
    known = {name: _one(name, top, name in graded) for name, top in highest.items() if name in _FULL}
    return MapEncoding(not graded and len(values_of_masks) != 1, tuple(sorted(known.items())))


def read_scores(path: Path, shape: tuple[int, ...], encoding: MapEncoding) -> MapScores:
    """The map of a photograph of `shape` (H, W) as 16-bit scores.

    A stored 16-bit score comes back as it is, an 8-bit value v as 257 v, a mask as 0 and 65535, a floating-point
    probability p as round(65535 p). ROC AUC and average precision are exact on these scores.

    Raises:
        ImageError: What `read_foreign_map` refuses, values outside 0..1, and integers of no known scale.
    """
    values = read_foreign_map(path, shape)
    if values.dtype.name in _FULL:
        scores = _from_levels(values, encoding, path)
    elif _is_mask(values):
        scores = np.where(values > 0, np.uint16(_SCALE), np.uint16(0))
    elif values.dtype.kind == "f":
        scores = _from_floats(values, path)
    else:
        what = f"the map holds {values.dtype} values from {values.min()} to {values.max()}, a scale that is not known"
        raise ImageError(what, where=path, fix=_AS_INTEGERS)
    return MapScores(scores, encoding.binary)


# --- Masks and scales -------------------------------------------------------------------------------------------------

_FULL = {"uint8": _BYTE, "uint16": _SCALE}


def _is_mask(values: NDArray[Any]) -> bool:
    """Whether the map holds no other values than 0 and one of 1, 255 and 65535."""
    if values.dtype == bool:
        return True
    top = values.max()
    # Most maps of probabilities differ from a mask within their first rows.
    return top in (0, 1, _BYTE, _SCALE) and all(
        bool(((rows == 0) | (rows == top)).all()) for rows in np.array_split(values, max(1, len(values) // 64))
    )


def _doubtful(name: str) -> int:
    """A highest value up to which integers of a type may be meant on a scale smaller than their type's."""
    return _BYTE if name == "uint16" else 1


def _one(name: str, top: int, graded: bool) -> int:
    """The value that stands for 1, where `top` is the highest of all maps; 0 where it is not known."""
    if top <= 1:
        return 1
    if name == "uint16" and top <= _BYTE:
        # A mask of 0 and 255 is plain; grey levels up to 255 would be 0.4% at most if 65535 stood for 1.
        return 0 if graded else _BYTE
    return _FULL[name]


def _from_levels(values: NDArray[Any], encoding: MapEncoding, path: Path) -> UInt16Array:
    name, top = values.dtype.name, int(values.max())
    one = dict(encoding.ones).get(name)
    if one is None:
        one = _one(name, top, not _is_mask(values))
    if one == 0:
        what = f"the maps are stored in 16 bits, but their values reach only {_BYTE} of {_SCALE}"
        raise ImageError(what, where=path, fix="Save 8-bit values as uint8, or use the full range of 16 bits")
    if top > one:
        what = f"the map holds values up to {top}, where the other maps are masks of 0 and {one}"
        raise ImageError(what, where=path, fix="Save all maps in one way")
    if one == _SCALE:
        return np.asarray(values, np.uint16)
    return values.astype(np.uint16) * np.uint16(_SCALE // one)


def _from_floats(values: NDArray[Any], path: Path) -> UInt16Array:
    low, high = float(values.min()), float(values.max())
    if low < -_SLACK or high > 1 + _SLACK:
        what = f"a map of probabilities must hold 0 to 1, this one holds {low:.4g} to {high:.4g}"
        raise ImageError(what, where=path, fix=_remedy(values, low, high))
    scaled = np.clip(values, 0, 1).astype(np.float64 if values.dtype.itemsize > 4 else np.float32) * np.float32(_SCALE)
    scores: UInt16Array = np.rint(scaled, out=scaled).astype(np.uint16)
    return scores


def _remedy(values: NDArray[Any], low: float, high: float) -> str:
    if low < -_SLACK:
        return "If these are logits, apply the sigmoid (or softmax) before saving"
    if high <= _BYTE and bool((values == np.rint(values)).all()):
        return f"Values reach {high:.4g}: save them as uint8, or divide by the value that stands for 1, such as 255"
    return "Divide by the value that stands for 1, such as 100, 255 or 65535, or apply the sigmoid if these are logits"
