"""The `model` section of the configuration: which architecture, with which of its own options."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from retseg.core.config import Section


class ModelConfig(Section):
    """Which net to build. `options` are checked by the architecture's own section, see `retseg models show NAME`."""

    arch: str = Field(default="unet", description="Name of the architecture, see `retseg models list`")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of that architecture")
    heads: tuple[str, ...] = Field(
        default=(), description="What the net tells of each pixel beside its class, such as distance (for instances)"
    )
