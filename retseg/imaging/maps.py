"""Probability maps on disk: a 16-bit PNG for one class, a 16-bit NIfTI for all classes."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError
from retseg.core.paths import write_atomically
from retseg.core.types import Float32Array, UInt16Array
from retseg.imaging.decoding import decode
from retseg.imaging.io import write_png

SCALE = 65535
"""Probability 1 as it is stored. Eight bits would move the ROC AUC in its fourth digit."""


def write_probability(path: Path | str, probability: NDArray[np.floating]) -> None:
    """Writes the probabilities (H, W), 0..1, of one class as a 16-bit grey PNG."""
    write_png(path, _stored(probability))


def read_probability(path: Path | str) -> Float32Array:
    """Probabilities (H, W) float32, 0..1, of a grey image of 8 or 16 bits."""
    raster = decode(path)
    if raster.values.ndim != 2 or raster.palette is not None:
        raise ImageError("a probability map must be a grey image", where=path, fix="Save it as a 16-bit grey PNG")
    return raster.values.astype(np.float32) / np.float32(raster.white)


def write_class_probabilities(path: Path | str, probabilities: NDArray[np.floating]) -> None:
    """Writes the probabilities (C, H, W), 0..1, of all classes as NIfTI (.nii.gz).

    The file's axes are x (to the right), y (down) and class; values are uint16 with the slope 1/65535.
    """
    import nibabel as nib

    image = nib.Nifti1Image(_stored(probabilities).T, np.diag([-1.0, -1.0, 1.0, 1.0]), dtype=np.uint16)
    # The array already holds stored values: the slope goes into the finished header, so that nothing is rescaled.
    header = image.header
    header["descrip"] = b"class probabilities, axes: x, y, class"
    header["magic"], header["vox_offset"] = b"n+1", 352
    header["scl_slope"], header["scl_inter"] = 1 / SCALE, 0
    content = header.binaryblock + bytes(4) + np.asarray(image.dataobj).tobytes(order="F")
    # No file name and no time in the gzip header: equal maps give equal files.
    write_atomically(Path(path), gzip.compress(content, compresslevel=1, mtime=0))


def read_class_probabilities(path: Path | str) -> Float32Array:
    """The probabilities (C, H, W) float32 that `write_class_probabilities` wrote."""
    import nibabel as nib

    try:
        values = np.asarray(nib.load(path).dataobj, dtype=np.float32)
    except FileNotFoundError:
        raise ImageError("probability map not found", where=path, fix="Run `retseg predict` first") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise ImageError(f"the probability map is damaged ({reason})", where=path, fix="Run `retseg predict`") from None
    if values.ndim != 3:
        raise ImageError(f"a class map has three axes, this file has {values.ndim}", where=path, fix="Check the path")
    return np.ascontiguousarray(values.T)


def _stored(probability: NDArray[np.floating]) -> UInt16Array:
    if not np.isfinite(probability).all():
        raise ValueError("a probability map holds NaN or infinite values")
    scaled = np.multiply(probability, SCALE, dtype=np.float32)
    stored: UInt16Array = np.clip(np.rint(scaled, out=scaled), 0, SCALE, out=scaled).astype(np.uint16)
    return stored
