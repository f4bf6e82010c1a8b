"""The training-free methods that can be asked for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retseg.core.registry import Registry

if TYPE_CHECKING:
    from retseg.methods.method import Method

METHODS: Registry[Method] = Registry(
    "method",
    "retseg.methods",
    {
        "frangi": "retseg.methods.ridge_filters:FRANGI",
        "sato": "retseg.methods.ridge_filters:SATO",
        "meijering": "retseg.methods.ridge_filters:MEIJERING",
        "matched-filter": "retseg.methods.matched_filter:MATCHED_FILTER",
        "kmeans": "retseg.methods.kmeans:KMEANS",
        "chan-vese": "retseg.methods.active_contours:CHAN_VESE",
        "snakes": "retseg.methods.active_contours:SNAKES",
        "watershed": "retseg.methods.watershed:WATERSHED",
        "random-walker": "retseg.methods.random_walker:RANDOM_WALKER",
        "frequency": "retseg.methods.frequency:FREQUENCY",
        "nothing": "retseg.methods.nothing:NOTHING",
    },
)
