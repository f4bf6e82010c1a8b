from __future__ import annotations

from retseg.core.types import Sample
from retseg.datasets.split_lists import splits_by_folders, splits_by_lists
from retseg.datasets.tree import Tree


def samples_of(root, *names):
    return [Sample(name, name, root / f"images/{name}.jpg") for name in names]


def by_lists(root, *names, **more):
    findings = []
    tree = Tree(root)
    dealt = splits_by_lists(tree, samples_of(root, *names), findings, **more)
    said = [(f.severity, f.path.name, f.what, f.blocks) for f in findings]
    return None if dealt is None else {s.id: s.split for s in dealt}, said, tree


def test_without_lists_nothing_is_said(tmp_path):
    assert by_lists(tmp_path, "a")[:2] == (None, [])


def test_names_may_have_suffixes_folders_comments_and_any_line_ends(tmp_path):
    (tmp_path / "Train.txt").write_bytes("\ufeffa\r\nb.jpg # again\r\n\r\n# nothing\r\n".encode())
    (tmp_path / "validation.txt").write_text("images/deep/C.png\n")
    (tmp_path / "test.txt").write_text(".\\images\\d\nscene.2\n")
    dealt, said, tree = by_lists(tmp_path, "a", "b", "deep/c", "d", "scene.2")
    assert dealt == {"a": "train", "b": "train", "deep/c": "validation", "d": "test", "scene.2": "test"}
    assert said == []
    assert tree.left_over() == []


def test_what_lists_name_twice_or_in_vain_is_told_and_only_a_contradiction_stops(tmp_path):
    (tmp_path / "train.txt").write_text("a\na\nb\nx\n")
    (tmp_path / "test.txt").write_text("b\nc\n")
    dealt, said, _ = by_lists(tmp_path, "a", "b", "c", "d")
    assert dealt == {"a": "train", "b": "train", "c": "test"}
    assert said == [
        ("error", "train.txt", "train.txt names photographs that are missing: x", False),
        ("warning", "train.txt", "train.txt names photographs twice: a", False),
        ("error", "test.txt", "'b' stands in train.txt and in test.txt", True),
        ("note", "train.txt", "in no list, so not used: d", False),
    ]


def test_a_list_that_cannot_be_read_stops(tmp_path):
    (tmp_path / "test.txt").write_bytes(b"\xff\xfe\xfa")
    _, said, _ = by_lists(tmp_path, "a")
    assert ("error", "test.txt", "the list cannot be read (it is not a text in UTF-8)", True) in said


def test_lists_may_lie_elsewhere(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/mine.txt").write_text("a\n")
    places = {"train": ("lists/mine.txt",), "validation": (), "test": ("mine.txt",)}
    assert by_lists(tmp_path, "a", lists_of=places)[0] == {"a": "train"}


def test_sub_folders_name_the_split_or_nothing_does(tmp_path):
    findings = []
    dealt = splits_by_folders(samples_of(tmp_path, "Training/a", "val/b", "TEST/x/c", "d"), findings, tmp_path)
    assert {s.id: s.split for s in dealt or []} == {"Training/a": "train", "val/b": "validation", "TEST/x/c": "test"}
    assert [(f.severity, f.what.endswith("not used: d")) for f in findings] == [("warning", True)]
    assert splits_by_folders(samples_of(tmp_path, "train", "city/a"), findings, tmp_path) is None
