from __future__ import annotations

from retseg.datasets.tree import Tree, names_in


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_files_are_found_without_regard_to_case_and_then_are_not_left_over(tmp_path):
    touch(tmp_path, "images/01_dr.JPG", "images/02_dr.jpg")
    tree = Tree(tmp_path)
    assert tree.take(["images/01_dr.jpg"]) == tmp_path / "images/01_dr.JPG"
    assert tree.left_over() == [tmp_path / "images/02_dr.jpg"]


def test_the_first_candidate_that_is_there_counts(tmp_path):
    touch(tmp_path, "a.pgm", "a.ppm.gz")
    tree = Tree(tmp_path)
    assert tree.take(["a.ppm", "a.ppm.gz", "a.pgm"]) == tmp_path / "a.ppm.gz"
    assert tree.take(["b.ppm"]) is None


def test_what_systems_leave_behind_is_passed_over(tmp_path):
    touch(tmp_path, ".DS_Store", "Thumbs.db", "__MACOSX/images/._a.jpg", "sub/._b.tif")
    assert Tree(tmp_path).left_over() == []


def test_a_stray_image_is_worth_a_look_and_other_files_are_not(tmp_path):
    touch(tmp_path, "extra.png", "readme.txt")
    found = {finding.path.name: finding.severity for finding in Tree(tmp_path).strangers("DRIVE")}
    assert found == {"extra.png": "warning", "readme.txt": "note"}


def test_a_linked_folder_is_followed_once(tmp_path):
    touch(tmp_path, "real/a.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/images").symlink_to(tmp_path / "real")
    (tmp_path / "real/loop").symlink_to(tmp_path / "real")
    assert [path.name for path in Tree(tmp_path / "root").left_over()] == ["a.png"]


def test_names_in_a_missing_folder_are_none(tmp_path):
    assert names_in(tmp_path / "missing") == []
