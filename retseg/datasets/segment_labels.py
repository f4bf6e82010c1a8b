"""Labels kept as numbered segments and the class of each, in MATLAB files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError
from retseg.core.types import UInt8Array

_SEGMENTS = "newseg"
_CLASSES = "newlabels"
_AGAIN = "Fetch the file again"


def read_segment_label(path: Path, count: int, ignore: int) -> UInt8Array:
    """The class map (H, W) of a file with the segments `newseg` (H, W) and the class of each, `newlabels` (n).

    Segments are numbered from 1, and so are classes, up to `count`; a pixel of class 0, or of a segment that has no
    class, becomes `ignore`. ImageError for whatever is no such file.
    """
    variables = _variables(path)
    segments = _whole_numbers(variables, _SEGMENTS, path)
    classes = _whole_numbers(variables, _CLASSES, path).ravel()
    if segments.ndim != 2 or not segments.size:
        shape = "x".join(map(str, segments.shape))
        raise ImageError(f"'{_SEGMENTS}' is no picture but has the shape {shape}", where=path, fix=_AGAIN)
    if int(segments.min()) < 0:
        raise ImageError(f"'{_SEGMENTS}' holds negative numbers", where=path, fix=_AGAIN)
    if classes.size and not 0 <= int(classes.min()) <= int(classes.max()) <= count:
        odd = next(int(number) for number in classes if not 0 <= number <= count)
        raise ImageError(f"'{_CLASSES}' holds {odd}, but classes go from 1 to {count}", where=path, fix=_AGAIN)
    # Place 0 is no segment; a last place stands for all segments beyond the list.
    class_of = np.full(classes.size + 2, ignore, np.uint8)
    class_of[1:-1] = np.where(classes == 0, ignore, classes - 1)
    class_map: UInt8Array = class_of[np.minimum(segments, classes.size + 1)]
    return class_map


def _variables(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # takes a third of a second, which other sets need not wait for

    try:
        with path.open("rb") as file:
            found: dict[str, Any] = loadmat(file, variable_names=[_SEGMENTS, _CLASSES])
    except FileNotFoundError:
        raise ImageError("label file not found", where=path, fix="Check the path") from None
    except PermissionError:
        raise ImageError("no permission to read the label", where=path, fix="Ask its owner for access") from None
    except NotImplementedError:
        fix = "Save it in MATLAB again with -v7"
        raise ImageError("a MATLAB file of version 7.3, which is not read", where=path, fix=fix) from None
    except Exception as error:  # whatever the reader makes of a damaged file
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ImageError(f"the MATLAB file is damaged ({reason})", where=path, fix=_AGAIN) from None
    return found


def _whole_numbers(variables: dict[str, Any], name: str, path: Path) -> NDArray[np.int64]:
    if name not in variables:
        raise ImageError(f"the MATLAB file has no variable '{name}'", where=path, fix=_AGAIN)
    values = np.asarray(variables[name])
    whole = values.dtype.kind in "iub" or (values.dtype.kind == "f" and bool((values == np.rint(values)).all()))
    if not whole or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        raise ImageError(f"'{name}' does not hold whole numbers", where=path, fix=_AGAIN)
    return values.astype(np.int64)
