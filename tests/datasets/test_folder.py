from __future__ import annotations

import numpy as np
import pytest

from retseg.core.errors import InputError, LayoutError
from retseg.core.manifest import Manifest
from retseg.core.types import CLASS_MAP
from retseg.datasets.config import DatasetConfig
from retseg.datasets.folder import Folder, photograph_ids, photographs
from retseg.datasets.splits import shared_patients


def samples_of(root, **config):
    return Folder(DatasetConfig(**config)).samples(root)


def test_photographs_alone_are_all_the_test(tmp_path, studio):
    for name in ("b.jpg", "10.png", "2.tif", "sub/b.ppm.gz"):
        studio.photograph(tmp_path / name)
    found = samples_of(tmp_path)
    assert [(s.id, s.split, s.reference) for s in found] == [
        ("2", "test", None), ("10", "test", None), ("b", "test", None), ("sub/b", "test", None),
    ]  # fmt: skip


def test_labels_and_fields_of_view_are_found_by_name_and_loaded(tmp_path, studio):
    studio.photograph(tmp_path / "images/a.jpg")
    studio.label(tmp_path / "labels/a.png")
    studio.label(tmp_path / "labels2/a.png", white=1)
    studio.mask(tmp_path / "fov/a_mask.gif")
    [sample] = samples_of(tmp_path)
    assert (sample.id, list(sample.labels)) == ("images/a", ["label", "label2"])
    case = Folder(DatasetConfig()).load(sample)
    assert not case.fov_estimated
    assert np.array_equal(case.fov, studio.disc())
    assert np.array_equal(case.targets[CLASS_MAP] == 1, studio.disc() & studio.vessel())
    assert list(case.observers) == ["label2"]


def labelled(root, studio, count=10):
    for number in range(count):
        for eye in ("left", "right"):
            studio.photograph(root / f"p{number}_{eye}.png")
            studio.label(root / f"labels/p{number}_{eye}.png")


def test_labelled_patients_are_dealt_seven_to_three_and_both_eyes_stay_together(tmp_path, studio):
    labelled(tmp_path, studio)
    found = samples_of(tmp_path)
    test = {s.patient for s in found if s.split == "test"}
    assert len(test) == 3
    assert len({s.patient for s in found}) == 10
    assert not shared_patients(found)
    assert {(s.id, s.patient, s.eye) for s in found} >= {("p3_left", "p3", "L"), ("p3_right", "p3", "R")}
    assert found == samples_of(tmp_path)
    deals = {tuple(s.split for s in samples_of(tmp_path, fold=fold)) for fold in range(4)}
    assert len(deals) > 2, "every fold is another deal, though two may agree by chance"


def test_photographs_without_labels_among_labelled_ones_are_the_test(tmp_path, studio):
    labelled(tmp_path, studio)
    studio.photograph(tmp_path / "new.jpg")
    assert {s.id: s.split for s in samples_of(tmp_path)}["new"] == "test"


def test_one_labelled_patient_cannot_be_split(tmp_path, studio):
    labelled(tmp_path, studio, count=1)
    assert {s.split for s in samples_of(tmp_path)} == {"test"}


def test_a_table_in_the_root_or_by_name_says_it_all(tmp_path, studio):
    labelled(tmp_path, studio, count=2)
    (tmp_path / "index.csv").write_text("image,label,split\np1_left.png,labels/p1_left.png,train\np0_left.png,,test\n")
    assert [(s.id, s.split, s.reference) for s in samples_of(tmp_path)] == [
        ("p1_left", "train", "label"),
        ("p0_left", "test", None),
    ]
    (tmp_path / "mine.csv").write_text("image\np1_right.png\n")
    assert [s.id for s in samples_of(tmp_path, csv="mine.csv")] == ["p1_right"]
    assert [s.id for s in samples_of(tmp_path, csv=str(tmp_path / "mine.csv"))] == ["p1_right"]
    notes = [f.path.name for f in Folder(DatasetConfig()).check(tmp_path) if "does not name" in f.what]
    assert "p0_right.png" in notes


def test_a_table_without_splits_still_splits_by_patient(tmp_path, studio):
    rows = ["image,label,patient"]
    for number in range(8):
        studio.photograph(tmp_path / f"{number}.png")
        studio.label(tmp_path / f"gt/{number}.png")
        rows.append(f"{number}.png,gt/{number}.png,p{number // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    found = samples_of(tmp_path)
    assert not shared_patients(found)
    assert len({s.patient for s in found if s.split == "test"}) == 1


@pytest.mark.parametrize(("one", "other"), [("train", "test"), ("train", "validation"), ("val", "test")])
def test_a_patient_in_two_splits_of_a_table_is_refused(tmp_path, studio, one, other):
    for name in ("a.png", "b.png"):
        studio.photograph(tmp_path / name)
    (tmp_path / "index.csv").write_text(f"image,patient,split\na.png,p,{one}\nb.png,p,{other}\n")
    with pytest.raises(LayoutError, match="more than one split: p"):
        samples_of(tmp_path)


def test_a_broken_table_stops_instead_of_losing_the_labels(tmp_path, studio):
    studio.photograph(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("picture,grade\na.png,3\n")
    with pytest.raises(LayoutError, match=r"no column 'image'.*labels\.csv.*another name"):
        samples_of(tmp_path)


def test_missing_files_of_a_table_are_all_named(tmp_path, studio):
    studio.photograph(tmp_path / "a.png")
    (tmp_path / "index.csv").write_text("image,label\na.png,x.png\nb.png,y.png\n")
    with pytest.raises(LayoutError, match=r"x\.png.*b\.png.*y\.png"):
        samples_of(tmp_path)


def test_empty_and_missing_folders_are_clear_errors(tmp_path):
    with pytest.raises(LayoutError, match="the folder is empty"):
        samples_of(tmp_path)
    (tmp_path / "readme.txt").touch()
    with pytest.raises(LayoutError, match="no photograph is in this folder"):
        samples_of(tmp_path)
    with pytest.raises(InputError, match="folder not found"):
        samples_of(tmp_path / "missing")


def test_photographs_of_a_folder_or_a_single_file(tmp_path, studio):
    studio.photograph(tmp_path / "a.jpg")
    studio.photograph(tmp_path / "a.png")
    studio.photograph(tmp_path / "left/a.png")
    studio.label(tmp_path / "labels/left/a.png")
    found = photographs(tmp_path)
    assert [s.id for s in found] == ["a.jpg", "a.png", "left/a"]
    assert {s.id: s.image for s in found} == {
        name: path for path, name in photograph_ids(tmp_path, [s.image for s in found]).items()
    }
    assert all((s.split, dict(s.labels), s.fov) == ("test", {}, None) for s in found)
    assert [(s.id, s.image) for s in photographs(tmp_path / "left/a.png")] == [("a", tmp_path / "left/a.png")]


def test_photographs_that_are_not_there_are_clear_errors(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        photographs(tmp_path / "missing.jpg")
    with pytest.raises(InputError, match="the folder is empty"):
        photographs(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="no photograph"):
        photographs(tmp_path)


def test_our_own_results_inside_the_folder_are_no_photographs(tmp_path, studio):
    studio.photograph(tmp_path / "a.jpg")
    studio.photograph(tmp_path / "out/overlay/a.png")
    Manifest("predict", 1, "k", {}, {}, {}, {}).write(tmp_path / "out")
    studio.photograph(tmp_path / "next.partial/overlay/a.png")
    assert [s.id for s in photographs(tmp_path)] == ["a"]
    assert [s.id for s in photographs(tmp_path / "out")] == ["overlay/a"]
