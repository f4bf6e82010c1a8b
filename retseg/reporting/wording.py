"""Numbers, durations and lists as a reader expects them in running text and in tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

NOT_AVAILABLE = "N/A"


def score(value: float | None, digits: int = 3) -> str:
    """A score with a fixed number of decimals, so that columns line up; `N/A` where it is undefined."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    text = f"{value:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def threshold(value: float | None) -> str:
    """A threshold with the decimals that it has, at most four."""
    return NOT_AVAILABLE if value is None else f"{value:.4f}".rstrip("0").rstrip(".") or "0"


def whole(value: float) -> str:
    """A whole number with thin spaces between thousands, which do not break."""
    return f"{round(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 image`, `8 images`."""
    return f"{whole(number)}\N{NO-BREAK SPACE}{noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A wall time in its two largest units: `48 s`, `21 min 5 s`, `3 h 2 min`."""
    total = round(seconds)
    if total < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{total} s"
    if total < 3600:
        minutes, rest = divmod(total, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(total / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def capitalised(text: str) -> str:
    """`text` with a capital at its beginning and the rest untouched."""
    return text[:1].upper() + text[1:]
