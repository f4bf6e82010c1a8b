"""Which files are images, and what they are called without their suffixes. Looks at names only, opens nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

from retseg.core.errors import InputError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm", ".webp"}
)
"""Suffixes, in lower case, that name an image. Each may be followed by `.gz`."""

COMPRESSED = ".gz"


def plain_stem(path: Path | str) -> str:
    """The file's name without its image suffix and without `.gz`: `im0001.ah.ppm.gz` gives `im0001.ah`."""
    name = Path(path).name
    if name.lower().endswith(COMPRESSED):
        name = name[: -len(COMPRESSED)]
    return Path(name).stem


def has_image_name(path: Path | str) -> bool:
    """Whether the name is that of an image. Hidden files (and the `._` twins that macOS leaves) are not."""
    path = Path(path)
    inner = Path(path.stem) if path.suffix.lower() == COMPRESSED else path
    return not path.name.startswith(".") and inner.suffix.lower() in IMAGE_SUFFIXES


def is_image(path: Path | str) -> bool:
    """Whether `path` is an existing file with the name of an image. Its content is not looked at."""
    return has_image_name(path) and Path(path).is_file()


def list_images(folder: Path) -> list[Path]:
    """All images below `folder`, in natural order (`2.png` before `10.png`). Hidden files and folders are skipped."""
    if not folder.is_dir():
        what = "this is not a folder" if folder.exists() else "folder not found"
        raise InputError(what, where=folder, fix="Check the path")
    found: list[Path] = []
    visited: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        # Linked folders are common with large datasets; a link to a parent must not go round for ever.
        real = os.path.realpath(place)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(path for name in names if is_image(path := Path(place, name)))
    return sorted(found, key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _natural(text: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key under which numbers inside a name count as numbers and case matters last."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], text
