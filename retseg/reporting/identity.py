"""Codes that stand for patients and photographs: in file names, and on pages where nobody is to be recognised."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from retseg.core.errors import InputError
from retseg.core.messages import Message
from retseg.core.paths import write_atomically
from retseg.reporting.patients import PatientFacts

KEY_FILE = "anonymise.key"
"""Lies beside the measurements and never in a report. Whoever has it and a list of patients can tell who is who."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
# Windows gives no file such a name, whatever its ending.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index|cohort)", re.IGNORECASE)
_LEAST = 3
"""Shorter identifiers are not searched for in texts: they would be found in every word."""

_OLDEST = 90
"""Ages from here on tell who somebody is, and are shown as this age."""


def file_codes(names: Iterable[str]) -> dict[str, str]:
    """A file name for each of these texts: the text itself where it is safe on every system, else made of its hash.

    Two names that differ in capitals only are one on some systems, so the second gets a hash, too.
    """
    codes: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names)):
        plain = _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name) and name.lower() not in taken
        code = name if plain else "p-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        codes[name] = code
        taken.add(code.lower())
    return codes


def read_key(folder: Path) -> bytes:
    """The secret that codes are made with, from `folder`; made at the first use, so that codes stay the same."""
    path = folder / KEY_FILE
    if path.is_file():
        try:
            return bytes.fromhex(path.read_text(encoding="ascii").strip())
        except ValueError:
            raise InputError("the key of the codes is damaged", where=path, fix="Restore it, or delete it") from None
    key = secrets.token_bytes(32)
    write_atomically(path, key.hex() + "\n")
    path.chmod(0o600)
    return key


def anonymous_code(name: str, key: bytes, prefix: str = "P") -> str:
    """A code that stays the same for the same name and key, and that nobody can turn back without the key."""
    digest = hmac.new(key, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return f"{prefix}-{digest[:10].upper()}"


def without_identity(facts: PatientFacts, patient: str, image: str) -> PatientFacts:
    """The same facts under codes: no name, of the date the year only, and no age that few people reach."""
    date = None if facts.date is None else facts.date.replace(month=1, day=1)
    age = None if facts.age is None else min(float(int(facts.age)), float(_OLDEST))
    return replace(facts, image=image, patient=patient, name=None, date=date, age=age)


def without_names(message: Message, names: Mapping[str, str]) -> Message:
    """The message with each identifier in its values replaced by its code; the longest first."""
    values = {}
    for key, text in message.values.items():
        for name in sorted((n for n in names if len(n) >= _LEAST), key=len, reverse=True):
            text = text.replace(name, names[name])
        values[key] = text
    return Message(message.pattern, values)
