from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest, file_digest
from retseg.datasets.prepared import PreparedSet
from retseg.stages import prepare as module
from retseg.stages.prepare import prepare
from retseg.stages.settings import load_settings
from tests.conftest import fundus

SETTINGS = load_settings({"dataset": {"name": "folder"}})


@pytest.fixture
def labelled(photographs: Path) -> Path:
    (photographs / "labels").mkdir()
    for number in range(3):
        vessel = fundus(number)[..., 0].astype(int) < 120
        Image.fromarray((vessel * 255).astype(np.uint8)).save(photographs / "labels" / f"eye{number}.png")
    return photographs


def test_three_classes_hashes_and_an_index(labelled, tmp_path):
    result = prepare(SETTINGS, root=labelled, out=tmp_path / "out", workers=1)
    data = PreparedSet.open(tmp_path / "out")
    assert len(data.samples) == 3
    for sample in data.samples:
        case = data.case(sample)
        assert set(np.unique(case.targets["classes"])) <= {0, 1, 2}
        assert np.array_equal(case.targets["classes"] == 0, ~case.fov)
        assert np.array_equal(case.image, np.asarray(Image.open(labelled / f"{sample.id}.png")))
    for name, digest in result.manifest.outputs.items():
        assert file_digest(tmp_path / "out" / name) == digest
    assert Manifest.read(tmp_path / "out").facts["failures"] == 0
    assert (tmp_path / "out" / "preview.png").stat().st_size > 0


def test_one_process_and_several_give_the_same_bytes(labelled, tmp_path):
    for number in range(3, 7):
        Image.fromarray(fundus(number)).save(labelled / f"eye{number}.png")
    one = prepare(SETTINGS, root=labelled, out=tmp_path / "one", workers=1)
    two = prepare(SETTINGS, root=labelled, out=tmp_path / "two", workers=2)
    assert one.manifest.outputs == two.manifest.outputs


def test_a_changed_photograph_or_table_changes_the_key(labelled, tmp_path):
    def key() -> str:
        return prepare(SETTINGS, root=labelled, out=tmp_path / "out", workers=1).manifest.key

    first = key()
    assert key() == first
    Image.fromarray(fundus(8)).save(labelled / "eye0.png")
    second = key()
    (labelled / "index.csv").write_text("image,patient\neye0.png,a\neye1.png,b\neye2.png,c\n")
    assert len({first, second, key()}) == 3


def test_an_interrupted_preparation_goes_on(labelled, tmp_path, monkeypatch):
    original, seen = module._prepare_sample, []

    def interrupted(dataset, sample, folder):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(sample.id)
        return original(dataset, sample, folder)

    monkeypatch.setattr(module, "_prepare_sample", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(SETTINGS, root=labelled, out=tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()
    again = []
    monkeypatch.setattr(
        module, "_prepare_sample", lambda d, sample, f: (again.append(sample.id), original(d, sample, f))[1]
    )
    prepare(SETTINGS, root=labelled, out=tmp_path / "out", workers=1)
    assert len(again) == 1
    rows = list(csv.DictReader((tmp_path / "out" / "index.csv").open()))
    assert [row["id"] for row in rows] == ["eye0", "eye1", "eye2"]
    assert not list((tmp_path / "out").glob(".*"))


def test_no_usable_image_leaves_nothing_that_looks_finished(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match="none of the 1 images"):
        prepare(SETTINGS, root=tmp_path / "photos", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_packed_tensors_have_the_lectures_shapes(labelled, tmp_path):
    settings = load_settings({"dataset": {"name": "folder"}}, ["prepare.tensors=true", "prepare.tensor_size=32"])
    prepare(settings, root=labelled, out=tmp_path / "out", workers=1)
    tensors = tmp_path / "out" / "tensors"
    trained = len(PreparedSet.open(tmp_path / "out").split("train"))
    assert np.load(tensors / "train_images.npy").shape == (30 * trained, 3, 32, 32)
    assert np.load(tensors / "train_labels.npy").shape == (30 * trained, 32, 32)
    assert np.load(tensors / "train_images.npy").dtype == np.uint8
    assert json.loads((tensors / "tensors.json").read_text())
