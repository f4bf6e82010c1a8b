"""What a separation is: a registered way of telling the instances of a class apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from retseg.core.config import Section
from retseg.core.types import BoolArray, Float32Array, UInt16Array

MOST_INSTANCES = 65535
"""How many instances an id map of 16 bits can tell apart."""


@dataclass(frozen=True, slots=True)
class Separation:
    """A way of telling instances apart that can be asked for by name.

    `function` receives (mask, heads, options): where the class is, (H, W) bool; the outputs of the net's heads by name,
    each (channels, H, W) float32 in 0..1; and an instance of the section `options`. It returns an id map (H, W): 0
    outside the mask, else 1, 2, 3 and so on without gaps. `needs` names the heads that it cannot do without.
    """

    name: str
    options: type[Section]
    function: Callable[[BoolArray, Mapping[str, Float32Array], Any], UInt16Array]
    needs: tuple[str, ...]
    about: str
    citation: str
