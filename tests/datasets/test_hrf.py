from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.datasets.config import DatasetConfig
from retseg.datasets.hrf import Hrf


@pytest.fixture
def hrf(tmp_path, studio):
    for number in (5, 6):
        for group in ("h", "dr", "g"):
            stem = f"{number:02d}_{group}"
            studio.photograph(tmp_path / f"images/{stem}.{'JPG' if group == 'dr' else 'jpg'}")
            studio.label(tmp_path / f"manual1/{stem}.tif")
            studio.mask(tmp_path / f"mask/{stem}_mask.tif", mode="RGB")
    return tmp_path


def test_the_first_five_of_each_group_are_for_training(hrf):
    samples = Hrf(DatasetConfig()).samples(hrf)
    assert {s.id: s.split for s in samples} == {
        "05_h": "train", "06_h": "test", "05_dr": "train", "06_dr": "test", "05_g": "train", "06_g": "test",
    }  # fmt: skip
    splits = [p.split for p in Hrf(DatasetConfig()).photographs()]
    assert (splits.count("train"), splits.count("test")) == (15, 30)


def test_capital_suffixes_and_rgb_masks_load(hrf, studio):
    with Image.open(hrf / "mask/05_dr_mask.tif") as mask:
        assert mask.mode == "RGB"
    dataset = Hrf(DatasetConfig())
    sample = next(s for s in dataset.samples(hrf) if s.id == "05_dr")
    assert sample.image.suffix == ".JPG"
    case = dataset.load(sample)
    assert np.array_equal(case.fov, studio.disc())
    assert not case.fov_estimated


def test_grey_values_in_labels_are_the_owners_own_and_cut_at_127(hrf, studio):
    soft = np.zeros((48, 64), np.uint8)
    soft[24, 20:40] = np.linspace(0, 255, 20).astype(np.uint8)
    studio.save(hrf / "manual1/05_h.tif", Image.fromarray(soft))
    dataset = Hrf(DatasetConfig())
    case = dataset.load(dataset.samples(hrf)[0])
    assert np.array_equal(case.targets["classes"] == 1, soft > 127)
    assert not [f for f in dataset.check(hrf) if f.path.name == "05_h.tif"]


def test_grey_values_in_masks_are_not(hrf, studio):
    studio.grey_label(hrf / "mask/05_h_mask.tif")
    [finding] = [f for f in Hrf(DatasetConfig()).check(hrf) if f.path.name == "05_h_mask.tif"]
    assert finding.severity == "error"
    assert "7 grey values" in finding.what
