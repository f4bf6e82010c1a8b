from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError, LayoutError
from retseg.datasets.config import DatasetConfig
from retseg.datasets.stare import Stare

NUMBERS = [1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324]


def stare_at(root, studio, *, folders=True, suffix="ppm.gz", numbers=NUMBERS):
    for number in numbers:
        name = f"im{number:04d}"
        studio.photograph(root / ("stare-images" if folders else "") / f"{name}.{suffix}")
        for observer in ("ah", "vk"):
            drawn = Image.fromarray(studio.vessel().astype(np.uint8) * np.uint8(255))
            drawn = drawn.convert("RGB") if suffix.startswith("ppm") and observer == "vk" else drawn
            kind = suffix if drawn.mode == "RGB" else suffix.replace("ppm", "pgm")
            studio.save(root / (f"labels-{observer}" if folders else "") / f"{name}.{observer}.{kind}", drawn)
    return root


@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("suffix", ["ppm", "ppm.gz"])
def test_one_folder_or_three_gzipped_or_not(tmp_path, studio, folders, suffix):
    root = stare_at(tmp_path, studio, folders=folders, suffix=suffix, numbers=[1, 324])
    dataset = Stare(DatasetConfig())
    samples = dataset.samples(root)
    assert [(s.id, s.patient, list(s.labels)) for s in samples] == [
        ("im0001", "im0001", ["ah", "vk"]),
        ("im0324", "im0324", ["ah", "vk"]),
    ]
    case = dataset.load(samples[0])
    assert np.array_equal(case.targets["classes"], case.observers["vk"])
    assert np.array_equal(case.targets["classes"] == 1, studio.vessel() & case.fov)
    assert not [f for f in dataset.check(root) if f.severity != "note" and "photograph missing" not in f.what]


def test_leaving_one_out_tests_each_of_the_twenty_photographs_once(tmp_path, studio):
    root = stare_at(tmp_path, studio)
    tested = []
    for fold in range(20):
        samples = Stare(DatasetConfig(fold=fold)).samples(root)
        assert len(samples) == 20
        tested += [s.id for s in samples if s.split == "test"]
    assert tested == [f"im{number:04d}" for number in NUMBERS]


def test_ten_and_ten_goes_by_the_order_of_the_numbers(tmp_path, studio):
    samples = Stare(DatasetConfig(protocol="10/10")).samples(stare_at(tmp_path, studio))
    assert [s.split for s in samples] == ["train"] * 10 + ["test"] * 10


def test_a_photograph_that_is_not_here_does_not_move_the_split(tmp_path, studio):
    samples = Stare(DatasetConfig(protocol="10/10")).samples(stare_at(tmp_path, studio, numbers=[1, 139, 162, 324]))
    assert [s.split for s in samples] == ["train", "train", "test", "test"]
    [test] = [s.id for s in Stare(DatasetConfig(fold=9)).samples(tmp_path) if s.split == "test"]
    assert test == "im0139"
    dataset = Stare(DatasetConfig(fold=3))
    with pytest.raises(LayoutError, match="fold 3 tests one that is not here"):
        dataset.samples(tmp_path)
    assert sum("photograph missing" in f.what for f in dataset.check(tmp_path)) == 16


def test_protocols_and_folds_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match=r"no protocol '15/5'.*10/10, customary"):
        Stare(DatasetConfig(protocol="15/5"))
    with pytest.raises(ConfigError, match="from 0 to 19"):
        Stare(DatasetConfig(fold=20))
    with pytest.raises(ConfigError, match="it has one split"):
        Stare(DatasetConfig(protocol="10/10", fold=1))


def test_both_the_packed_and_the_unpacked_file_is_one_photograph_and_one_extra(tmp_path, studio):
    root = stare_at(tmp_path, studio, numbers=[1])
    studio.photograph(root / "stare-images/im0001.ppm")
    dataset = Stare(DatasetConfig())
    assert [s.image.name for s in dataset.samples(root)] == ["im0001.ppm"]
    extra = [f.path.name for f in dataset.check(root) if "not a file of STARE" in f.what]
    assert extra == ["im0001.ppm.gz"]
