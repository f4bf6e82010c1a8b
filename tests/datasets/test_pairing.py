from __future__ import annotations

from pathlib import Path

import pytest

from retseg.datasets.pairing import pair

ROOT = Path("set")


def paired(*names: str):
    """Companions by the photograph's name, and the names that were found fault with."""
    result = pair(ROOT, [ROOT / name for name in names])
    companions = {
        path.relative_to(ROOT).as_posix(): {
            role: file.relative_to(ROOT).as_posix() for role, file in result.companions.get(path, {}).items()
        }
        for path in result.photographs
    }
    return companions, [finding.path.relative_to(ROOT).as_posix() for finding in result.findings]


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("labels/a.png", "label"),
        ("Manual1/a.tif", "label"),
        ("1st_manual/a_manual1.gif", "label"),
        ("vessels/a_vessel.png", "label"),
        ("gt/a.png", "label"),
        ("a_1stHO.png", "label"),
        ("2nd_manual/a_manual2.gif", "label2"),
        ("a_2ndHO.png", "label2"),
        ("mask/a_mask.tif", "fov"),
        ("fov/a.png", "fov"),
        ("a_mask.png", "fov"),
        ("masks/a.png", "label"),
    ],
)
def test_a_companion_is_known_by_its_folder_or_its_suffix(label, role):
    assert paired("a.jpg", label) == ({"a.jpg": {role: label}}, [])


def test_masks_beside_labels_are_fields_of_view():
    companions, findings = paired("images/a.jpg", "labels/a.png", "masks/a.png")
    assert companions == {"images/a.jpg": {"label": "labels/a.png", "fov": "masks/a.png"}}
    assert findings == []


def test_namesakes_in_subfolders_keep_their_own_labels():
    companions, findings = paired("left/a.jpg", "right/a.jpg", "left/labels/a.png", "labels/right/a.png")
    assert companions == {"left/a.jpg": {"label": "left/labels/a.png"}, "right/a.jpg": {"label": "labels/right/a.png"}}
    assert findings == []


def test_one_common_folder_of_labels_serves_photographs_anywhere():
    companions, _ = paired("x/a.jpg", "y/b.jpg", "labels/a.png", "labels/b.png")
    assert companions == {"x/a.jpg": {"label": "labels/a.png"}, "y/b.jpg": {"label": "labels/b.png"}}


def test_a_label_that_fits_two_photographs_is_given_to_neither():
    companions, findings = paired("x/a.jpg", "y/a.jpg", "y/b.jpg", "labels/a.png", "labels/b.png")
    assert companions["x/a.jpg"] == companions["y/a.jpg"] == {}
    assert findings == ["labels/a.png"]


def test_a_label_without_a_photograph_is_named_and_is_no_photograph():
    companions, findings = paired("a.jpg", "labels/a.png", "labels/b.png")
    assert list(companions) == ["a.jpg"]
    assert findings == ["labels/b.png"]


def test_a_folder_that_only_sounds_like_labels_holds_photographs():
    assert paired("a.jpg", "manual/b.jpg") == ({"a.jpg": {}, "manual/b.jpg": {}}, [])
    assert paired("labels/a.png", "labels/b.png") == ({"labels/a.png": {}, "labels/b.png": {}}, [])


def test_a_name_that_only_sounds_like_a_label_is_a_photograph():
    assert paired("right_mask.jpg", "left.jpg") == ({"right_mask.jpg": {}, "left.jpg": {}}, [])


def test_of_two_labels_of_one_kind_the_second_is_named():
    companions, findings = paired("a.jpg", "labels/a.png", "manual1/a.png")
    assert companions == {"a.jpg": {"label": "labels/a.png"}}
    assert findings == ["manual1/a.png"]
