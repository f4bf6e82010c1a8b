"""Decoding an image file of any supported format into its raw values, upright, with one clear error for a bad file."""

from __future__ import annotations

import errno
import gzip
import io
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from retseg.core.errors import ImageError
from retseg.core.types import UInt8Array
from retseg.imaging.files import COMPRESSED

MAX_PIXELS = 400_000_000
"""Larger images are refused by their header, before anything is decoded."""

MAX_UNPACKED = 4 * MAX_PIXELS
"""Most bytes that a gzipped image may unpack to."""

_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# An explicit list: Pillow also knows formats such as EPS, whose reading runs other programs.
_PILLOW_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP")
_PILLOW_TIFF = ("TIFF",)
_ORIENTATION = 0x0112
_CORRUPT = "Replace the file by an intact copy"
_limit_lock = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """The raw values of an image, upright.

    `values` is (H, W) for grey values and palette indices, (H, W, 3) for RGB; `white` is the value of full brightness;
    `palette` (N, 3) holds the colours where `values` are indices; `alpha` (H, W) the opacity, on the scale of `white`.
    """

    values: NDArray[Any]
    white: float
    palette: UInt8Array | None = None
    alpha: NDArray[Any] | None = None


def decode(path: Path | str) -> Raster:
    """The first picture in the file. Refuses by the header what is larger than MAX_PIXELS."""
    with _opened(Path(path)) as (stream, is_tiff), _explained(path):
        if is_tiff:
            return _decode_tiff(stream, path)
        return _decode_with_pillow(stream, path, _PILLOW_FORMATS)


def size_in_header(path: Path | str) -> tuple[int, int]:
    """(height, width) of the upright image, from the header only."""
    with _opened(Path(path)) as (stream, is_tiff), _explained(path):
        if is_tiff:
            with tifffile.TiffFile(stream) as file:
                page = _first_page(file, path)
                height, width, turn = int(page.imagelength), int(page.imagewidth), _tiff_orientation(page)
        else:
            picture = _open_with_pillow(stream, _PILLOW_FORMATS)
            (width, height), turn = picture.size, _orientation(picture)
    return (width, height) if turn >= 5 else (height, width)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """The file's bytes, unpacked if gzipped, and whether they are a TIFF."""
    try:
        if path.is_dir():
            raise ImageError("this is a folder, not an image", where=path, fix="Give the path of one image file")
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(0)
            if not head:
                raise ImageError("the image file is empty (0 bytes)", where=path, fix=_CORRUPT)
            stream: BinaryIO = file
            if path.suffix.lower() == COMPRESSED or head[:2] == b"\x1f\x8b":
                stream = _unpacked(file, path)
                head = stream.read(4)
                stream.seek(0)
            yield stream, head in _TIFF_SIGNATURES
    except OSError as error:
        raise _unreadable(error, path) from None


def _unreadable(error: OSError, path: Path) -> ImageError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ImageError("image file not found", where=path, fix="Check the path")
    if error.errno in (errno.EACCES, errno.EPERM):
        return ImageError("no permission to read the image", where=path, fix="Ask the owner of the file for access")
    return ImageError(f"the image cannot be read ({error.strerror or error})", where=path, fix="Check the disk")


def _unpacked(file: BinaryIO, path: Path) -> BinaryIO:
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            data = packed.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ImageError(f"the gzipped file is damaged ({_short(error)})", where=path, fix=_CORRUPT) from None
    if len(data) > MAX_UNPACKED:
        raise ImageError("the gzipped file unpacks to more than any image needs", where=path, fix=_CORRUPT)
    if not data:
        raise ImageError("the image file is empty (0 bytes)", where=path, fix=_CORRUPT)
    return io.BytesIO(data)


@contextmanager
def _explained(path: Path | str) -> Iterator[None]:
    """Whatever a decoder makes of a bad file is the file's mistake, and the user gets one line about it."""
    try:
        # What is worth knowing raises; what Pillow warns of (odd EXIF data, say) does not concern the pixels.
        with warnings.catch_warnings(action="ignore"):
            yield
    except (ImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        fix = "Give a JPEG, PNG, TIFF, GIF, BMP, PPM, PGM or WebP file"
        raise ImageError("this is not an image file of a known format", where=path, fix=fix) from None
    except Exception as error:
        reason = _short(error)
        what = "the image file is truncated" if "truncat" in reason.lower() else f"the image is damaged ({reason})"
        raise ImageError(what, where=path, fix=_CORRUPT) from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _check_pixels(height: int, width: int, path: Path | str) -> None:
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"the image is too large: its header says {width}x{height} pixels, more than {MAX_PIXELS // 10**6} million",
            where=path,
            fix="Export a smaller copy of the photograph",
        )


# --- Pillow's formats -------------------------------------------------------------------------------------------------


