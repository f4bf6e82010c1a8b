"""The reader's language: translated sentences, and numbers and dates as its readers write them."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from retseg.core.errors import ConfigError, nearest
from retseg.core.messages import Message

LANGUAGES: Mapping[str, str] = {"en": "English", "es": "español", "de": "Deutsch"}
"""The languages that pages can be written in, by their codes, as their own speakers call them."""

SOURCE = "en"
"""The language of patterns. It has no catalogue."""

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_DECIMAL = re.compile(r"[-\N{MINUS SIGN}]?\d+\.\d+")
_COMMA = frozenset({"es", "de"})


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its code, and the translation of each English pattern. What has none stays English."""

    code: str
    translations: Mapping[str, str]

    def say(self, pattern: str, /, **values: str) -> str:
        """The pattern in this language with its places filled; numbers get this language's decimal sign."""
        local = {name: self.localised(value) for name, value in values.items()}
        for text in (self.translations.get(pattern, pattern), pattern):
            try:
                return text.format_map(local)
            except (KeyError, IndexError, ValueError, AttributeError):
                # A file of another version may lack a value; the bare sentence still says more than an error.
                continue
        return pattern

    def message(self, message: Message) -> str:
        """A message that a file holds, in this language."""
        return self.say(message.pattern, **message.values)

    def number(self, value: float, digits: int) -> str:
        """A number with so many decimals."""
        return self.localised(f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}"))

    def date(self, day: datetime.date) -> str:
        """A date with the month as a word, which no two countries read differently."""
        month = self.say(MONTHS[day.month - 1])
        return self.say("{day} {month} {year}", day=str(day.day), month=month, year=str(day.year))

    def localised(self, value: str) -> str:
        """A number that is already text, with this language's decimal sign; any other text as it is."""
        if self.code in _COMMA and _DECIMAL.fullmatch(value):
            return value.replace(".", ",")
        return value


@cache
def language(code: str) -> Language:
    """The language with this code; a ConfigError that lists the known ones where there is none."""
    if code not in LANGUAGES:
        raise ConfigError(f"no translation into '{code}'", where="--lang", fix=nearest(code, LANGUAGES))
    return Language(code, {} if code == SOURCE else read_catalogue(code))


def read_catalogue(code: str) -> dict[str, str]:
    """The catalogues of one language: English pattern to translation. What pages say and what measurements say."""
    known: dict[str, str] = {}
    for file in sorted(files("retseg.reporting").joinpath("catalogues").iterdir(), key=lambda file: file.name):
        if file.name.startswith(f"{code}.") and file.name.endswith(".json"):
            known.update(json.loads(file.read_text(encoding="utf-8")))
    return known
