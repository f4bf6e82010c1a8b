from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import LayoutError
from retseg.core.types import CLASS_MAP
from retseg.datasets.config import DatasetConfig
from retseg.datasets.drive import Drive


@pytest.fixture
def drive(tmp_path, studio):
    """Two photographs of each split, with the owner's encodings."""
    for number in (21, 40, 1, 20):
        folder, nn = ("training" if number > 20 else "test"), f"{number:02d}"
        studio.photograph(tmp_path / f"{folder}/images/{nn}_{folder}.tif")
        studio.label(tmp_path / f"{folder}/1st_manual/{nn}_manual1.gif")
        studio.mask(tmp_path / f"{folder}/mask/{nn}_{folder}_mask.gif")
        if folder == "test":
            palette = Image.fromarray(studio.vessel().astype(np.uint8), "P")
            palette.putpalette([0, 0, 0, 255, 255, 255])
            studio.save(tmp_path / f"test/2nd_manual/{nn}_manual2.gif", palette)
    return tmp_path


def test_the_split_is_the_owners(drive):
    samples = Drive(DatasetConfig()).samples(drive)
    assert [(s.id, s.split, s.reference, len(s.labels)) for s in samples] == [
        ("21", "train", "1st_manual", 1),
        ("40", "train", "1st_manual", 1),
        ("01", "test", "1st_manual", 2),
        ("20", "test", "1st_manual", 2),
    ]


def test_all_forty_photographs_are_known_twenty_a_split():
    photographs = Drive(DatasetConfig()).photographs()
    assert [p.split for p in photographs].count("train") == [p.split for p in photographs].count("test") == 20
    assert len({p.patient for p in photographs}) == 40


def test_the_second_observers_palette_gif_of_zeros_and_ones_is_read_as_drawn(drive, studio):
    second = drive / "test/2nd_manual/01_manual2.gif"
    with Image.open(second) as image:
        assert image.mode == "P"
        assert set(np.unique(np.asarray(image))) == {0, 1}
    dataset = Drive(DatasetConfig())
    case = dataset.load(dataset.samples(drive)[2])
    assert np.array_equal(case.observers["2nd_manual"], case.targets[CLASS_MAP])
    assert np.array_equal(case.targets[CLASS_MAP] == 1, studio.vessel() & studio.disc())
    assert np.array_equal(case.fov, studio.disc())


def test_newer_downloads_without_test_labels_are_fine(drive):
    for folder in ("1st_manual", "2nd_manual"):
        for path in (drive / "test" / folder).iterdir():
            path.unlink()
    dataset = Drive(DatasetConfig())
    assert [s.reference for s in dataset.samples(drive)] == ["1st_manual", "1st_manual", None, None]
    findings = [f for f in dataset.check(drive) if "photograph missing" not in f.what]
    assert [(f.severity, f.path.name) for f in findings if "resized" not in f.what] == [("note", "test")]


def test_a_training_label_must_be_there(drive):
    (drive / "training/1st_manual/21_manual1.gif").unlink()
    with pytest.raises(LayoutError, match=r"21_manual1\.gif"):
        Drive(DatasetConfig()).samples(drive)


def test_one_missing_test_label_is_no_newer_download(drive):
    (drive / "test/1st_manual/01_manual1.gif").unlink()
    with pytest.raises(LayoutError, match=r"01_manual1\.gif"):
        Drive(DatasetConfig()).samples(drive)
