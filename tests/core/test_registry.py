from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from retseg.core.errors import ConfigError
from retseg.core.registry import Registry


def registry(**table: str) -> Registry[object]:
    return Registry("thing", "retseg.nothing", table)


def test_an_item_is_imported_only_when_asked_for():
    sys.modules.pop("this", None)
    things = registry(calendar="calendar:month_name", zen="this:s")
    assert things.names() == ["calendar", "zen"]
    assert "calendar" in things
    assert things.get("calendar") is sys.modules["calendar"].month_name
    assert "this" not in sys.modules


def test_a_typo_gets_the_nearest_name():
    with pytest.raises(ConfigError, match="unknown thing 'calender'.*Did you mean calendar"):
        registry(calendar="calendar:month_name").get("calender")


def test_a_missing_package_is_named():
    with pytest.raises(ConfigError, match="cannot be loaded.*no_such_package"):
        registry(lost="no_such_package:thing").get("lost")


def test_two_packages_with_one_name_are_an_error(monkeypatch):
    from importlib.metadata import EntryPoint

    points = [EntryPoint("zen", "other:s", "retseg.nothing")]
    monkeypatch.setattr("retseg.core.registry.entry_points", lambda group: points)
    with pytest.raises(ConfigError, match="two packages provide the thing 'zen'"):
        registry(zen="this:s").names()


def test_entry_points_of_other_packages_are_found(monkeypatch):
    from importlib.metadata import EntryPoint

    points = [EntryPoint("sqrt", "math:sqrt", "retseg.nothing")]
    monkeypatch.setattr("retseg.core.registry.entry_points", lambda group: points)
    assert registry(zen="this:s").get("sqrt")(9) == 3


@pytest.mark.parametrize("code", ["def broken(:\n", "import no_such_package\n", "1 / 0\n"])
def test_a_broken_package_stops_only_itself(tmp_path, monkeypatch, code):
    name = f"broken_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("theirs", f"{name}:THING", "retseg.things")
    monkeypatch.setattr("retseg.core.registry.entry_points", lambda group: [point])
    registry: Registry[object] = Registry("thing", "retseg.things", {"ours": "json:dumps"})
    assert list(registry.loadable()) == ["ours"]
    with pytest.raises(ConfigError, match="cannot be loaded"):
        registry.get("theirs")


def test_the_code_of_others_has_a_digest_that_changes_with_it(tmp_path, monkeypatch):
    (tmp_path / "their_thing.py").write_text("THING = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("theirs", "their_thing:THING", "retseg.things")
    monkeypatch.setattr("retseg.core.registry.entry_points", lambda group: [point])
    registry: Registry[object] = Registry("thing", "retseg.things", {"ours": "json:dumps"})
    before = registry.code_of_others("theirs")
    (tmp_path / "their_thing.py").write_text("THING = 2\n")
    assert before != registry.code_of_others("theirs")
    assert registry.code_of_others("ours") == registry.code_of_others("nobody's") == {}
