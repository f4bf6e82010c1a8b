"""Sentences for readers, kept as a pattern and its values so that a page can say them in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Message:
    """An English sentence or phrase with places for values, such as "only {count} segments are long enough".

    `pattern` is what a catalogue of translations is searched for; `values` are text or numbers already in the form in
    which they are to be read.
    """

    pattern: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.pattern.format_map(self.values)

    def to_json(self) -> dict[str, Any]:
        """As files hold it."""
        return {"pattern": self.pattern, "values": dict(self.values)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` made."""
        return cls(str(data["pattern"]), {str(key): str(value) for key, value in data["values"].items()})
