from __future__ import annotations

import pytest

from retseg.datasets.paired import Place, pair_files
from retseg.datasets.tree import Tree

PHOTOGRAPHS = Place("Images", (".jpg", ".png"), nested=True)
LABELS = Place("Truth", ("_GT.png", "_GT.bmp"), nested=True)


def files_at(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return Tree(root)


def found(root, *names):
    tree = files_at(root, *names)
    pairs, findings = pair_files(tree, PHOTOGRAPHS, {"label": LABELS})
    said = [(f.severity, f.path.relative_to(root).as_posix(), f.what, f.blocks) for f in findings]
    return [(p.id, p.image.name, {k: v.name for k, v in p.companions.items()}) for p in pairs], said, tree


def test_names_are_paired_without_regard_to_case_and_sub_folders_are_part_of_them(tmp_path):
    pairs, said, tree = found(tmp_path, "images/1_1_s.JPG", "truth/1_1_S_gt.PNG", "Images/b/c.png", "Truth/b/c_GT.bmp")
    assert pairs == [
        ("b/c", "c.png", {"label": "c_GT.bmp"}),
        ("1_1_s", "1_1_s.JPG", {"label": "1_1_S_gt.PNG"}),
    ]
    assert said == []
    assert tree.left_over() == []


def test_a_missing_label_blocks_and_a_missing_photograph_does_not(tmp_path):
    pairs, said, _ = found(tmp_path, "Images/a.jpg", "Truth/b_GT.bmp")
    assert pairs == [("a", "a.jpg", {})]
    assert said == [
        ("error", "Truth/a_GT.png", "label missing", True),
        ("error", "Images/b.jpg", "photograph missing, so Truth/b_GT.bmp is not used", False),
    ]


def test_of_two_files_of_one_name_the_preferred_one_is_used_and_the_other_named(tmp_path):
    pairs, said, _ = found(tmp_path, "Images/a.png", "Images/a.jpg", "Truth/a_GT.png")
    assert pairs == [("a", "a.jpg", {"label": "a_GT.png"})]
    assert said == [("warning", "Images/a.png", "a second photograph of the name a; a.jpg is used", False)]


def test_files_without_the_ending_or_of_the_ending_alone_are_left_over(tmp_path):
    pairs, said, tree = found(tmp_path, "Images/a.txt", "Truth/_GT.png", "Truth/a.png", "elsewhere/b.jpg")
    assert (pairs, said) == ([], [])
    assert len(tree.left_over()) == 4


@pytest.mark.parametrize(("nested", "name"), [(True, "b/c"), (False, None)])
def test_sub_folders_count_only_where_they_may(nested, name):
    named = Place("Images", (".jpg",), nested).name_of("Images/b/c.jpg")
    assert (named and named[0]) == name
