"""What takes the place of a number that could not be trusted."""

from __future__ import annotations

from typing import Any

from retseg.core.messages import Message


class NotMeasured(Exception):  # noqa: N818 (it is a result, too: what a report shows in the place of a number)
    """A measurement that cannot be taken from this eye, with the reason. Raised by measurements, returned by `measure`.

    Args:
        pattern: Why, as a phrase in lower case without a full stop: the pattern of a `Message`.
        values: The values in it, as they are to be read.
    """

    def __init__(self, pattern: str, **values: object) -> None:
        self.why = Message(pattern, {name: str(value) for name, value in values.items()})
        super().__init__(str(self.why))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotMeasured) and self.why == other.why

    def __hash__(self) -> int:
        return hash(str(self.why))

    def __reduce__(self) -> tuple[Any, ...]:
        # Worker processes hand results back by pickling.
        return (_rebuilt, (self.why,))

    def to_json(self) -> dict[str, Any]:
        """As files hold it."""
        return {"not_measured": self.why.to_json()}


def _rebuilt(why: Message) -> NotMeasured:
    return NotMeasured(why.pattern, **why.values)
