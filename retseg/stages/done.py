"""The running list of what a stage has finished, so that an interrupted one goes on instead of starting over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from retseg.core.paths import explained_writes

_NAME = ".done.jsonl"


class DoneList:
    """One JSON line for each finished item, in a hidden file of the partial folder; use it in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._file: TextIO | None = None

    def earlier(self) -> Iterator[dict[str, Any]]:
        """What an interrupted run noted. A line that was being written when it was killed is passed over."""
        if not self._path.is_file():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def __enter__(self) -> DoneList:
        with explained_writes(self._path):
            # A killed run may have left half a line; the next entry must not be glued to it.
            torn = (
                self._path.is_file() and not self._path.read_bytes().endswith(b"\n") and self._path.stat().st_size > 0
            )
            self._file = self._path.open("a", encoding="utf-8")
            if torn:
                self._file.write("\n")
        return self

    def add(self, entry: dict[str, Any]) -> None:
        """Notes one finished item; the line is on disk when this returns."""
        assert self._file is not None
        with explained_writes(self._path):
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if kind is None:
            self._path.unlink(missing_ok=True)
