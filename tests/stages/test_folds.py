from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError
from retseg.datasets.prepared import PreparedSet
from retseg.stages.folds import fold_set
from retseg.stages.locate import newest_prepared
from retseg.stages.prepare import prepare
from retseg.stages.settings import load_settings
from tests.conftest import fundus


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    (folder / "labels").mkdir(parents=True)
    lines = ["image,patient,label"]
    for number in range(6):
        image = fundus(number)
        Image.fromarray(image).save(folder / f"eye{number}.png")
        vessel = (image[..., 0].astype(int) < 120) * 255
        Image.fromarray(vessel.astype(np.uint8)).save(folder / "labels" / f"eye{number}.png")
        lines.append(f"eye{number}.png,child {number // 2},labels/eye{number}.png")
    Image.fromarray(fundus(9)).save(folder / "unlabelled.png")
    lines.append("unlabelled.png,child 9,")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return prepare(load_settings({"dataset": {"name": "folder"}}), root=folder, workers=1).folder


def test_every_labelled_patient_is_tested_once_and_never_trained_on_in_that_fold(prepared):
    tested = []
    for fold in range(3):
        data = PreparedSet.open(fold_set(prepared, 3, fold).folder)
        test = {sample.patient for sample in data.split("test")}
        train = {sample.patient for sample in data.split("train")}
        assert not test & train
        assert test | train == {"child 0", "child 1", "child 2"}
        tested += sorted(test)
    assert sorted(tested) == ["child 0", "child 1", "child 2"]


def test_the_pixels_are_those_of_the_whole_set_and_take_no_room(prepared):
    whole, dealt = PreparedSet.open(prepared), PreparedSet.open(fold_set(prepared, 2, 1).folder)
    for sample in dealt.samples:
        (same,) = (one for one in whole.samples if one.id == sample.id)
        assert sample.image.samefile(same.image)
        assert np.array_equal(dealt.case(sample).targets["classes"], whole.case(same).targets["classes"])


def test_a_deal_is_made_once_and_depends_on_the_seed_alone(prepared):
    first, again = fold_set(prepared, 3, 0), fold_set(prepared, 3, 0)
    assert again.skipped
    assert again.folder == first.folder
    deals = {seed: frozenset(s.patient for s in PreparedSet.open(fold_set(prepared, 3, 0, seed).folder).split("test"))
             for seed in range(6)}  # fmt: skip
    assert len(set(deals.values())) > 1


def test_a_fold_is_never_taken_for_the_newest_set(prepared):
    fold_set(prepared, 2, 0)
    assert newest_prepared("folder").resolve() == prepared.resolve()


@pytest.mark.parametrize("folds", [1, 4])
def test_a_deal_that_cannot_be_is_refused(prepared, folds):
    with pytest.raises(ConfigError, match=r"folder has 3 labelled patients.*Choose 2 to 3"):
        fold_set(prepared, folds, 0)
