from __future__ import annotations

import json

import pytest

from retseg.datasets.synthetic import recipes

KEY = {"version": 1, "seed": 5}


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "set"
    for name in ("images/a.png", "labels/a.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    recipes.record(folder, "a", KEY, ["images/a.png", "labels/a.png"])
    return folder


def test_a_recorded_picture_is_whole(root):
    assert recipes.is_whole(root, "a", KEY)
    assert recipes.generated(root)


def test_a_picture_made_otherwise_damaged_or_missing_is_not_whole(root):
    assert not recipes.is_whole(root, "a", KEY | {"seed": 6})
    assert not recipes.is_whole(root, "b", KEY)
    (root / "labels/a.png").write_bytes(b"else")
    assert not recipes.is_whole(root, "a", KEY)
    (root / "labels/a.png").unlink()
    assert not recipes.is_whole(root, "a", KEY)


def test_a_recipe_that_cannot_be_read_is_none(root):
    (root / recipes.FOLDER / "a.json").write_text("{")
    assert not recipes.is_whole(root, "a", KEY)
    (root / recipes.FOLDER / "a.json").write_text("[]")
    assert not recipes.is_whole(root, "a", KEY)


def test_others_are_removed_and_files_of_unknown_origin_stay(root):
    (root / "images/mine.png").write_bytes(b"mine")
    recipes.remove_others(root, {"a"})
    assert (root / "images/a.png").is_file()
    recipes.remove_others(root, {"b"})
    assert [path.name for path in sorted(root.rglob("*")) if path.is_file()] == ["mine.png"]
    assert not recipes.generated(root)


def test_nothing_outside_the_folder_is_removed(root):
    outside = root.parent / "outside.png"
    outside.write_bytes(b"x")
    wicked = {"key": {}, "sha256": {"../outside.png": None, str(outside): None}}
    (root / recipes.FOLDER / "z.json").write_text(json.dumps(wicked))
    recipes.remove_others(root, {"a"})
    assert outside.is_file()
