"""The pictures of one photograph for a page: itself at its own size and what can be laid over it, within a budget."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retseg.core.errors import RetsegError
from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.io import read_image, read_label
from retseg.imaging.maps import read_probability
from retseg.reporting import eye_layers
from retseg.reporting.measured_files import MEASURE, MeasuredPhotograph

SMALL_PIXELS = 2_000_000
SMALL_BUDGET, LARGE_BUDGET = 2_900_000, 7_800_000
"""Bytes of a page that one photograph may take, up to SMALL_PIXELS and above; the rest of 3 and 8 MB is for words."""

THUMBNAIL_WIDTH = 128

_QUALITIES = (92, 88, 84, 78, 70, 60)
_SHARP_COLOURS = 80
"""Above this quality colours keep their full resolution."""

_SHRINKING = 0.85
_LEAST_WIDTH = 64
_SOFT_SHARE = 0.5
"""The part of the budget that the layers may take before those without sharp edges are made coarser."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture to lay over the photograph: its kind, and its data URI."""

    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class EyePictures:
    """The pictures of one photograph. Sizes are (width, height) in pixels of the original.

    `edges` separate the classes of calibre, in pixels; `shown_width` is how wide the embedded photograph is, which is
    less than `width` only where it would have burst the budget. `missing` says that there was no photograph to read.
    """

    photograph: str
    width: int
    height: int
    shown_width: int
    layers: tuple[Layer, ...]
    edges: tuple[float, ...]
    missing: bool
    thumbnail: bytes


def eye_pictures(folder: Path, measured: MeasuredPhotograph, hide_outside: bool) -> EyePictures:
    """Reads and encodes what belongs to one photograph.

    Args:
        folder: What `retseg predict` wrote.
        measured: The photograph's entry in it.
        hide_outside: Blacken what lies outside the field of view, where cameras write names and dates.
    """
    fov = _mask(folder / "fov", measured.id)
    mask = _mask(folder / "mask", measured.id)
    image = _photograph(folder, measured)
    missing = image is None
    if image is None:
        image = np.zeros((*_size(measured, mask), 3), np.uint8)
    shape = image.shape[:2]
    if hide_outside and fov is not None and fov.shape == shape:
        image = image * fov[..., None]
    budget = SMALL_BUDGET if shape[0] * shape[1] <= SMALL_PIXELS else LARGE_BUDGET
    layers, edges = _layers(folder, measured, mask, fov, shape, int(budget * _SOFT_SHARE))
    rest = budget - sum(len(layer.source) for layer in layers)
    photograph, shown_width = _fitted_jpeg(image, rest)
    return EyePictures(
        photograph=photograph,
        width=shape[1],
        height=shape[0],
        shown_width=shown_width,
        layers=layers,
        edges=edges,
        missing=missing,
        thumbnail=thumbnail(image),
    )


def thumbnail(image: UInt8Array) -> bytes:
    """A small JPEG of a photograph (H, W, 3)."""
    height = max(1, round(image.shape[0] * THUMBNAIL_WIDTH / image.shape[1]))
    return _jpeg(Image.fromarray(image).resize((THUMBNAIL_WIDTH, height), Image.Resampling.BOX), 76)


def _layers(
    folder: Path,
    measured: MeasuredPhotograph,
    mask: BoolArray | None,
    fov: BoolArray | None,
    shape: tuple[int, ...],
    budget: int,
) -> tuple[tuple[Layer, ...], tuple[float, ...]]:
    """The layers whose files are there and fit the photograph, and the edges of the classes of calibre."""
    sharp: list[Layer] = []
    if mask is not None and mask.shape == shape:
        sharp.append(_layer("mask", eye_layers.mask_layer(mask)))
        sharp.append(_layer("contour", eye_layers.contour_layer(mask)))
    skeleton = _read(lambda path: np.asarray(read_label(path)), folder / MEASURE / "skeleton", measured.id)
    edges: tuple[float, ...] = ()
    if skeleton is not None and skeleton.shape == shape:
        calibres = skeleton.astype(np.uint8)
        edges = eye_layers.calibre_edges(calibres, measured.um_per_pixel)
        sharp.append(_layer("calibre", eye_layers.calibre_layer(calibres, edges)))
    left = budget - sum(len(layer.source) for layer in sharp)
    factor = 1 if shape[0] * shape[1] <= SMALL_PIXELS else 2
    soft = _soft_layers(folder, measured.id, fov, shape, factor)
    while sum(len(layer.source) for layer in soft) > max(left, 0) and factor < 16:
        factor *= 2
        soft = _soft_layers(folder, measured.id, fov, shape, factor)
    return (*sharp[:2], *soft, *sharp[2:]), edges


def _soft_layers(
    folder: Path, identifier: str, fov: BoolArray | None, shape: tuple[int, ...], factor: int
) -> list[Layer]:
    """Probability and uncertainty inside the field of view, averaged over squares of `factor` pixels a side."""
    kinds = (
        ("probability", "prob", eye_layers.PROBABILITY_COLOUR),
        ("uncertainty", "uncertainty", eye_layers.UNCERTAINTY_COLOUR),
    )
    found = []
    for kind, place, colour in kinds:
        values: Float32Array | None = _read(read_probability, folder / place, identifier)
        if values is None or values.shape != shape:
            continue
        if fov is not None and fov.shape == shape:
            values = values * fov
        found.append(_layer(kind, eye_layers.soft_layer(eye_layers.shrunk(values, factor), colour)))
    return found


def _photograph(folder: Path, measured: MeasuredPhotograph) -> UInt8Array | None:
    if not measured.image:
        return None
    for path in (Path(measured.image), folder / measured.image):
        if path.is_file():
            try:
                return read_image(path)
            except RetsegError:
                return None
    return None


def _size(measured: MeasuredPhotograph, mask: BoolArray | None) -> tuple[int, int]:
    if mask is not None:
        return mask.shape[0], mask.shape[1]
    return measured.size or (_LEAST_WIDTH, _LEAST_WIDTH)


def _mask(folder: Path, identifier: str) -> BoolArray | None:
    values = _read(read_label, folder, identifier)
    return None if values is None or values.ndim != 2 else np.asarray(values > 0)


def _read(reader: Callable[[Path], NDArray[Any]], folder: Path, identifier: str) -> NDArray[Any] | None:
    """What `reader` makes of the photograph's file, or None where there is none: each of them is optional."""
    path = folder / f"{identifier}.png"
    return reader(path) if path.is_file() else None


def _fitted_jpeg(image: UInt8Array, budget: int) -> tuple[str, int]:
    """The photograph as a data URI of at most `budget` characters, as fine as that allows, and its width."""
    picture = Image.fromarray(image)
    while True:
        for quality in _QUALITIES:
            source = _uri("image/jpeg", _jpeg(picture, quality))
            if len(source) <= budget or picture.width <= _LEAST_WIDTH:
                return source, picture.width
        size = (round(picture.width * _SHRINKING), max(1, round(picture.height * _SHRINKING)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    """Pixels only: a picture made from an array carries no metadata of the file that it came from."""
    # Pillow's encoder runs out of its buffer on noise, so this is not Pillow's.
    subsampling = "444" if quality > _SHARP_COLOURS else "420"
    return bytes(imagecodecs.jpeg8_encode(np.asarray(picture), level=quality, subsampling=subsampling, optimize=True))


def _layer(kind: str, data: bytes) -> Layer:
    return Layer(kind, _uri("image/png", data))


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
