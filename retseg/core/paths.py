"""Where things lie, and writing files so that a killed process leaves nothing half-written."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retseg.core.errors import OutputError

RAW = Path("data/raw")
PREPARED = Path("data/prepared")
RUNS = Path("runs")
WEIGHTS = "best.safetensors"
REPORTS = Path("reports")

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space and run the same command again: it goes on from where it was"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and run the same command again"),
    errno.EFBIG: ("the file would be larger than the disk or the system allows", "Choose another folder with --out"),
    errno.EACCES: ("no permission to write", "Choose another folder with --out, or ask its owner"),
    errno.EPERM: ("no permission to write", "Choose another folder with --out, or ask its owner"),
    errno.EROFS: ("the disk is read-only", "Choose another folder with --out"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "Move it away, or choose another folder with --out"),
    errno.EEXIST: ("a file stands where a folder is needed", "Move it away, or choose another folder with --out"),
    errno.ENAMETOOLONG: ("the path is too long", "Choose a shorter folder with --out"),
}


def output_error(error: OSError, path: Path | str | None = None) -> OutputError | None:
    """What a failed write means in plain words, or None where the system's error says something else."""
    if error.errno not in _REASONS:
        return None
    what, fix = _REASONS[error.errno]
    return OutputError(what, where=path if path is not None else error.filename, fix=fix)


@contextmanager
def explained_writes(path: Path) -> Iterator[None]:
    """Turns a failed write below `path` into an OutputError that says why."""
    try:
        yield
    except OSError as error:
        explained = output_error(error, error.filename or path)
        if explained is None:
            raise
        raise explained from error


def ensure_writable(folder: Path) -> None:
    """Creates `folder` and makes sure that a file can be written in it."""
    with explained_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def write_atomically(path: Path, data: bytes | str) -> None:
    """Writes `data` to `path` so that a reader sees the old content or the new one, never a part."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    with explained_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
