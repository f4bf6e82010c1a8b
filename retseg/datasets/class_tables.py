"""What may be done with a set's class table before its labels are read: classes taken as void, colours told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from retseg.core.errors import ConfigError, InputError, nearest
from retseg.core.types import Classes, UInt8Array

_LEAST_CLASSES = 2

ALL_VOID = "every pixel of the label is void, so it counts nowhere"
"""The remark on a label in which no class is left."""


def without(classes: Classes, void: Sequence[str]) -> tuple[Classes, UInt8Array]:
    """The class table without the classes named in `void`, and how the owner's indices translate to it.

    The lookup table has 256 entries: `table[raw]` is the new index of the class `raw`, and the ignore value for void
    classes and for every number that no class has. ConfigError names what `dataset.void` cannot mean.
    """
    for name in void:
        if name not in classes.names:
            what = f"{classes.name} has no class '{name}'"
            raise ConfigError(what, where="dataset.void", fix=nearest(name, classes.names))
    kept = [index for index, name in enumerate(classes.names) if name not in void]
    _require_enough(classes, kept)
    table = np.full(256, classes.ignore, np.uint8)
    table[kept] = np.arange(len(kept), dtype=np.uint8)
    things = tuple(int(table[index]) for index in classes.things if index in kept)
    smaller = replace(
        classes,
        items=tuple(classes.items[index] for index in kept),
        positive=None if classes.positive is None else int(table[classes.positive]),
        outside=None if classes.outside is None else int(table[classes.outside]),
        things=things,
    )
    return smaller, table


def _require_enough(classes: Classes, kept: Sequence[int]) -> None:
    roles = {classes.positive: "the class that is looked for", classes.outside: "what lies outside the field of view"}
    for index, role in roles.items():
        if index is not None and index not in kept:
            what = f"'{classes.names[index]}' is {role} and cannot be void"
            raise ConfigError(what, where="dataset.void", fix="Leave it out of dataset.void")
    if len(kept) < _LEAST_CLASSES:
        what = f"only {len(kept)} of {classes.count} classes would be left"
        raise ConfigError(what, where="dataset.void", fix=f"Keep at least {_LEAST_CLASSES} classes")


def require_distinct_colours(classes: Classes, where: str | Path | None = None) -> None:
    """InputError, naming both, if two classes have one colour: their pixels could not be told apart in a label."""
    seen: dict[tuple[int, int, int], str] = {}
    for item in classes.items:
        if item.colour in seen:
            colour = ", ".join(map(str, item.colour))
            what = f"'{seen[item.colour]}' and '{item.name}' have the same colour ({colour})"
            raise InputError(what, where=where, fix="Give every class a colour of its own")
        seen[item.colour] = item.name
