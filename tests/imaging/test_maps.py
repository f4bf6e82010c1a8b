from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from retseg.core.errors import ImageError
from retseg.imaging.io import read_label
from retseg.imaging.maps import (
    read_class_probabilities,
    read_probability,
    write_class_probabilities,
    write_probability,
)

HALF_STEP = 0.5 / 65535 + 1e-7
UNIT = st.floats(0, 1, width=32)


@given(probability=hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=UNIT))
def test_one_class_is_stored_to_half_a_step(tmp_path_factory, probability):
    path = tmp_path_factory.mktemp("map") / "a.png"
    probability = np.pad(probability, 8)
    write_probability(path, probability)
    again = read_probability(path)
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, probability, atol=HALF_STEP, rtol=0)
    write_probability(path, again)
    np.testing.assert_array_equal(read_probability(path), again)


def test_the_png_holds_65535_for_1(tmp_path):
    write_probability(tmp_path / "a.png", np.tile(np.float32([0, 0.5, 1, 1.0000001]), (16, 4)))
    stored = read_label(tmp_path / "a.png")
    assert stored.dtype == np.uint16
    assert stored[0, :4].tolist() == [0, 32768, 65535, 65535]


def test_a_peers_map_of_8_bits_is_read(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_probability(tmp_path / "a.png"), values / 255, atol=1e-7)


def test_a_coloured_map_is_refused(tmp_path, colours):
    Image.fromarray(colours).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="grey"):
        read_probability(tmp_path / "a.png")


def test_nan_is_not_stored(tmp_path):
    with pytest.raises(ValueError, match="NaN"):
        write_probability(tmp_path / "a.png", np.full((20, 20), np.nan, np.float32))


@pytest.fixture
def classes():
    scores = np.random.default_rng(0).random((3, 20, 31), dtype=np.float32)
    return scores / scores.sum(axis=0)


def test_all_classes_are_stored_to_half_a_step(tmp_path, classes):
    path = tmp_path / "deep" / "a.nii.gz"
    write_class_probabilities(path, classes)
    again = read_class_probabilities(path)
    assert again.shape == classes.shape
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, classes, atol=HALF_STEP, rtol=0)


def test_the_extremes_are_exact(tmp_path):
    extremes = np.stack([np.zeros((4, 5), np.float32), np.ones((4, 5), np.float32)])
    write_class_probabilities(tmp_path / "a.nii.gz", extremes)
    np.testing.assert_array_equal(read_class_probabilities(tmp_path / "a.nii.gz"), extremes)


def test_other_programs_see_x_y_class(tmp_path, classes):
    path = tmp_path / "a.nii.gz"
    write_class_probabilities(path, classes)
    image = nib.load(path)
    assert image.shape == (31, 20, 3)
    assert image.get_data_dtype() == np.uint16
    assert image.dataobj.slope == np.float32(1 / 65535)
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")
    np.testing.assert_allclose(image.get_fdata()[30, 2, 1], classes[1, 2, 30], atol=HALF_STEP)


def test_equal_maps_give_equal_files(tmp_path, classes):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_class_probabilities(tmp_path / name, classes)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_missing_and_damaged_class_maps(tmp_path, classes):
    path = tmp_path / "a.nii.gz"
    with pytest.raises(ImageError, match="not found"):
        read_class_probabilities(path)
    path.write_bytes(gzip.compress(b"not a NIfTI file" * 40))
    with pytest.raises(ImageError, match="damaged"):
        read_class_probabilities(path)
    write_class_probabilities(path, classes)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ImageError, match="damaged"):
        read_class_probabilities(path)
