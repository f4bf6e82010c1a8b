import csv
import json

import numpy as np
import pytest
import torch

from retseg.core.errors import InputError
from retseg.core.types import CLASS_MAP
from retseg.training.sampling import fixed_patches
from retseg.training.tensors import pack_lecture_tensors


def pack(prepared, out, **options):
    pack_lecture_tensors(prepared, out, **{"patches_per_image": 4, "patch_size": 32, "seed": 5, **options})
    return {
        name: np.load(out / f"{name}.npy") for name in ("train_images", "train_labels", "test_images", "test_labels")
    }


def test_shapes_and_types_are_the_lectures(vessels, tmp_path):
    packed = pack(vessels, tmp_path / "tensors")
    assert {name: array.shape for name, array in packed.items()} == {
        "train_images": (20, 3, 32, 32),
        "train_labels": (20, 32, 32),
        "test_images": (2, 3, 32, 32),
        "test_labels": (2, 32, 32),
    }
    assert {array.dtype for array in packed.values()} == {np.dtype(np.uint8)}
    assert set(np.unique(packed["train_labels"])) == {0, 1, 2}


def test_patches_are_cut_where_the_table_says(vessels, tmp_path):
    packed = pack(vessels, tmp_path)
    with (tmp_path / "patches.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    cases = {sample.id: vessels.case(sample) for sample in vessels.split("train")}
    assert [row["id"] for row in rows[::4]] == ["a", "b", "c", "d", "sub/e"]
    for row, image, label in zip(rows, packed["train_images"], packed["train_labels"], strict=True):
        case, top, left = cases[row["id"]], int(row["top"]), int(row["left"])
        assert np.array_equal(image, case.image[top : top + 32, left : left + 32].transpose(2, 0, 1))
        assert np.array_equal(label, case.targets[CLASS_MAP][top : top + 32, left : left + 32])


def test_they_are_the_patches_that_the_lecture_recipe_trains_on(vessels, images, tmp_path):
    pack(vessels, tmp_path)
    expected = fixed_patches(images.sizes, images.ids, 32, 4, seed=5)
    with (tmp_path / "patches.csv").open(newline="") as file:
        found = [(int(row["top"]), int(row["left"])) for row in csv.DictReader(file)]
    assert found == list(zip(expected.top.tolist(), expected.left.tolist(), strict=True))


def test_test_images_are_whole_and_their_labels_stay_classes(vessels, tmp_path):
    packed = pack(vessels, tmp_path)
    case = vessels.case(vessels.split("test")[1])
    assert packed["test_images"][1].mean() == pytest.approx(case.image.mean(), rel=0.05)
    assert set(np.unique(packed["test_labels"][1])) == {0, 1, 2}
    outside = (case.targets[CLASS_MAP] == 0).mean()
    assert (packed["test_labels"][1] == 0).mean() == pytest.approx(outside, abs=0.03)


def test_they_open_in_torch_without_being_read_whole(vessels, tmp_path):
    pack(vessels, tmp_path)
    images = torch.from_numpy(np.load(tmp_path / "train_images.npy", mmap_mode="r+"))
    assert (images[:10].float() / 255).shape == (10, 3, 32, 32)
    facts = json.loads((tmp_path / "tensors.json").read_text())
    assert facts["test_ids"] == ["y", "sub/z"]
    assert facts["train_images"] == [20, 3, 32, 32]


def test_test_images_without_label_are_packed_with_the_ignore_value(make_set, make_case, tmp_path):
    prepared = make_set([make_case("a", "p1", "train"), make_case("b", "p2", "test", labelled=False)])
    packed = pack(prepared, tmp_path)
    assert (packed["test_labels"] == prepared.classes.ignore).all()
    assert packed["test_images"].any()


def test_every_photograph_is_reported(vessels, tmp_path):
    told = []
    pack(vessels, tmp_path, report=lambda count, note: told.append((count, note)))
    assert [note for count, note in told if count == 1] == ["a", "b", "c", "d", "sub/e", "y", "sub/z"]


def test_without_labels_there_is_nothing_to_cut(make_set, make_case, tmp_path):
    with pytest.raises(InputError, match="no labelled training"):
        pack(make_set([make_case("a", "p1", "train", labelled=False)]), tmp_path)
