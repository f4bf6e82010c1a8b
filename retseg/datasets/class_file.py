"""classes.yaml: what the labels of one's own folder mean. Reads it, and says in one line what is wrong with it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeGuard

import yaml

from retseg.core.errors import InputError, nearest
from retseg.core.types import Classes, ClassInfo
from retseg.datasets.class_tables import require_distinct_colours
from retseg.datasets.colour_labels import Colour

CLASS_FILE = "classes.yaml"

Kind = Literal["index", "colour"]
"""How labels say the class of a pixel: by one number, or by a colour."""

EXAMPLE = """\
name: my-scenes               # optional
labels: colour                # or index; optional, found out from the labels
void: [0, 0, 0]               # optional: a colour or an index, or a list of several
classes:
  - {name: sky, colour: [128, 128, 128]}
  - {name: person, colour: [255, 0, 0], index: 7, instances: true}"""

_USUAL_VOID = 255
_LARGEST_INDEX = 65535
_LEAST_CLASSES, _MOST_CLASSES = 2, 254
_KEYS = ("name", "labels", "void", "classes")
_CLASS_KEYS = ("name", "colour", "index", "instances")
_FIX = "Correct the file (`retseg datasets show indexed` shows one)"


@dataclass(frozen=True, slots=True)
class ClassFile:
    """What classes.yaml says.

    `indices` holds the number of each class in index labels; `void_colours` and `void_indices` are what pixels without
    a class have (255 always, unless a class has it); `labels` is None where the file does not say the kind.
    """

    path: Path
    classes: Classes
    indices: tuple[int, ...]
    void_colours: tuple[Colour, ...]
    void_indices: tuple[int, ...]
    labels: Kind | None


def read_class_file(path: Path) -> ClassFile:
    """The class table in a file; InputError, in one line, if it is not one. Its name is the folder's by default."""
    data = _mapping(_content(path), _KEYS, "classes.yaml", path)
    name = data.get("name", path.resolve().parent.name)
    if not isinstance(name, str) or not name.strip():
        _refuse(f"name must be a text, not {name!r}", path)
    labels = data.get("labels")
    if labels not in (None, "index", "colour"):
        _refuse(f"labels must be index or colour, not {labels!r}", path)
    entries = data.get("classes")
    if not isinstance(entries, list) or not _LEAST_CLASSES <= len(entries) <= _MOST_CLASSES:
        _refuse(f"classes must be a list of {_LEAST_CLASSES} to {_MOST_CLASSES} classes", path)
    items, indices, things = [], [], []
    for place, entry in enumerate(entries):
        given = _mapping(entry, _CLASS_KEYS, f"class {place + 1}", path)
        items.append(ClassInfo(_name(given, place, path), _colour(given, place, path)))
        indices.append(_index(given.get("index", place), items[-1].name, path))
        if _flag(given.get("instances", False), items[-1].name, path):
            things.append(place)
    classes = Classes(name.strip(), tuple(items), things=tuple(things), subject="photograph")
    _require_distinct(classes, indices, path)
    colours, numbers = _void(data.get("void"), labels, path)
    for number in numbers:
        if number in indices:
            _refuse(f"'{classes.names[indices.index(number)]}' has the index of void ({number})", path)
    if _USUAL_VOID not in [*numbers, *indices]:
        numbers.append(_USUAL_VOID)
    return ClassFile(path, classes, tuple(indices), tuple(colours), tuple(numbers), labels)


def _content(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        _refuse("classes.yaml is missing", path, "Write one (`retseg datasets show indexed` shows one)")
    except OSError as error:
        _refuse(f"classes.yaml cannot be read ({error.strerror or error})", path)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        _refuse(f"classes.yaml is no YAML ({error})", path)


def _mapping(data: Any, known: Sequence[str], what: str, path: Path) -> dict[str, Any]:
    if not isinstance(data, dict):
        _refuse(f"{what} must consist of keys and values, such as name: sky", path)
    for key in data:
        if key not in known:
            _refuse(f"{what} has an unknown key '{key}'", path, nearest(str(key), known))
    return data


def _name(given: Mapping[str, Any], place: int, path: Path) -> str:
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        _refuse(f"class {place + 1} needs a name that is a text, not {name!r}", path, "Put it into quotes, or add one")
    return name.strip()


def _colour(given: Mapping[str, Any], place: int, path: Path) -> Colour:
    colour = given.get("colour")
    if not _is_colour(colour):
        what = f"the colour of '{given['name']}' must be three whole numbers from 0 to 255, not {colour!r}"
        _refuse(what, path)
    return colour[0], colour[1], colour[2]


def _is_whole(value: Any, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest


def _is_colour(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and len(value) == 3 and all(_is_whole(level, 255) for level in value)


def _index(index: Any, name: str, path: Path) -> int:
    if not _is_whole(index, _LARGEST_INDEX):
        _refuse(f"the index of '{name}' must be a whole number from 0 to {_LARGEST_INDEX}, not {index!r}", path)
    return int(index)


def _flag(value: Any, name: str, path: Path) -> bool:
    if not isinstance(value, bool):
        _refuse(f"instances of '{name}' must be true or false, not {value!r}", path)
    return value


def _require_distinct(classes: Classes, indices: Sequence[int], path: Path) -> None:
    if twice := _first_double(classes.names):
        _refuse(f"two classes are called '{twice[1]}'", path)
    require_distinct_colours(classes, path)
    if twice := _first_double(indices):
        (one, other), index = twice
        _refuse(f"'{classes.names[one]}' and '{classes.names[other]}' have the same index ({index})", path)


def _first_double(values: Iterable[Hashable]) -> tuple[tuple[int, int], Any] | None:
    """The places of the first two equal values, and the value."""
    seen: dict[Hashable, int] = {}
    for place, value in enumerate(values):
        if value in seen:
            return (seen[value], place), value
        seen[value] = place
    return None


def _void(given: Any, labels: Kind | None, path: Path) -> tuple[list[Colour], list[int]]:
    """The colours and the indices of void. Three numbers are one colour, unless labels are said to be indices."""
    if given is None:
        return [], []
    one_colour = _is_colour(given) and labels != "index"
    entries = given if isinstance(given, list) and not one_colour else [given]
    colours, indices = [], []
    for entry in entries:
        if _is_colour(entry):
            colours.append((entry[0], entry[1], entry[2]))
        elif _is_whole(entry, _LARGEST_INDEX):
            indices.append(entry)
        else:
            _refuse(f"void must hold colours such as [0, 0, 0] or indices such as 255, not {entry!r}", path)
    return colours, indices


def _refuse(what: str, path: Path, fix: str = _FIX) -> NoReturn:
    raise InputError(what, where=path, fix=fix)
