"""The models that ship inside the package, by name."""

from __future__ import annotations

from pathlib import Path

DEFAULT = "default"
"""The shipped model that is taken where nobody names one and no run of the user's own is there."""

FOLDER = Path(__file__).with_name("shipped")
"""Where the weights files of the shipped models lie, each named after its model."""


def shipped_models() -> dict[str, Path]:
    """The weights files that ship with this copy of retseg, by the model's name; a copy may have none."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}
