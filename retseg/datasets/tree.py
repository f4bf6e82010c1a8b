"""The files below a dataset's root, found without regard to case, and which of them nobody asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from retseg.datasets.findings import Finding
from retseg.imaging.files import has_image_name

_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""What operating systems leave in every folder, in lower case."""


class Tree:
    """All files below `root` by their relative path; hidden files and what operating systems leave are passed over.

    Owners, and the systems their files pass through, change the case of names (`.JPG`, `.jpg`), so paths are compared
    in lower case.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[str, list[Path]] = {}
        self._taken: set[Path] = set()
        for path in _files_below(root):
            self._files.setdefault(path.relative_to(root).as_posix().lower(), []).append(path)

    def take(self, candidates: Iterable[str]) -> Path | None:
        """The first of the candidate paths that is there, and it is not left over any more."""
        for candidate in candidates:
            for path in self._files.get(candidate.lower(), []):
                self._taken.add(path)
                return path
        return None

    def left_over(self) -> list[Path]:
        """The files that were never taken, in order."""
        files = sorted(path for paths in self._files.values() for path in paths)
        return [path for path in files if path not in self._taken]

    def strangers(self, title: str) -> list[Finding]:
        """A finding for every file left over: images may be mistaken for the set's own, other files do no harm."""
        return [
            Finding(
                "warning" if has_image_name(path) else "note",
                path,
                f"not a file of {title}; it is not used",
                "Move it elsewhere, or correct its name if it is a file of the set",
            )
            for path in self.left_over()
        ]


def _files_below(root: Path) -> Iterator[Path]:
    """Every file that counts, in order. Linked folders are followed, each once."""
    visited: set[str] = set()
    for place, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in visited else sorted(filter(_counts, folders))
        if real not in visited:
            yield from (Path(place, name) for name in sorted(filter(_counts, names)))
        visited.add(real)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _LITTER


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted; none where it is missing or must not be read."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
