"""Reading maps (probabilities or masks) that other programs wrote: PNG and its kin, TIFF, NIfTI, NPY and NPZ.

What comes out is one plain array (H, W) with the values as they were written; what they mean is not decided here.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from retseg.core.errors import ImageError
from retseg.imaging.decoding import MAX_PIXELS, Raster, decode

_NIFTI = (".nii", ".nii.gz")
_NUMPY = (".npy", ".npz")
_MAX_BYTES = 8 * MAX_PIXELS
_COLOURS = 3
_ALONE = "Save the vessel's probability alone as one (H, W) map; of a softmax that is, for example, p[1]"


def read_foreign_map(path: Path, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """The values (H, W) of a map as they were written: bool, integers or floats, in the machine's byte order.

    Grey scale in three equal channels and axes of length 1 are reduced. Files of NIfTI hold x before y, as ours do,
    unless only the other order fits `shape`; on a square photograph both would fit, and x before y holds.

    Args:
        path: The file; its suffix tells NIfTI and NumPy files, its first bytes all others.
        shape: (H, W) of the photograph; a map of another size is an ImageError. None takes any.

    Raises:
        ImageError: What cannot be read, holds colours, several channels, NaN or infinite values, or has a wrong size.
    """
    name = path.name.lower()
    with _explained(path):
        if name.endswith(_NIFTI):
            values = _upright(_plane(_nifti(path), path), shape)
        elif name.endswith(_NUMPY):
            values = _plane(_numpy(path), path)
        else:
            values = _image(path)
    if not values.size:
        raise ImageError("the map is empty", where=path, fix=_ALONE)
    if values.dtype.kind not in "buif":
        raise ImageError(f"the map holds values of the type {values.dtype}, not numbers", where=path, fix=_ALONE)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    _check_size(values, shape, path)
    _check_finite(values, path)
    return values


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Whatever a reader makes of a bad file is the file's mistake, and the user gets one line about it."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except FileNotFoundError:
        raise ImageError("map not found", where=path, fix="Check the path") from None
    except PermissionError:
        raise ImageError("no permission to read the map", where=path, fix="Ask the owner of the file") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ImageError(f"the map cannot be read ({reason})", where=path, fix="Save it anew") from None


# --- Files ------------------------------------------------------------------------------------------------------------


def _image(path: Path) -> NDArray[Any]:
    stacked = _stacked_tiff(path)
    if stacked is not None:
        return _plane(stacked, path)
    raster = decode(path)
    if raster.alpha is not None and int(raster.alpha.min()) < raster.white:
        fix = "Save it without an alpha channel, as a grey image"
        raise ImageError("a map with transparent pixels", where=path, fix=fix)
    if raster.palette is None:
        return _plane(_full_depth(raster), path)
    if int(raster.values.max()) >= len(raster.palette):
        raise ImageError("the image uses colours that its palette does not have", where=path, fix="Save it as grey")
    return _plane(raster.palette[raster.values], path)


def _full_depth(raster: Raster) -> NDArray[Any]:
    """The values on the scale of their type, where the file has fewer bits than the type: 1, 4 or 12, say."""
    values, white = raster.values, raster.white
    if values.dtype.kind == "f":
        return values
    if white == 1:
        return values > 0
    # Pillow keeps 16 bits in 32.
    if values.dtype == np.int32 and white == np.iinfo(np.uint16).max:
        return values.astype(np.uint16)
    if values.dtype.kind == "i" or white == np.iinfo(values.dtype).max:
        return values
    return values / white


def _stacked_tiff(path: Path) -> NDArray[Any] | None:
    """All pages of a TIFF with several of one size; None for any other file.

    The decoder takes the first page and the first channel: right for a photograph, but a map's may be the wrong one.
    """
    with path.open("rb") as stream:
        if stream.read(2) not in (b"II", b"MM"):
            return None
        stream.seek(0)
        with tifffile.TiffFile(stream) as file:
            first: Any = file.pages[0]
            if int(first.samplesperpixel) == 2:
                raise _many_channels(2, path)
            pages = sum(page.shape == first.shape for page in file.pages)
            if pages == 1:
                return None
            if len(file.series) > 1:
                raise _many_channels(pages, path)
            _check_bytes(file.series[0].nbytes, path)
            return np.asarray(file.series[0].asarray())


def _numpy(path: Path) -> NDArray[Any]:
    if zipfile.is_zipfile(path):
        return _archived(path)
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    _check_bytes(values.nbytes, path)
    return np.asarray(values)


def _archived(path: Path) -> NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        _check_bytes(max((entry.file_size for entry in archive.infolist()), default=0), path)
    with np.load(path, allow_pickle=False) as arrays:
        if len(arrays.files) != 1:
            what = f"the archive holds {len(arrays.files)} arrays ({', '.join(arrays.files[:5])}), not one map"
            raise ImageError(what, where=path, fix=_ALONE)
        values: NDArray[Any] = arrays[arrays.files[0]]
        return values


def _nifti(path: Path) -> NDArray[Any]:
    import nibabel as nib

    image = nib.load(path)
    _check_bytes(int(np.prod(image.shape)) * image.get_data_dtype().itemsize, path)
    return np.asarray(image.dataobj)


def _check_bytes(count: int, path: Path) -> None:
    if count > _MAX_BYTES:
        raise ImageError("the file holds more values than any photograph has pixels", where=path, fix=_ALONE)


# --- Arrays -----------------------------------------------------------------------------------------------------------


def _plane(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """The array (H, W) in an array that may have axes of length 1, or three equal channels last or first."""
    if values.ndim > 2:
        values = values.reshape([length for length in values.shape if length != 1])
    if values.ndim == 2:
        return values
    if values.ndim != 3:
        size = "x".join(map(str, values.shape)) or "a single number"
        raise ImageError(f"the file holds an array of {size}, not a map of height and width", where=path, fix=_ALONE)
    if values.shape[-1] == _COLOURS:
        values = np.moveaxis(values, -1, 0)
    first: NDArray[Any] = values[0]
    if len(values) != _COLOURS:
        raise _many_channels(min(values.shape), path, values.shape)
    if not all(np.array_equal(first, other) for other in values[1:]):
        fix = "Save the vessel's probability alone as a grey image, without a colour map"
        raise ImageError("a map with three different channels (colours, or several classes)", where=path, fix=fix)
    return first


def _many_channels(channels: int, path: Path, shape: tuple[int, ...] = ()) -> ImageError:
    size = f" ({'x'.join(map(str, shape))})" if shape else ""
    what = f"the file holds {channels} channels{size}, and nothing says which is the vessel"
    return ImageError(what, where=path, fix=_ALONE)


def _upright(values: NDArray[Any], shape: tuple[int, ...] | None) -> NDArray[Any]:
    rows_first = shape is not None and values.shape == shape and values.shape[::-1] != shape
    return values if rows_first else values.T


def _check_size(values: NDArray[Any], shape: tuple[int, ...] | None, path: Path) -> None:
    if shape is None or values.shape == shape:
        return
    what = f"the map has {values.shape[1]}x{values.shape[0]} pixels, its photograph {shape[1]}x{shape[0]}"
    fix = "Resize it before it is saved: predictions return to native size; the ground truth is never resized"
    if values.shape == shape[::-1]:
        fix = "Transpose it: rows come before columns"
    raise ImageError(what, where=path, fix=fix)


def _check_finite(values: NDArray[Any], path: Path) -> None:
    if values.dtype.kind != "f" or (finite := np.isfinite(values)).all():
        return
    nans = int(np.isnan(values).sum())
    infinite = int(finite.size - finite.sum()) - nans
    counted = [f"{number:,} {name}" for number, name in ((nans, "NaN"), (infinite, "infinite")) if number]
    what = f"the map holds {' and '.join(counted)} values among {values.size:,}"
    raise ImageError(what, where=path, fix="Mend the prediction; write 0 where there is none")
