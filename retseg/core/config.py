"""Configuration: frozen sections, and the merging of defaults, a YAML file and `--set key=value`. Nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from retseg.core.errors import ConfigError, InputError, nearest


class Section(BaseModel):
    """Base of every part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


S = TypeVar("S", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("configuration file not found", where=path, fix="Check the path") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"cannot read the YAML file ({reason})", where=path, fix="Correct the file") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError("a configuration file holds sections with keys", where=path, fix="See `retseg config show`")
    return data


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """`["train.lr=3e-4", ...]` as a nested mapping. Values are read as YAML, so lists and null work."""
    nested: dict[str, Any] = {}
    for text in assignments:
        key, separator, value = text.partition("=")
        if not separator or not all(key.strip().split(".")):
            raise ConfigError("--set takes key=value", where=text, fix="For example --set train.lr=3e-4")
        nested = merge(nested, nest(key.strip(), _scalar(value)))
    return nested


def _scalar(text: str) -> Any:
    try:
        value = yaml.safe_load(text) if text.strip() else ""
    except yaml.YAMLError:
        return text
    if isinstance(value, str):
        # YAML 1.1 reads 3e-4 as a string; people mean a number.
        try:
            return float(value)
        except ValueError:
            return value
    return value


def nest(key: str, value: Any) -> dict[str, Any]:
    """`("train.lr", 1)` as `{"train": {"lr": 1}}`."""
    for part in reversed(key.split(".")):
        value = {part: value}
    result: dict[str, Any] = value
    return result


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over` laid on top; mappings merge key by key, anything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def validate(kind: type[S], data: Mapping[str, Any], *, where: str = "configuration") -> S:
    """`data` as a frozen section, with one clear line for the first thing that is wrong in it."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        location = tuple(str(part) for part in first["loc"])
        key = ".".join(location) or where
        if first["type"] == "extra_forbidden":
            known = _known_keys(kind, location[:-1])
            raise ConfigError(f"unknown configuration key '{key}'", fix=nearest(location[-1], known)) from None
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"configuration key '{key}': {message[:1].lower() + message[1:]} (it is {first['input']!r})",
            fix="See `retseg config show` for the keys and their defaults",
        ) from None


def _known_keys(kind: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = kind
    for part in path:
        field = model.model_fields.get(part)
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return list(model.model_fields)
