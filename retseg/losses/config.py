"""The `loss` section of the configuration: which loss, with which of its own options."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from retseg.core.config import Section


class LossConfig(Section):
    """Which loss is minimised. `options` are checked by the loss's own section."""

    name: str = Field(default="cross-entropy", description="Name of the loss")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of that loss")
    auxiliary: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="Deep supervision: weight of a net's second prediction beside its best one, of its third beside "
        "its second, and so on; 0 leaves all but the best one out",
    )
    heads: float = Field(
        default=1.0, ge=0.0, description="Weight of the loss of each of the net's heads beside that of the class map"
    )