def _open_with_pillow(stream: BinaryIO, formats: tuple[str, ...]) -> Image.Image:
    """The picture with only its header read. Our own limit on pixels replaces Pillow's lower one for this moment."""
    with _limit_lock:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(stream, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _decode_with_pillow(stream: BinaryIO, path: Path | str, formats: tuple[str, ...]) -> Raster:
    picture = _open_with_pillow(stream, formats)
    _check_pixels(picture.height, picture.width, path)
    turn = _orientation(picture)
    return _upright(_pixels(picture, stream), turn)


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation 1..8. Damaged EXIF data must not cost the photograph."""
    # Pillow's PNG reader would decode the whole picture to look for EXIF data behind the pixels.
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1
    try:
        turn = int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1
    return turn if 1 <= turn <= 8 else 1


def _pixels(picture: Image.Image, stream: BinaryIO) -> Raster:
    if picture.format == "PNG" and picture.mode in ("L", "RGB", "RGBA", "I;16") and "transparency" not in picture.info:
        # Three times faster than Pillow, and it keeps the 16 bits of colour images.
        stream.seek(0)
        return _from_channels(imagecodecs.png_decode(stream.read()))
    mode = picture.mode
    if mode == "1":
        return Raster(np.array(picture).astype(np.uint8), 1)
    if mode == "P" and "transparency" not in picture.info:
        return Raster(np.array(picture), 255, palette=_palette(picture))
    if mode == "F":
        return Raster(np.array(picture), 1.0)
    if mode == "I" or mode.startswith("I;16"):
        return Raster(np.array(picture), 65535)
    if mode in ("L", "RGB"):
        return Raster(np.array(picture), 255)
    if mode == "P":
        # A transparent index is a matter of display; the indices stay what a label means by them.
        opaque = np.array(picture.convert("RGBA"))[..., 3]
        return Raster(np.array(picture), 255, palette=_palette(picture), alpha=opaque)
    if mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return _from_channels(np.array(picture.convert("RGBA")))
    return Raster(np.array(picture.convert("RGB")), 255)


def _palette(picture: Image.Image) -> UInt8Array:
    colours = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    table = np.zeros((256, 3), np.uint8)
    table[: len(colours)] = colours
    return table


def _from_channels(values: NDArray[Any]) -> Raster:
    """Grey, grey with alpha, RGB or RGBA of an unsigned dtype."""
    white = float(np.iinfo(values.dtype).max)
    if values.ndim == 2:
        return Raster(values, white)
    channels = values.shape[2]
    alpha = values[..., -1] if channels in (2, 4) else None
    colours = values[..., 0] if channels < 3 else values[..., :3]
    return Raster(colours, white, alpha=alpha)


def _upright(raster: Raster, turn: int) -> Raster:
    if turn == 1:
        return raster
    alpha = None if raster.alpha is None else _turned(raster.alpha, turn)
    return Raster(_turned(raster.values, turn), raster.white, raster.palette, alpha)


def _turned(values: NDArray[Any], turn: int) -> NDArray[Any]:
    """The eight EXIF orientations: 5 to 8 are transposed, then all are mirrored as the standard says."""
    if turn >= 5:
        values = np.swapaxes(values, 0, 1)
    if turn in (3, 4, 7, 8):
        values = values[::-1]
    if turn in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


# --- TIFF -------------------------------------------------------------------------------------------------------------


def _first_page(file: tifffile.TiffFile, path: Path | str) -> Any:
    if not len(file.pages):
        raise ImageError("the TIFF file holds no picture", where=path, fix=_CORRUPT)
    return file.pages[0]


def _tiff_orientation(page: Any) -> int:
    tag = page.tags.get(_ORIENTATION)
    turn = tag.value if tag is not None else 1
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


def _decode_tiff(stream: BinaryIO, path: Path | str) -> Raster:
    with tifffile.TiffFile(stream) as file:
        page = _first_page(file, path)
        _check_pixels(int(page.imagelength), int(page.imagewidth), path)
        ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > stream.seek(0, io.SEEK_END) or not all(page.databytecounts):
            raise ImageError("the image file is truncated", where=path, fix=_CORRUPT)
        kind = page.photometric.name
        if kind == "YCBCR" and "JPEG" not in page.compression.name:
            stream.seek(0)
            return _decode_with_pillow(stream, path, _PILLOW_TIFF)
        if page.axes not in ("YX", "YXS", "SYX") or page.samplesperpixel > 5:
            what = f"the TIFF holds {page.samplesperpixel} channels in the order {page.axes}, not one photograph"
            raise ImageError(what, where=path, fix="Export it as an RGB image")
        values = page.asarray()
        if page.axes == "SYX":
            values = np.ascontiguousarray(np.moveaxis(values, 0, -1))
        return _upright(_tiff_raster(page, values, kind), _tiff_orientation(page))


def _tiff_raster(page: Any, values: NDArray[Any], kind: str) -> Raster:
    if values.dtype == bool:
        values = values.astype(np.uint8)
    white = 1.0
    if values.dtype.kind in "iu":
        bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
        white = float(2 ** (bits - (values.dtype.kind == "i")) - 1)
    if kind == "PALETTE" and page.colormap is not None:
        return Raster(values, white, palette=(np.asarray(page.colormap).T >> 8).astype(np.uint8))
    if kind == "SEPARATED" and values.ndim == 3 and values.shape[2] >= 4:
        # The plain conversion that Pillow makes of CMYK, on whatever scale the file has.
        ink = values.astype(np.float32) / np.float32(white)
        return Raster((1 - ink[..., :3]) * (1 - ink[..., 3:4]), 1.0)
    if kind == "MINISWHITE":
        values = (white - values).astype(values.dtype)
    if values.ndim == 2:
        return Raster(values, white)
    channels = values.shape[2]
    colours = values[..., 0] if channels < 3 else values[..., :3]
    alpha = values[..., -1] if channels in (2, 4) and page.extrasamples else None
    return Raster(colours, white, alpha=alpha)
