"""The ways of telling instances apart that can be asked for by name, the most capable first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from retseg.core.config import Section, validate
from retseg.core.errors import ConfigError, InputError
from retseg.core.registry import Registry
from retseg.core.types import Classes, Float32Array, UInt8Array, UInt16Array
from retseg.postprocess.separation import MOST_INSTANCES, Separation

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


def checked(way: Separation, options: Mapping[str, Any] | None = None) -> Section:
    """The options of a separation with every default filled in; ConfigError for one that it does not have."""
    try:
        return validate(way.options, dict(options or {}))
    except ConfigError as error:
        raise ConfigError(
            error.what,
            where=f"predict.separation_options of {way.name}",
            fix=f"Its options are {', '.join(way.options.model_fields)}",
        ) from None


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
    section = checked(way, options)
    ids = np.zeros(class_map.shape, np.uint16)
    count = 0
    for index in classes.things:
        found = way.function(class_map == index, heads, section)
        most = int(found.max(initial=0))
        if count + most > MOST_INSTANCES:
            raise InputError(
                f"{count + most} instances, more than the {MOST_INSTANCES} an id map can hold",
                where="the instances of one image",
                fix="Raise smallest, for example --set predict.separation_options.smallest=64",
            )
        ids = np.where(found > 0, found + np.uint16(count), ids)
        count += most
    return ids
