"""One registry for everything that can be plugged in. Nothing is imported until it is asked for by name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from retseg.core.errors import ConfigError, nearest
from retseg.core.manifest import file_digest

T = TypeVar("T")


class Registry(Generic[T]):
    """An explicit table `name -> "module:attribute"` of the built-ins, plus entry points of other packages.

    Args:
        kind: What the items are, in the singular, for messages: "dataset", "model", ...
        group: The entry-point group that other packages use: "retseg.datasets", ...
        table: The built-in items.
    """

    def __init__(self, kind: str, group: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._builtin = dict(table)
        self._merged: dict[str, str] | None = None

    def _table(self) -> dict[str, str]:
        if self._merged is None:
            merged = dict(self._builtin)
            for point in entry_points(group=self.group):
                if merged.get(point.name, point.value) != point.value:
                    raise ConfigError(
                        f"two packages provide the {self.kind} '{point.name}'",
                        where=f"{merged[point.name]} and {point.value}",
                        fix="Uninstall one of them, or rename it in its entry point",
                    )
                merged[point.name] = point.value
            self._merged = merged
        return self._merged

    def names(self) -> list[str]:
        """All known names, built-ins in their order first. Imports nothing."""
        return list(self._table())

    def __contains__(self, name: str) -> bool:
        return name in self._table()

    def loadable(self) -> dict[str, T]:
        """All items by name but those of other packages that cannot be loaded; what is broken stops nobody else."""
        found = {}
        for name in self.names():
            try:
                found[name] = self.get(name)
            except ConfigError:
                if name in self._builtin:
                    raise
        return found

    def code_of_others(self, name: str) -> dict[str, str]:
        """The digest of the file that an item of another package comes from, for content keys; nothing for built-ins.

        A built-in changes with the version of its stage; other people's code changes whenever they like.
        """
        if name in self._builtin or name not in self:
            return {}
        file = importlib.import_module(self._table()[name].partition(":")[0]).__file__
        return {} if file is None else {f"code of {name}": file_digest(Path(file))}

    def get(self, name: str) -> T:
        """The item called `name`, importing its module now."""
        table = self._table()
        if name not in table:
            raise ConfigError(f"unknown {self.kind} '{name}'", fix=nearest(name, table))
        module_name, _, attribute = table[name].partition(":")
        item: Any
        try:
            item = getattr(importlib.import_module(module_name), attribute)
        except Exception as error:  # other people's modules may fail in any way
            if name in self._builtin and not isinstance(error, ModuleNotFoundError):
                raise
            raise ConfigError(
                f"the {self.kind} '{name}' cannot be loaded ({' '.join(str(error).split()) or type(error).__name__})",
                where=table[name],
                fix="Install the package it needs, or repair its entry point",
            ) from error
        return item  # type: ignore[no-any-return]
