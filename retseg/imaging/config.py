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
    cameras: dict[str, int] = Field(
        {},
        description="pixels of the field of view of each dataset that is trained on; a photograph that is predicted is "
        "looked at with diameter first, and then scaled until its vessels are as wide as theirs were",
    )

    @model_validator(mode="after")
    def _a_first_look_has_a_size(self) -> Self:
        if self.cameras and self.diameter is None:
            raise ValueError("input.cameras needs input.diameter, the size of the first look")
        if wrong := [name for name, pixels in self.cameras.items() if not 32 <= pixels <= 8192]:
            raise ValueError(f"input.cameras.{wrong[0]} should be 32 to 8192 pixels")
        return self

    def trained_diameter(self, dataset: str) -> int | None:
        """Pixels of the field of view where a photograph of this dataset is trained on."""
        return self.cameras.get(dataset, self.diameter)
