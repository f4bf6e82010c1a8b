from __future__ import annotations

import pytest

from retseg.core.config import Section, merge, nest, parse_assignments, read_yaml, validate
from retseg.core.errors import ConfigError, InputError


class Inner(Section):
    rate: float = 0.1
    names: tuple[str, ...] = ()


class Outer(Section):
    seed: int = 0
    inner: Inner = Inner()


def test_assignments_become_nested_values_of_the_right_type():
    assert parse_assignments(["a.b=3e-4", "a.c=[1, 2]", "d=null", "e=text", "f=true"]) == {
        "a": {"b": 3e-4, "c": [1, 2]},
        "d": None,
        "e": "text",
        "f": True,
    }


@pytest.mark.parametrize("text", ["novalue", "=1", "a..b=1"])
def test_an_assignment_without_a_key_or_value_is_explained(text):
    with pytest.raises(ConfigError, match="--set takes key=value"):
        parse_assignments([text])


def test_merge_replaces_lists_and_merges_mappings():
    assert merge({"a": {"x": 1, "y": [1, 2]}, "b": 1}, {"a": {"y": [3]}}) == {"a": {"x": 1, "y": [3]}, "b": 1}
    assert nest("a.b.c", 1) == {"a": {"b": {"c": 1}}}


def test_unknown_key_gets_the_nearest_one():
    with pytest.raises(ConfigError, match=r"unknown configuration key 'inner\.rat'\. Did you mean rate"):
        validate(Outer, {"inner": {"rat": 1}})
    with pytest.raises(ConfigError, match="Did you mean seed"):
        validate(Outer, {"sed": 1})


def test_wrong_type_names_the_key_and_the_value():
    with pytest.raises(ConfigError, match=r"'inner\.rate'.*'fast'"):
        validate(Outer, {"inner": {"rate": "fast"}})


def test_sections_are_frozen():
    with pytest.raises(ValueError):
        Outer().seed = 3  # type: ignore[misc]


def test_yaml_files_and_their_mistakes(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("inner: {rate: 2}\n")
    assert read_yaml(path) == {"inner": {"rate": 2}}
    path.write_text("")
    assert read_yaml(path) == {}
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match="sections with keys"):
        read_yaml(path)
    path.write_text("a: [1\n")
    with pytest.raises(ConfigError, match="cannot read the YAML file"):
        read_yaml(path)
    with pytest.raises(InputError, match="not found"):
        read_yaml(tmp_path / "none.yaml")
