"""Names for photographs that people bring: their relative paths, told apart where two would share an output file."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from retseg.imaging.files import plain_stem


def photograph_ids(root: Path, paths: Iterable[Path]) -> dict[Path, str]:
    """An id for each path: its path relative to `root`, with "/", without its suffix; always distinct.

    Photographs that would share an id (`a.jpg` and `a.png`), or whose ids differ only in letter case or in how an
    accent is encoded (which many disks cannot tell apart), keep their suffixes; what is the same even then gets a
    number.
    """
    files = sorted(set(paths))
    full = {path: _relative(root, path) for path in files}
    ids = {path: _without_suffix(full[path]) for path in files}
    # Keeping one suffix can bring a new clash (`a.jpg` with the stem of `a.jpg.png`), so this goes on.
    while pending := [path for path in _clashing(ids) if ids[path] != full[path]]:
        ids |= {path: full[path] for path in pending}
    taken: set[str] = set()
    for path in files:
        ids[path] = _unused(ids[path], taken)
        taken.add(_key(ids[path]))
    return ids


def _relative(root: Path, path: Path) -> str:
    """The path below `root`; of a file elsewhere only its name, so that no result is ever written elsewhere."""
    inner = Path(os.path.relpath(path, root))
    return path.name if ".." in inner.parts or inner.is_absolute() else inner.as_posix()


def _without_suffix(name: str) -> str:
    folder, separator, last = name.rpartition("/")
    return f"{folder}{separator}{plain_stem(last)}"


def _clashing(ids: dict[Path, str]) -> list[Path]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for path, name in ids.items():
        groups[_key(name)].append(path)
    return [path for group in groups.values() if len(group) > 1 for path in group]


def _key(name: str) -> str:
    """What a disk that ignores case and normalises accents makes of a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _unused(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while _key(candidate) in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
