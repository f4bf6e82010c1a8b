"""The `method` section of the configuration."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from retseg.core.config import Section


class MethodConfig(Section):
    """Which training-free method works in the place of a net, and how it is tuned.

    Attributes:
        name: A method of `retseg methods list`; None takes a trained net.
        parameters: Values of its parameters that are fixed and not searched; `retseg methods show NAME` lists them.
        search: Search the other parameters of its grid; otherwise they keep their published values.
        images: Most training photographs to tune on, evenly chosen.
    """

    name: str | None = None
    parameters: dict[str, Any] = Field(default={})
    search: bool = True
    images: int = Field(default=10, ge=1)
