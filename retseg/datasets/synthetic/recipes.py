"""How each picture of a generated folder was made, in a small file a picture: so only what is missing is made anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from retseg.core.paths import write_atomically

FOLDER = "recipes"
"""Where they lie below the root. A folder that has it was generated, whatever its other files look like."""


def is_whole(root: Path, picture: str, key: Mapping[str, Any]) -> bool:
    """Whether the picture is there, made in this way, and none of its files is damaged or missing."""
    recipe = _read(root, picture)
    if recipe is None or recipe["key"] != dict(key):
        return False
    return all(_digest(root / name) == digest for name, digest in recipe["sha256"].items())


def record(root: Path, picture: str, key: Mapping[str, Any], files: Collection[str]) -> None:
    """Notes that the picture's files, relative to the root, are whole. It is to be called when they are written."""
    recipe = {"key": dict(key), "sha256": {name: _digest(root / name) for name in files}}
    write_atomically(_path(root, picture), json.dumps(recipe, indent=1) + "\n")


def remove_others(root: Path, wanted: Collection[str]) -> None:
    """Deletes pictures that an earlier, larger or other set of this folder left behind; never a file without recipe."""
    for path in sorted((root / FOLDER).glob("*.json")):
        recipe = _read(root, path.stem)
        if path.stem not in wanted and recipe is not None:
            for name in recipe["sha256"]:
                if ".." not in PurePosixPath(name).parts and not PurePosixPath(name).is_absolute():
                    (root / name).unlink(missing_ok=True)
            path.unlink()


def generated(root: Path) -> bool:
    """Whether the folder holds generated pictures."""
    return next((root / FOLDER).glob("*.json"), None) is not None


def _path(root: Path, picture: str) -> Path:
    return root / FOLDER / f"{picture}.json"


def _read(root: Path, picture: str) -> dict[str, Any] | None:
    try:
        recipe = json.loads(_path(root, picture).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    right = isinstance(recipe, dict) and "key" in recipe and isinstance(recipe.get("sha256"), dict)
    return recipe if right else None


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
