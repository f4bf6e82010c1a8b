from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from retseg.core.errors import InputError
from retseg.core.messages import Message
from retseg.reporting.identity import (
    KEY_FILE,
    anonymous_code,
    file_codes,
    read_key,
    without_identity,
    without_names,
)
from retseg.reporting.patients import PatientFacts

HOSTILE = (
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "x" * 300,
    "שלום עולם",
    "王小明",
    "a/b",
    "a b",
    "",
    ".",
    "..",
)


def test_a_safe_name_is_its_own_file_name() -> None:
    assert file_codes(["1001", "p-17_a"]) == {"1001": "1001", "p-17_a": "p-17_a"}


@pytest.mark.parametrize("name", [*HOSTILE, "CON", "nul", "com1", "index", "-rf", "a.b", "a\x00b", "\ud800"])
def test_any_other_name_becomes_a_hash(name: str) -> None:
    code = file_codes([name])[name]
    assert re.fullmatch(r"p-[0-9a-f]{16}", code)
    assert code == file_codes([name, "other"])[name]


def test_names_that_differ_in_capitals_get_different_files() -> None:
    codes = file_codes(["Anna", "anna", "ANNA"])
    assert len({code.lower() for code in codes.values()}) == 3


def test_codes_need_the_key_and_stay_the_same_with_it(tmp_path: Path) -> None:
    key = read_key(tmp_path)
    assert read_key(tmp_path) == key
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0
    assert anonymous_code("1001", key) == anonymous_code("1001", key)
    assert anonymous_code("1001", key) != anonymous_code("1002", key)
    assert anonymous_code("1001", key) != anonymous_code("1001", b"another")
    assert file_codes([code := anonymous_code("王小明", key)]) == {code: code}


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("no key")
    with pytest.raises(InputError, match=KEY_FILE):
        read_key(tmp_path)


def test_facts_lose_what_tells_who_it_is() -> None:
    facts = PatientFacts("anna.png", "1001", "Anna", "left", datetime.date(2026, 5, 12), "female", 97.0, 7.2)
    cleaned = without_identity(facts, "P-1", "F-1")
    assert cleaned == PatientFacts("F-1", "P-1", None, "left", datetime.date(2026, 1, 1), "female", 90.0, 7.2)


def test_names_inside_messages_become_codes() -> None:
    message = Message("read from {file}", {"file": "/data/anna_1001_right.png"})
    names = {"anna_1001_right": "F-1", "1001": "P-1", "a": "X"}
    assert str(without_names(message, names)) == "read from /data/F-1.png"
