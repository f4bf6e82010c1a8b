"""How a photograph is brought to a net."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

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
    largest_diameter: int | None = Field(
        None,
        ge=32,
        le=8192,
        description="diameter is then the least: larger fields of view keep their pixels up to this many",
    )

    @model_validator(mode="after")
    def _a_range_has_two_ends(self) -> Self:
        if self.largest_diameter is not None and (self.diameter is None or self.diameter > self.largest_diameter):
            raise ValueError("input.largest_diameter needs an input.diameter that is not larger than it")
        return self
