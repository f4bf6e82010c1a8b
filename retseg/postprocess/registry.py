"""The ways of telling instances apart that can be asked for by name, the most capable first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.core.registry import Registry
from retseg.core.types import Classes, Float32Array, UInt8Array, UInt16Array
from retseg.postprocess.separation import Separation

SEPARATIONS: Registry[Separation] = Registry(
    "separation",
    "retseg.postprocess",
    {
        "watershed": "retseg.postprocess.watershed:WATERSHED",
        "components": "retseg.postprocess.components:COMPONENTS",
    },
)


def choose(name: str | None, heads: Collection[str]) -> Separation:
    """The separation called `name`, or without a name the first one that a net with these heads can feed."""
    if name is None:
        ways = (SEPARATIONS.get(each) for each in SEPARATIONS.names())
        return next(way for way in ways if set(way.needs) <= set(heads))
    way = SEPARATIONS.get(name)
    if lacking := [head for head in way.needs if head not in heads]:
        raise ConfigError(
            f"the separation '{name}' needs the head '{lacking[0]}', which the net does not have",
            where="predict.separation",
            fix=f"Train a net with --set model.heads=[{','.join(way.needs)}], or leave predict.separation out",
        )
    return way


def separate(
    class_map: UInt8Array,
    classes: Classes,
    heads: Mapping[str, Float32Array],
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> UInt16Array:
    """Tells the instances of a task's things apart.

    Args:
        class_map: (H, W) class indices.
        classes: The class table; `classes.things` are the classes whose instances are told apart, each by itself.
        heads: What the net's heads say, by name: (channels, H, W) float32 in 0..1.
        name: How; None takes the first way that these heads allow.
        options: Options of that way.

    Returns:
        An id map (H, W): 0 where there is no thing, else 1, 2, 3 and so on, no id in two classes.
    """
    way = choose(name, heads)
    checked = validate(way.options, dict(options or {}), where=f"predict.separation_options of {way.name}")
    ids = np.zeros(class_map.shape, np.uint16)
    for index in classes.things:
        mask = class_map == index
        found = way.function(mask, heads, checked)
        ids = np.where(found > 0, found + ids.max(), ids).astype(np.uint16)
    return ids
