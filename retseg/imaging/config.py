"""How a photograph is brought to a net."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retseg.core.config import Section


class InputConfig(Section):
    """From the native photograph to a net's input. It is stored with the weights and the same everywhere."""

    normalise: Literal["unit", "fov"] = Field(
        "fov", description="unit: brightness 0 to 1; fov: zero mean and unit deviation inside the field of view"
    )
    crop: bool = Field(True, description="cut the photograph to the box around its field of view")
    diameter: int | None = Field(
        None,
        ge=32,
        le=8192,
        description="pixels of the field of view on the working grid; null keeps native resolution",
    )
