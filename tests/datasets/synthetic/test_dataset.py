from __future__ import annotations

import shutil

import numpy as np
import pytest

from retseg.core.errors import ConfigError, LayoutError, OutputError
from retseg.core.types import CLASS_MAP
from retseg.datasets.config import DatasetConfig
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.dataset import SyntheticDataset


@pytest.fixture(scope="module", autouse=True)
def tiny():
    """A camera that takes a tenth of a second."""
    CAMERAS["tiny"] = CAMERAS["demo"].scaled(0.4)
    yield
    del CAMERAS["tiny"]


def dataset(count=4, **change):
    return SyntheticDataset(DatasetConfig(count=count, size="tiny", **change))


@pytest.fixture(scope="module")
def generated(tmp_path_factory, tiny):
    root = tmp_path_factory.mktemp("generated")
    dataset().generate(root)
    return root


@pytest.fixture
def copy(generated, tmp_path):
    return shutil.copytree(generated, tmp_path / "copy")


def stamps(root):
    return {path: path.stat().st_mtime_ns for path in root.rglob("*.png")}


def test_samples_have_both_observers_a_field_of_view_and_a_scale(generated):
    samples = dataset().samples(generated)
    assert [s.id for s in samples] == ["P01_left", "P01_right", "P02_left", "P02_right"]
    assert [s.split for s in samples] == ["train", "train", "test", "test"]
    assert [s.eye for s in samples] == ["L", "R", "L", "R"]
    for sample in samples:
        assert list(sample.labels) == ["exact", "second"]
        assert sample.um_per_pixel > 0
    case = dataset().load(samples[0])
    assert not case.fov_estimated
    assert set(np.unique(case.targets[CLASS_MAP])) == {0, 1, 2}
    assert set(case.observers) == {"second"}


def test_a_whole_set_is_clean(generated):
    assert [f for f in dataset().check(generated) if f.severity != "note"] == []


def test_generating_again_changes_no_file_and_reports_each_photograph(copy):
    before, reports = stamps(copy), []
    dataset().generate(copy, lambda n, note: reports.append((n, note)))
    assert stamps(copy) == before
    assert reports == [(1, "already there")] * 4


def test_only_what_is_missing_or_damaged_is_made_anew(copy, generated):
    (copy / "images" / "P01_right.png").unlink()
    damaged = copy / "labels" / "exact" / "P02_left.png"
    damaged.write_bytes(damaged.read_bytes()[:50])
    before, notes = stamps(copy), []
    dataset().generate(copy, lambda n, note: notes.append(note))
    assert sorted(notes) == ["P01_right", "P02_left", "already there", "already there"]
    assert stamps(copy)[copy / "images" / "P01_left.png"] == before[copy / "images" / "P01_left.png"]
    for path in sorted(generated.rglob("*.*")):
        assert (copy / path.relative_to(generated)).read_bytes() == path.read_bytes()


def test_other_settings_change_the_folder_to_them(copy):
    dataset(count=2).generate(copy)
    assert [s.id for s in dataset(count=2).samples(copy)] == ["P01_left", "P02_right"]
    assert not [f for f in dataset(count=2).check(copy) if f.severity != "note"]


def test_the_seed_decides(copy, tmp_path):
    other = tmp_path / "other"
    dataset(count=2, generator_seed=9).generate(other)
    name = "images/P01_left.png"
    assert (other / name).read_bytes() != (copy / name).read_bytes()


def test_what_is_missing_is_named_with_how_to_make_it(copy):
    (copy / "labels" / "exact" / "P02_left.png").unlink()
    with pytest.raises(LayoutError, match=r"label of the observer exact missing.*retseg prepare"):
        dataset().samples(copy)


def test_an_empty_folder_is_none(tmp_path):
    assert not SyntheticDataset.marks(tmp_path)
    with pytest.raises(LayoutError, match="empty"):
        dataset().samples(tmp_path)


def test_an_unknown_camera_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="unknown camera 'tini'"):
        SyntheticDataset(DatasetConfig(size="tini")).generate(tmp_path / "new")


def test_a_file_in_the_way_is_a_clear_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError):
        dataset().generate(tmp_path / "taken")


def test_without_a_size_the_mixed_camera_is_used():
    orders = SyntheticDataset(DatasetConfig()).orders()
    assert len(orders) == 20
    assert len({order.patient for order in orders}) == 10
    assert {order.camera.shape for order in orders} == {(584, 565)}
    assert orders[0].camera.field[1] > orders[0].camera.field[0]
