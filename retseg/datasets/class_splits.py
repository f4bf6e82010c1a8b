"""Splits in which every class stands in every part, as far as there are photographs enough of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_ATTEMPTS = 32


def split_by_classes(classes_of: Mapping[str, frozenset[int]], shares: Mapping[str, int], seed: int) -> dict[str, str]:
    """The part of each photograph: id -> name of a split, the same on every machine.

    Each part gets its share of the photographs, exactly by largest remainder. A class that occurs in as many
    photographs as there are parts stands in every part, unless a part is too small for all of them; a rarer one stands
    in the largest parts.

    Args:
        classes_of: The classes that each photograph shows, by its id.
        shares: The shares of the parts by name, in any unit, such as 276, 59 and 256.
        seed: Another seed deals the photographs anew.
    """
    sizes = {name: size for name, size in _sizes(len(classes_of), shares).items() if size}
    best: dict[str, str] = {}
    least: tuple[int, int] | None = None
    # Most sets come out at the first attempt; small ones with many classes take photographs rich in classes first.
    for rich in (False, True):
        for attempt in range(_ATTEMPTS):
            deal = _Deal(classes_of, sizes, _drawn(classes_of, seed, attempt), rich)
            parts, missing = deal.dealt(), deal.missing()
            if least is None or missing < least:
                best, least = parts, missing
            if least == (0, 0):
                return {name: best[name] for name in classes_of}
    return {name: best[name] for name in classes_of}


def _sizes(count: int, shares: Mapping[str, int]) -> dict[str, int]:
    """How many of `count` photographs each part gets: whole numbers that sum up, by largest remainder."""
    total = sum(shares.values())
    sizes = {name: count * share // total for name, share in shares.items()}
    # Of equal remainders the larger share goes first, then the one named first.
    order = sorted(shares, key=lambda name: (-(count * shares[name] % total), -shares[name]))
    for name in order[: count - sum(sizes.values())]:
        sizes[name] += 1
    return sizes


def _drawn(names: Mapping[str, object], seed: int, attempt: int) -> list[str]:
    """The photographs in an order that the seed and their names alone decide."""
    digests = {
        name: hashlib.sha256(f"{seed}:{attempt}:{name}".encode("utf-8", "surrogatepass")).hexdigest() for name in names
    }
    return sorted(names, key=lambda name: (digests[name], name))


@dataclass
class _Deal:
    """One attempt: the photographs in the order drawn, and the parts as they fill."""

    classes_of: Mapping[str, frozenset[int]]
    sizes: Mapping[str, int]
    order: Sequence[str]
    rich: bool
    parts: dict[str, str] = field(default_factory=dict)

    def dealt(self) -> dict[str, str]:
        """All photographs: first what each part needs, of the rarest class first, then the others in order.

        Classes too rare for every part come after those that every part needs, so as to take no room from these.
        """
        counts = self._counts()
        self.room = dict(self.sizes)
        self.lacks = {part: self._wanted(part, counts) for part in self.sizes}
        for index in sorted(counts, key=lambda index: (counts[index] < len(self.sizes), counts[index], index)):
            for part in reversed(self._largest()):
                if index in self.lacks[part] and self.room[part]:
                    self._give(index, part)
        rest = [part for part in self.sizes for _ in range(self.room[part])]
        left = [name for name in self.order if name not in self.parts]
        self.parts |= dict(zip(left, rest, strict=True))
        return self.parts

    def missing(self) -> tuple[int, int]:
        """How many classes parts lack that could be there: of the classes that all parts need, and of rarer ones."""
        counts = self._counts()
        shown = {part: set[int]() for part in self.sizes}
        for name, part in self.parts.items():
            shown[part] |= self.classes_of[name]
        lacking = [index for part in self.sizes for index in self._wanted(part, counts) - shown[part]]
        frequent = sum(counts[index] >= len(self.sizes) for index in lacking)
        return frequent, len(lacking) - frequent

    def _counts(self) -> dict[int, int]:
        """In how many photographs each class occurs."""
        counts: dict[int, int] = {}
        for classes in self.classes_of.values():
            for index in classes:
                counts[index] = counts.get(index, 0) + 1
        return counts

    def _largest(self) -> list[str]:
        return sorted(self.sizes, key=lambda part: -self.sizes[part])

    def _wanted(self, part: str, counts: Mapping[int, int]) -> set[int]:
        """The classes that a part should show: those with photographs enough for all parts as large."""
        rank = self._largest().index(part)
        return {index for index, count in counts.items() if count > rank}

    def _give(self, index: int, part: str) -> None:
        """Gives the part a photograph of the class, if one is left."""
        able = [name for name in self.order if name not in self.parts and index in self.classes_of[name]]
        if not able:
            return
        lacks = self.lacks[part]
        name = max(able, key=lambda name: len(lacks & self.classes_of[name])) if self.rich else able[0]
        self.parts[name] = part
        self.room[part] -= 1
        lacks -= self.classes_of[name]
