"""Splits that a folder itself says: by lists of names beside the photographs, or by sub-folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from retseg.core.types import Sample
from retseg.datasets.findings import Finding, listed
from retseg.datasets.splits import SPLITS, TEST, TRAIN, VALIDATION
from retseg.datasets.tree import Tree
from retseg.imaging.files import has_image_name, plain_stem

LISTS = {TRAIN: ("train.txt",), VALIDATION: ("validation.txt", "val.txt"), TEST: ("test.txt",)}
"""Names of the lists by split."""

_FOLDERS = {"train": TRAIN, "training": TRAIN, "validation": VALIDATION, "val": VALIDATION, "test": TEST}
_FIX = "Correct the list"

S = TypeVar("S", bound=Sample)


@dataclass(frozen=True, slots=True)
class _List:
    path: Path
    split: str
    names: tuple[str, ...]


def splits_by_lists(
    tree: Tree, samples: Sequence[S], findings: list[Finding], lists_of: Mapping[str, Sequence[str]] = LISTS
) -> list[S] | None:
    """The samples that train.txt, validation.txt and test.txt name, with these splits; None where there is no list.

    `lists_of` says where the list of each split may lie, in order of preference. A list has one name a line: the
    photograph's id, with or without suffix; what follows a # does not count.
    """
    paths = {split: path for split in SPLITS if (path := tree.take(lists_of[split])) is not None}
    if not paths:
        return None
    known = {sample.id.lower() for sample in samples}
    lists = [_read(path, split, known, findings) for split, path in paths.items()]
    named: dict[str, _List] = {}
    for each in lists:
        for name in each.names:
            first = named.setdefault(name, each)
            if first is not each:
                what = f"'{name}' stands in {first.path.name} and in {each.path.name}"
                findings.append(Finding("error", each.path, what, "Name it in one list only", blocks=True))
    left = [sample.id for sample in samples if sample.id.lower() not in named]
    if left:
        what = f"in no list, so not used: {listed(left)}"
        findings.append(Finding("note", lists[0].path, what, "Add them to a list, or leave them out"))
    return [replace(s, split=named[s.id.lower()].split) for s in samples if s.id.lower() in named]


def splits_by_folders(samples: Sequence[S], findings: list[Finding], root: Path) -> list[S] | None:
    """The samples with the splits that their sub-folders name (images/train/...); None where they name none."""
    folders = [sample.id.partition("/")[0].lower() if "/" in sample.id else "" for sample in samples]
    if not any(folder in _FOLDERS for folder in folders):
        return None
    left = [sample.id for sample, folder in zip(samples, folders, strict=True) if folder not in _FOLDERS]
    if left:
        what = f"other photographs lie in folders named for their split, these do not and are not used: {listed(left)}"
        findings.append(Finding("warning", root, what, "Move them into train, validation or test"))
    pairs = zip(samples, folders, strict=True)
    return [replace(sample, split=_FOLDERS[folder]) for sample, folder in pairs if folder in _FOLDERS]


def _read(path: Path, split: str, known: set[str], findings: list[Finding]) -> _List:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text in UTF-8"
        findings.append(Finding("error", path, f"the list cannot be read ({reason})", _FIX, blocks=True))
        return _List(path, split, ())
    wanted = [_plain(text, known) for line in lines if (text := line.partition("#")[0].strip())]
    missing = [name for name in wanted if name not in known]
    if missing:
        what = f"{path.name} names photographs that are missing: {listed(missing)}"
        findings.append(Finding("error", path, what, f"Copy them here. {_FIX}"))
    if twice := sorted(name for name, number in Counter(wanted).items() if number > 1):
        findings.append(Finding("warning", path, f"{path.name} names photographs twice: {listed(twice)}", _FIX))
    return _List(path, split, tuple(dict.fromkeys(name for name in wanted if name in known)))


def _plain(text: str, known: set[str]) -> str:
    """The id in lower case that a line of a list means."""
    name = text.replace("\\", "/").lower().removeprefix("./").removeprefix("images/")
    if name in known or not has_image_name(name):
        return name
    folder, separator, last = name.rpartition("/")
    return f"{folder}{separator}{plain_stem(last)}"
