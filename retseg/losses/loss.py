"""What a loss is: a definition, options, and how to make the function that training minimises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor

from retseg.core.config import Section
from retseg.core.types import Classes

LossFunction: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Logits (B, C, H, W) and labels (B, H, W) int64 to a scalar in float32."""


class NoOptions(Section):
    """For a loss that has nothing to choose."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss that can be asked for by name.

    `build` receives (classes, class_weights, options): the class table, one float32 weight per class or None, and an
    instance of the section `options`. A batch without a single counted pixel must give 0, not NaN.
    """

    name: str
    options: type[Section]
    build: Callable[[Classes, Tensor | None, Any], LossFunction]
    definition: str
    citation: str
