from __future__ import annotations

import pytest

from retseg.core.errors import InputError
from retseg.imaging.files import IMAGE_SUFFIXES, has_image_name, is_image, list_images, plain_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("im0001.ah.ppm.gz", "im0001.ah"),
        ("01_dr.JPG", "01_dr"),
        ("a/b/21_training.tif", "21_training"),
        ("photo.v2.jpeg", "photo.v2"),
        ("probability.nii.gz", "probability"),
        ("plain", "plain"),
    ],
)
def test_plain_stem(name, stem):
    assert plain_stem(name) == stem


@pytest.mark.parametrize("name", ["a.JPG", "a.b.tif", "x.ppm.gz", "x.PGM.GZ", "m.gif"])
def test_image_names(name):
    assert has_image_name(name)


@pytest.mark.parametrize("name", ["a.txt", "._a.jpg", ".hidden.png", "a.nii.gz", "Thumbs.db", "jpg", "a.csv.gz"])
def test_other_names(name):
    assert not has_image_name(name)


def test_suffixes_are_lower_case():
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES)


def test_is_image_needs_a_file(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.png").touch()
    assert is_image(tmp_path / "file.png")
    assert not is_image(tmp_path / "folder.png")
    assert not is_image(tmp_path / "missing.png")


def test_list_images_is_natural_recursive_and_skips_hidden(tmp_path):
    names = ["10.png", "2.JPG", "1.png", "left/b10.tif", "left/b9.tif", ".hidden/a.png", "left/._b9.tif", "notes.txt"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["1.png", "2.JPG", "10.png", "left/b9.tif", "left/b10.tif"]


def test_list_images_mixes_numbers_and_words(tmp_path):
    for name in ("b.png", "1.png", "a1.png", "A1.png", "1b/x.png", "²3.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert len(list_images(tmp_path)) == 6


def test_list_images_survives_a_link_to_its_parent(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert list_images(tmp_path) == [tmp_path / "a.png"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.touch()], ids=["missing", "file"])
def test_list_images_needs_a_folder(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(InputError, match="folder"):
        list_images(tmp_path / "x")
