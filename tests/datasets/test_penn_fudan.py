from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError, ImageError, LayoutError
from retseg.datasets.config import DatasetConfig
from retseg.datasets.penn_fudan import PennFudan

SHAPE = (40, 52)


def people(count: int = 2) -> np.ndarray:
    """Figures side by side that touch."""
    mask = np.zeros(SHAPE, np.uint8)
    for number in range(1, count + 1):
        mask[8:30, 6 * number : 6 * number + 6] = number
    return mask


def penn_fudan_at(root, studio, names=("FudanPed00001", "FudanPed00002", "PennPed00001"), masks=people):
    for name in names:
        studio.photograph(root / f"PNGImages/{name}.png", SHAPE)
        studio.save(root / f"PedMasks/{name}_mask.png", Image.fromarray(masks()))
    return root


def ask(**config):
    return PennFudan(DatasetConfig(**config))


def found_in(root):
    return {f.path.relative_to(root).as_posix(): (f.severity, f.what) for f in ask().check(root)}


def test_people_are_one_class_and_keep_their_numbers(tmp_path, studio):
    root = penn_fudan_at(tmp_path, studio)
    dataset = ask()
    case = dataset.load(dataset.samples(root)[0])
    assert np.array_equal(case.targets["classes"], people() > 0)
    assert case.targets["classes"].dtype == np.uint8
    assert np.array_equal(case.targets["instances"], people())
    assert case.targets["instances"].dtype == np.uint16
    assert case.fov.all()
    assert dataset.classes.things == (1,)


def test_masks_with_a_coloured_palette_give_their_numbers(tmp_path, studio):
    root = penn_fudan_at(tmp_path, studio, names=("FudanPed00001", "FudanPed00002"))
    mask = Image.fromarray(people(3), "P")
    mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    studio.save(root / "PedMasks/FudanPed00001_mask.png", mask)
    assert np.array_equal(ask().load(ask().samples(root)[0]).targets["instances"], people(3))


def test_the_whole_set_is_split_120_to_50_the_same_every_time(tmp_path):
    names = [f"FudanPed{n:05d}" for n in range(1, 75)] + [f"PennPed{n:05d}" for n in range(1, 97)]
    for name in names:
        for path in (tmp_path / f"PNGImages/{name}.png", tmp_path / f"PedMasks/{name}_mask.png"):
            path.parent.mkdir(exist_ok=True)
            path.touch()
    survey = ask().survey(tmp_path)
    assert survey.findings == []
    splits = [sample.split for sample in survey.samples]
    assert (splits.count("train"), splits.count("test")) == (120, 50)
    assert survey.samples == ask().survey(tmp_path).samples


def test_an_incomplete_folder_is_split_in_the_same_proportions_and_noted(tmp_path, studio):
    root = penn_fudan_at(tmp_path, studio, names=[f"PennPed{n:05d}" for n in range(17)])
    splits = [sample.split for sample in ask().samples(root)]
    assert (splits.count("train"), splits.count("test")) == (12, 5)
    assert found_in(root) == {".": ("note", "17 photographs are here and the owner ships 170")}


def test_one_photograph_cannot_be_split(tmp_path, studio):
    with pytest.raises(LayoutError, match="no photograph is left for the test"):
        ask().samples(penn_fudan_at(tmp_path, studio, names=("PennPed00001",)))


def test_the_owners_other_files_are_known_and_strangers_named(tmp_path, studio):
    root = penn_fudan_at(tmp_path, studio)
    (root / "Annotation").mkdir()
    for name in ("Annotation/FudanPed00001.txt", "readme.txt", "added-object-list.txt", "notes.txt"):
        (root / name).touch()
    studio.photograph(root / "PNGImages/copy/FudanPed00001.png")
    found = found_in(root)
    assert set(found) == {".", "notes.txt", "PNGImages/copy/FudanPed00001.png"}
    assert found["PNGImages/copy/FudanPed00001.png"][0] == "warning"


def test_missing_files_are_named_and_a_missing_mask_stops(tmp_path, studio):
    root = penn_fudan_at(tmp_path, studio)
    (root / "PNGImages/FudanPed00002.png").unlink()
    assert [sample.id for sample in ask().samples(root)] == ["FudanPed00001", "PennPed00001"]
    assert "PedMasks/FudanPed00002_mask.png is not used" in found_in(root)["PNGImages/FudanPed00002.png"][1]
    (root / "PedMasks/PennPed00001_mask.png").unlink()
    with pytest.raises(LayoutError, match=r"label missing: .*PedMasks/PennPed00001_mask\.png"):
        ask().samples(root)


def test_a_mask_of_another_size_and_a_coloured_one_are_refused(tmp_path, studio):
    root = penn_fudan_at(tmp_path, studio)
    first, second, third = ask().samples(root)
    studio.save(root / "PedMasks/FudanPed00001_mask.png", Image.fromarray(people()[:30, :20]))
    studio.photograph(root / "PedMasks/FudanPed00002_mask.png", SHAPE)
    with pytest.raises(ImageError, match=r"FudanPed00001\.png is 52x40 but FudanPed00001_mask\.png is 20x30"):
        ask().load(first)
    with pytest.raises(ImageError, match="one number a pixel"):
        ask().load(second)
    assert ask().load(third).targets["classes"].any()
    assert {"PedMasks/FudanPed00001_mask.png", "PedMasks/FudanPed00002_mask.png"} <= set(found_in(root))


def test_the_wrong_folder_is_told_and_the_right_one_suggested(tmp_path, studio):
    penn_fudan_at(tmp_path / "PennFudanPed", studio)
    with pytest.raises(LayoutError, match=rf"Use --root {tmp_path}/PennFudanPed instead"):
        ask().samples(tmp_path)
    with pytest.raises(LayoutError, match=r"holds PNGImages/FudanPed00001\.png \.\.\. PennPed00001\.png \.\.\. \(see"):
        ask().samples(tmp_path / "PennFudanPed/PNGImages")


def test_no_class_can_be_void():
    with pytest.raises(ConfigError, match=r"none of them can be void: dataset\.void"):
        ask(void=("person",))
