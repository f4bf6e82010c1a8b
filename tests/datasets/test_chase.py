from __future__ import annotations

from PIL import Image

from retseg.datasets.chase import Chase
from retseg.datasets.config import DatasetConfig
from retseg.datasets.splits import shared_patients


def chase_at(root, studio, children=(1, 10, 11, 14)):
    for child in children:
        for eye in "LR":
            stem = f"Image_{child:02d}{eye}"
            studio.photograph(root / f"{stem}.jpg")
            for observer in Chase.observers:
                studio.save(root / f"{stem}_{observer}.png", Image.fromarray(studio.vessel()).convert("1"))
    return root


def test_both_eyes_of_a_child_are_one_patient_and_the_last_four_children_are_the_test(tmp_path, studio):
    samples = Chase(DatasetConfig()).samples(chase_at(tmp_path, studio))
    assert [(s.id, s.patient, s.eye, s.split) for s in samples[2:6]] == [
        ("Image_10L", "10", "L", "train"),
        ("Image_10R", "10", "R", "train"),
        ("Image_11L", "11", "L", "test"),
        ("Image_11R", "11", "R", "test"),
    ]
    assert not shared_patients(samples)
    assert all(list(s.labels) == ["1stHO", "2ndHO"] for s in samples)


def test_all_28_photographs_are_known_20_for_training_and_8_for_the_test():
    splits = [p.split for p in Chase(DatasetConfig()).photographs()]
    assert splits == ["train"] * 20 + ["test"] * 8


def test_one_bit_labels_load_and_the_field_of_view_is_estimated(tmp_path, studio):
    dataset = Chase(DatasetConfig())
    root = chase_at(tmp_path, studio, children=(1,))
    with Image.open(root / "Image_01L_1stHO.png") as label:
        assert label.mode == "1"
    case = dataset.load(dataset.samples(root)[0])
    assert case.fov_estimated
    assert ((case.targets["classes"] == 1) == (studio.vessel() & case.fov)).all()
