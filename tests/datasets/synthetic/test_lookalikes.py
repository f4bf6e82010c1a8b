from __future__ import annotations

import shutil

import numpy as np
import pytest

from retseg.core.errors import ConfigError, LayoutError, OutputError
from retseg.core.types import CLASS_MAP, INSTANCES
from retseg.datasets.config import DatasetConfig
from retseg.datasets.msrc import MSRC
from retseg.datasets.registry import DATASETS, find_datasets
from retseg.datasets.stanford import SCENES

NAMES = ("synthetic-msrc", "synthetic-stanford", "synthetic-pedestrians")


def make(name, count=5, size="demo", **change):
    return DATASETS.get(name)(DatasetConfig(count=count, size=size, **change))


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The root of each set with five pictures, made once."""
    roots = {}

    def root_of(name):
        if name not in roots:
            roots[name] = tmp_path_factory.mktemp(name)
            make(name).generate(roots[name])
        return roots[name]

    return root_of


def files(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_missing_or_damaged_is_made_anew(name, generated, tmp_path):
    root = generated(name)
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    samples = make(name).samples(copy)
    samples[1].image.unlink()
    label = next(iter(samples[2].labels.values()))
    label.write_bytes(label.read_bytes()[:50])
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*.*")}
    notes = []
    make(name).generate(copy, lambda n, note: notes.append((n, note)))
    assert sorted(notes) == sorted([(1, samples[1].id), (1, samples[2].id), *[(1, "already there")] * 3])
    assert files(copy) == files(root)
    untouched = samples[0].image
    assert untouched.stat().st_mtime_ns == before[untouched]


@pytest.mark.parametrize("name", NAMES)
def test_other_settings_change_the_folder_to_them(name, generated, tmp_path):
    copy = shutil.copytree(generated(name), tmp_path / "copy")
    make(name, count=3).generate(copy)
    assert len(make(name, count=3).samples(copy)) == 3
    assert make(name, count=3).check(copy) == []
    before = files(copy)
    make(name, count=3, generator_seed=4).generate(copy)
    pictures = [path for path in files(copy) if path.suffix != ".json"]
    assert all(files(copy)[path] != before[path] for path in pictures)


@pytest.mark.parametrize("name", NAMES)
def test_a_look_alike_is_not_taken_for_the_published_set(name, generated):
    assert find_datasets(generated(name)) == {}
    assert make(name).marks(generated(name))
    others = [other for other in NAMES if other != name]
    assert not any(make(other).marks(generated(name)) for other in others)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_have_names(name, tmp_path, generated):
    small = make(name).load(make(name).samples(generated(name))[0]).image
    make(name, count=1, size=None).generate(tmp_path)
    stem = make(name).samples(generated(name))[0].id
    large = next(path for path in tmp_path.rglob(f"{stem}.*") if path.suffix in (".bmp", ".jpg", ".png"))
    from retseg.imaging.io import image_size

    assert np.allclose(np.array(image_size(large)) / 2, small.shape[:2], atol=0.5)
    with pytest.raises(ConfigError, match="unknown size 'dmeo'.*Did you mean demo"):
        make(name, size="dmeo").generate(tmp_path / "new")


def test_classes_are_those_of_the_published_sets(generated):
    assert make("synthetic-msrc").classes == MSRC
    assert make("synthetic-stanford").classes == SCENES
    case = make("synthetic-pedestrians").load(make("synthetic-pedestrians").samples(generated(NAMES[2]))[0])
    assert np.array_equal(case.targets[INSTANCES] > 0, case.targets[CLASS_MAP] == 1)
    assert case.fov.all()


def test_a_class_may_be_void_as_in_the_published_set(generated):
    dataset = make("synthetic-msrc", void=("horse", "mountain"))
    assert dataset.classes.count == 21
    case = dataset.load(dataset.samples(generated("synthetic-msrc"))[0])
    assert case.targets[CLASS_MAP][case.targets[CLASS_MAP] != 255].max() < 21


def test_what_is_missing_is_named_with_how_to_make_it(generated, tmp_path):
    copy = shutil.copytree(generated("synthetic-msrc"), tmp_path / "copy")
    next(iter((copy / "GroundTruth").iterdir())).unlink()
    with pytest.raises(LayoutError, match=r"label missing.*retseg prepare --dataset synthetic-msrc"):
        make("synthetic-msrc").samples(copy)


def test_too_many_and_a_file_in_the_way_are_clear_errors(tmp_path):
    with pytest.raises(ConfigError, match="170 pictures at most"):
        make("synthetic-pedestrians", count=171).generate(tmp_path / "new")
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError):
        make("synthetic-msrc").generate(tmp_path / "taken")


def test_every_class_is_learnt_and_tested_where_the_scenes_are_enough_for_lists(tmp_path):
    dataset = make("synthetic-msrc", count=120)
    dataset.generate(tmp_path)
    before = (tmp_path / "Train.txt").stat().st_mtime_ns
    shown = {}
    samples = dataset.samples(tmp_path)
    for sample in samples:
        class_map = dataset.load(sample).targets[CLASS_MAP]
        shown.setdefault(sample.split, set()).update(np.unique(class_map[class_map != 255]).tolist())
    assert shown["train"] == shown["test"] == set(range(23))
    assert len(shown["validation"]) > 15
    assert [sum(s.split == split for s in samples) for split in ("train", "validation", "test")] == [60, 20, 40]
    assert dataset.check(tmp_path) == []
    dataset.generate(tmp_path)
    assert (tmp_path / "Train.txt").stat().st_mtime_ns == before
    make("synthetic-msrc", count=20).generate(tmp_path)
    assert not list(tmp_path.glob("*.txt"))
