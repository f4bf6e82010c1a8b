"""The path on real photographs, where they are at hand: $RETSEG_DATA holds CHASE_DB1 and HRF."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from retseg.datasets.config import DatasetConfig
from retseg.datasets.registry import DATASETS, find_datasets

DATA = os.environ.get("RETSEG_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA, reason="set RETSEG_DATA to a folder that holds CHASE_DB1 and HRF"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def found() -> dict[str, Path]:
    return find_datasets(Path(DATA))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("real")


def test_customary_splits_and_counts(found):
    for name, train, test in (("chase", 20, 8), ("hrf", 15, 30)):
        samples = DATASETS.get(name)(DatasetConfig(name=name)).samples(found[name])
        assert [sum(s.split == split for s in samples) for split in ("train", "test")] == [train, test]
        patients = [{s.patient for s in samples if s.split == split} for split in ("train", "test")]
        assert not patients[0] & patients[1]


def test_field_of_view_agrees_with_the_owners_masks(found):
    kind = DATASETS.get("hrf")
    samples = kind(DatasetConfig(name="hrf")).samples(found["hrf"])[::9]
    overlaps = []
    for sample in samples:
        case = kind(DatasetConfig(name="hrf")).load(sample)
        ours, estimated = kind(DatasetConfig(name="hrf", estimate_fov=True)).field_of_view(sample, case.image)
        assert estimated
        overlaps.append((ours & case.fov).sum() / (ours | case.fov).sum())
    assert np.mean(overlaps) >= 0.99
    assert min(overlaps) >= 0.97


def test_two_epochs_from_photographs_to_scores(retseg, found, home, monkeypatch):
    monkeypatch.chdir(home)
    prepared = retseg("prepare", "--dataset", "chase", "--root", found["chase"])
    assert prepared.code == 0, prepared.err
    assert len(list((home / prepared.last_line / "images").glob("*.png"))) == 28
    trained = retseg("train", "--arch", "unet", "--set", "train.epochs=2", "--set", "train.steps_per_epoch=40")
    assert trained.code == 0, trained.err
    evaluated = retseg("evaluate")
    assert evaluated.code == 0, evaluated.err
    summary = json.loads((home / evaluated.last_line / "summary.json").read_text())
    assert (summary["n_images"], summary["n_patients"]) == (8, 4)
    # Eighty steps teach it far more than chance; the second observer is a matter of fact.
    assert summary["pooled"]["auc"] > 0.7
    assert summary["observers"]["2ndHO"]["pooled"]["dice"] == pytest.approx(0.797, abs=0.002)
    assert summary["observers"]["2ndHO"]["per_image_mean"]["cldice"] == pytest.approx(0.849, abs=0.002)
