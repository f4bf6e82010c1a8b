from __future__ import annotations

import datetime
import string

import pytest

from retseg.core.errors import ConfigError
from retseg.core.messages import Message
from retseg.reporting.catalogue import LANGUAGES, SOURCE, Language, language, read_catalogue
from tests.reporting.said_patterns import patterns_of_sources, patterns_of_templates

OTHERS = [code for code in LANGUAGES if code != SOURCE]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", OTHERS)
def test_everything_that_pages_say_has_its_translation(code: str) -> None:
    known = read_catalogue(code)
    said = patterns_of_templates() | patterns_of_sources()
    assert len(said) > 80
    assert sorted(said - set(known)) == []


@pytest.mark.parametrize("code", OTHERS)
def test_translations_have_the_same_places_and_say_something(code: str) -> None:
    for pattern, words in read_catalogue(code).items():
        assert places(words) == places(pattern), pattern
        assert words.strip(), pattern
        assert pattern.endswith(".") == words.endswith("."), pattern


def test_the_catalogues_cover_the_same_patterns() -> None:
    first, *others = (set(read_catalogue(code)) for code in OTHERS)
    assert all(first == other for other in others)


def test_numbers_and_dates_follow_the_language() -> None:
    day = datetime.date(2026, 5, 3)
    said = {code: (language(code).number(-1.25, 2), language(code).date(day)) for code in LANGUAGES}
    assert said["en"] == ("\N{MINUS SIGN}1.25", "3 May 2026")
    assert said["es"] == ("\N{MINUS SIGN}1,25", "3 de mayo de 2026")
    assert said["de"] == ("\N{MINUS SIGN}1,25", "3. Mai 2026")


def test_numbers_inside_messages_get_the_decimal_sign_and_versions_do_not() -> None:
    german = Language("de", {"focus {value} of {version}": "Schärfe {value} in {version}"})
    message = Message("focus {value} of {version}", {"value": "0.21", "version": "1.2.3"})
    assert german.message(message) == "Schärfe 0,21 in 1.2.3"


def test_what_has_no_translation_stays_english_and_a_missing_value_is_no_error() -> None:
    spanish = Language("es", {"{one}": "{one} {other}"})
    assert spanish.say("Nobody translated {this}", this="this") == "Nobody translated this"
    assert spanish.say("{one}", one="1") == "1"
    assert spanish.say("{gone}") == "{gone}"


def test_an_unknown_language_is_explained() -> None:
    with pytest.raises(ConfigError, match="no translation into 'fr'"):
        language("fr")
