"""Errors that a person can act on: what is wrong, where, and how to fix it, in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class RetsegError(Exception):
    """A mistake that the user can mend. The command line prints it as one line and exits with a non-zero code.

    Args:
        what: What is wrong, as a plain sentence without a full stop.
        where: The file, folder, option or key it was found in.
        fix: What to do about it, as an imperative sentence without a full stop.
    """

    def __init__(self, what: str, *, where: str | Path | None = None, fix: str | None = None) -> None:
        self.what = what
        self.where = str(where) if where is not None else None
        self.fix = fix
        super().__init__(self.line)

    @property
    def line(self) -> str:
        """The whole message on one line: what, where, and how to fix it."""
        text = self.what if self.where is None else f"{self.what}: {self.where}"
        text = f"{text}. {self.fix}." if self.fix else f"{text}."
        return " ".join(text.split())

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes hand their errors back by pickling; keyword-only arguments need this.
        return (_rebuild, (type(self), self.what, self.where, self.fix))


def _rebuild(kind: type[RetsegError], what: str, where: str | None, fix: str | None) -> RetsegError:
    return kind(what, where=where, fix=fix)


class InputError(RetsegError):
    """A file or folder given by the user is missing, unreadable, or not what it should be."""


class ImageError(InputError):
    """One image cannot be used. A folder goes on without it and lists it with this reason."""


class LayoutError(InputError):
    """A dataset folder does not have the layout that its owner ships."""


class ConfigError(RetsegError):
    """An option or configuration key is unknown, of the wrong type, or impossible together with another."""


class CheckpointError(RetsegError):
    """A weights file or checkpoint is corrupted, foreign, or belongs to another network or class table."""


class OutputError(RetsegError):
    """A result cannot be written: no permission, no space, or another process is writing there."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence fragment that suggests the names nearest to `name`, for the `fix` of an error."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return "Did you mean " + " or ".join(close) + f"? Known: {', '.join(names)}"
    return f"Known: {', '.join(names)}"


def listed(names: Iterable[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")
