from __future__ import annotations

import pytest
from PIL import Image

from retseg.core.errors import ImageError
from retseg.datasets.chase import Chase
from retseg.datasets.class_tables import ALL_VOID
from retseg.datasets.config import DatasetConfig
from retseg.datasets.folder import Folder
from retseg.datasets.msrc import Msrc


@pytest.fixture
def eyes(tmp_path, studio):
    for name in "abc":
        studio.photograph(tmp_path / f"{name}.jpg")
        studio.label(tmp_path / f"labels/{name}.png")
        studio.mask(tmp_path / f"fov/{name}.png")
    return tmp_path


def found_in(root, kind=Folder):
    return [(f.severity, f.path.relative_to(root).as_posix(), f.what) for f in kind(DatasetConfig()).check(root)]


def test_a_sound_set_has_no_findings_and_progress_counts_its_photographs(eyes):
    steps = []
    assert Folder(DatasetConfig()).check(eyes, lambda n, note: steps.append((n, note))) == []
    assert steps == [(1, "a"), (1, "b"), (1, "c")]


def test_all_damage_is_named_in_one_go(eyes, studio):
    studio.truncate(eyes / "a.jpg")
    studio.grey_label(eyes / "labels/a.png")
    studio.mask(eyes / "fov/a.png", shape=(40, 56))
    studio.label(eyes / "labels/b.png", shape=(40, 56))
    (eyes / "fov/b.png").write_bytes(b"")
    studio.save(eyes / "c.jpg", Image.new("RGB", (64, 48)))
    studio.save(eyes / "fov/c.png", Image.new("L", (64, 48)))
    found = found_in(eyes)
    assert all(severity == "error" for severity, _, _ in found)
    by_file = {path: what for _, path, what in found}
    assert set(by_file) == {"a.jpg", "labels/a.png", "fov/a.png", "labels/b.png", "fov/b.png", "c.jpg", "fov/c.png"}
    assert "7 grey values" in by_file["labels/a.png"]
    assert "a.jpg is 64x48 but a.png is 56x40" in by_file["fov/a.png"]
    assert "b.jpg is 64x48 but b.png is 56x40" in by_file["labels/b.png"]
    assert "all black" in by_file["c.jpg"]
    assert "empty" in by_file["fov/c.png"]


@pytest.mark.parametrize("content", [b"", b"not an image at all", b"\x89PNG\r\n\x1a\n"])
def test_a_photograph_of_no_known_size_does_not_hide_what_is_wrong_with_its_label(eyes, studio, content):
    (eyes / "a.jpg").write_bytes(content)
    studio.grey_label(eyes / "labels/a.png")
    assert [path for _, path, _ in found_in(eyes)] == ["a.jpg", "labels/a.png"]


def test_nothing_readable_at_all_is_still_a_list(eyes):
    for name in ("a.jpg", "labels/a.png", "fov/a.png"):
        (eyes / name).write_bytes(b"")
    assert [path for _, path, _ in found_in(eyes)] == ["a.jpg", "fov/a.png", "labels/a.png"]


def test_labels_that_look_mistaken_are_worth_a_look(eyes, studio):
    studio.mask(eyes / "labels/a.png")
    studio.save(eyes / "labels/b.png", Image.new("L", (64, 48)))
    inverted = Image.open(studio.mask(eyes / "fov/c.png")).point(lambda value: 255 - value)
    studio.save(eyes / "fov/c.png", inverted)
    found = found_in(eyes)
    assert [(severity, path) for severity, path, _ in found[:2]] == [
        ("warning", "labels/a.png"),
        ("warning", "labels/b.png"),
    ]
    assert "more than half" in found[0][2]
    assert "no vessel is marked" in found[1][2]
    assert ("warning", "fov/c.png") in [(severity, path) for severity, path, _ in found]


def test_one_photograph_of_another_size_than_the_rest_is_damage_and_a_resized_set_a_note(tmp_path, studio):
    for child in ("01", "02", "03"):
        shape = (60, 60) if child == "02" else (48, 64)
        studio.photograph(tmp_path / f"Image_{child}L.jpg", shape)
        for observer in ("1stHO", "2ndHO"):
            studio.label(tmp_path / f"Image_{child}L_{observer}.png", shape)
    found = [f for f in found_in(tmp_path, Chase) if "missing" not in f[2]]
    assert [(severity, path) for severity, path, _ in found] == [("error", "Image_02L.jpg"), ("note", ".")]
    assert "60x60 but the others of the set are 64x48" in found[0][2]
    assert "the owner's are 999x960" in found[1][2]


@pytest.fixture
def scenes(tmp_path, studio):
    for name in ("1_1_s", "1_2_s", "1_3_s"):
        studio.photograph(tmp_path / f"Images/{name}.bmp")
        studio.save(tmp_path / f"GroundTruth/{name}_GT.bmp", Image.new("RGB", (64, 48), (128, 128, 128)))
    return tmp_path


def worth_a_look(root, kind=Msrc):
    return [found for found in found_in(root, kind) if found[0] != "note"]


def test_a_label_without_a_counted_pixel_and_what_a_set_remarks_are_warnings_each_once(scenes, studio):
    assert worth_a_look(scenes) == []
    studio.save(scenes / "GroundTruth/1_1_s_GT.bmp", Image.new("RGB", (64, 48)))
    odd = Image.new("RGB", (64, 48), (128, 128, 128))
    odd.putpixel((3, 4), (1, 2, 3))
    studio.save(scenes / "GroundTruth/1_2_s_GT.bmp", odd)
    assert worth_a_look(scenes) == [
        ("warning", "GroundTruth/1_1_s_GT.bmp", ALL_VOID),
        ("warning", "GroundTruth/1_2_s_GT.bmp", "1 pixel (0.0%) of 1 colour that no class has, taken as void"),
    ]


def test_an_all_void_label_is_noticed_although_its_set_says_nothing(scenes, studio):
    class Silent(Msrc):
        def remarks(self, sample, observer):
            return []

    studio.save(scenes / "GroundTruth/1_1_s_GT.bmp", Image.new("RGB", (64, 48)))
    assert worth_a_look(scenes, Silent) == [("warning", "GroundTruth/1_1_s_GT.bmp", ALL_VOID)]


def test_a_damaged_id_map_is_named(scenes):
    class Numbered(Msrc):
        def instances(self, sample, observer):
            raise ImageError(
                "the id map holds a person of no pixel", where=sample.labels[observer], fix="Draw it again"
            )

    assert [(severity, what) for severity, _, what in worth_a_look(scenes, Numbered)] == [
        ("error", "the id map holds a person of no pixel")
    ] * 3
