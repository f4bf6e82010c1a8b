"""What a sweep tries: settings with several values each, multiplied out or drawn at random."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from retseg.core.errors import ConfigError

SWEPT = ("seed", "recipe", "input", "model", "loss", "train", "sampling", "augment")
"""Sections that a training on a prepared set depends on. All else is the same for every combination."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\.\.({_NUMBER})\s*")
_OPENING, _CLOSING, _QUOTES = "[{(", "]})", "'\""
_EXAMPLE = "For example --set train.lr=1e-3,3e-4"


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting and what is tried for it: `values` as they were written, or a range from `low` to `high`."""

    key: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Axis:
        """`key=value,value,...`, where commas inside brackets or quotes belong to a value, or `key=low..high`."""
        key, separator, given = (part.strip() for part in text.partition("="))
        if not separator or not all(key.split(".")):
            raise ConfigError("--set takes key=value,value,...", where=text, fix=_EXAMPLE)
        if (found := _RANGE.fullmatch(given)) is not None:
            low, high = map(float, found.groups())
            if not 0 < low < high:
                raise ConfigError(
                    "a range is drawn on a logarithmic scale, so it goes from a number above 0 to a higher one",
                    where=text,
                    fix="For example --set train.lr=1e-4..1e-2",
                )
            return cls(key, (), low, high)
        values = tuple(dict.fromkeys(value.strip() for value in split_values(given)))
        if len(values) > 1 and "" in values:
            raise ConfigError("a value is missing between two commas", where=text, fix=_EXAMPLE)
        return cls(key, values)

    @property
    def section(self) -> str:
        """The section of the configuration, also where the key names a run of the pipeline first (`runs.NAME.`)."""
        parts = self.key.split(".")
        return parts[2] if parts[0] == "runs" and len(parts) > 2 else parts[0]

    @property
    def shared(self) -> bool:
        """Whether it has one value, which all combinations have."""
        return len(self.values) == 1

    @property
    def is_range(self) -> bool:
        """Whether it is drawn from a range."""
        return not self.values

    def drawn(self, source: random.Random) -> str:
        """A value of the range, evenly on a logarithmic scale, in four digits."""
        value = math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        return f"{min(max(float(f'{value:.4g}'), self.low), self.high):g}"


def split_values(text: str) -> Iterator[str]:
    """The parts of `text` between its commas at top level: those outside brackets and quotes."""
    depth, quote, start = 0, "", 0
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in _QUOTES:
            quote = sign
        elif sign in _OPENING:
            depth += 1
        elif sign in _CLOSING:
            depth -= 1
        elif sign == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


@dataclass(frozen=True, slots=True)
class Axes:
    """All that was asked for: `shared` assignments, and the axes along which combinations differ."""

    shared: tuple[str, ...]
    swept: tuple[Axis, ...]

    @classmethod
    def parse(cls, assignments: Iterable[str]) -> Axes:
        """Reads `--set` texts; of a key that was given twice the last counts."""
        axes = {axis.key: axis for axis in map(Axis.parse, assignments)}
        swept = tuple(axis for axis in axes.values() if not axis.shared)
        for axis in swept:
            if axis.section not in SWEPT:
                raise ConfigError(
                    f"a sweep ranks trainings on one prepared set, so '{axis.key}' has one value for all",
                    where="--set",
                    fix=f"Several values can have the settings of {', '.join(SWEPT)}",
                )
        return cls(tuple(f"{axis.key}={axis.values[0]}" for axis in axes.values() if axis.shared), swept)

    @property
    def keys(self) -> tuple[str, ...]:
        """The settings in which combinations differ."""
        return tuple(axis.key for axis in self.swept)

    def combinations(self, draws: int | None, seed: int) -> list[dict[str, str]]:
        """Each combination's values by key: all of them, or `draws` drawn ones.

        The first N draws are the same however many are drawn, so that a sweep can be enlarged. Where the grid is finite
        none is drawn twice; no more are drawn than there are.
        """
        if draws is None:
            for axis in self.swept:
                if axis.is_range:
                    raise ConfigError(
                        f"a range cannot be multiplied out: {axis.key}={axis.low:g}..{axis.high:g}",
                        fix="Draw from it with --random N, or list its values",
                    )
            return [self._at(place) for place in range(self._size)]
        source = random.Random(seed)
        if any(axis.is_range for axis in self.swept):
            return [_drawn(self.swept, source) for _ in range(draws)]
        places: dict[int, None] = {}
        while len(places) < min(draws, self._size):
            places.setdefault(source.randrange(self._size))
        return [self._at(place) for place in places]

    @property
    def _size(self) -> int:
        return math.prod(len(axis.values) for axis in self.swept)

    def _at(self, place: int) -> dict[str, str]:
        """Combination number `place` of the grid; the last axis goes fastest."""
        chosen = {}
        for axis in reversed(self.swept):
            place, number = divmod(place, len(axis.values))
            chosen[axis.key] = axis.values[number]
        return {key: chosen[key] for key in self.keys}


def _drawn(axes: Sequence[Axis], source: random.Random) -> dict[str, str]:
    return {axis.key: axis.drawn(source) if axis.is_range else source.choice(axis.values) for axis in axes}


def assignments_of(combination: Mapping[str, str]) -> list[str]:
    """A combination as `key=value` texts."""
    return [f"{key}={value}" for key, value in combination.items()]
