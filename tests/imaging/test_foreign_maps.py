from __future__ import annotations

from pathlib import Path

import imagecodecs
import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from retseg.core.errors import ImageError
from retseg.imaging.foreign_maps import read_foreign_map
from retseg.imaging.maps import write_class_probabilities

SHAPE = (24, 32)


@pytest.fixture
def grey() -> np.ndarray:
    """Values (24, 32) uint8 that differ in every row and column and reach 0 and 255."""
    return np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)


def save_nifti(path: Path, array: np.ndarray) -> None:
    nib.save(nib.Nifti1Image(array, np.eye(4)), path)


WRITERS = {
    "npy": lambda path, values: np.save(path, values),
    "npz": lambda path, values: np.savez_compressed(path, values),
    "tif": lambda path, values: tifffile.imwrite(path, values, compression="zlib"),
    "nii": lambda path, values: save_nifti(path, values.T),
    "nii.gz": lambda path, values: save_nifti(path, values.T),
    "png": lambda path, values: path.write_bytes(imagecodecs.png_encode(values)),
    "pgm": lambda path, values: Image.fromarray(values).save(path),
    "bmp": lambda path, values: Image.fromarray(values).save(path),
    "gif": lambda path, values: Image.fromarray(values).save(path),
}
TYPES = {
    "npy": ["bool", "uint8", "uint16", ">u2", "int16", "int64", "float16", "float32", "float64"],
    "npz": ["bool", "uint8", "float32"],
    "tif": ["uint8", "uint16", ">u2", "int16", "int32", "float16", "float32", "float64"],
    "nii": ["uint8", "uint16", "int16", "int32", "float32", "float64"],
    "nii.gz": ["uint8", "float32"],
    "png": ["uint8", "uint16"],
    "pgm": ["uint8", "uint16"],
    "bmp": ["uint8"],
    "gif": ["uint8"],
}


@pytest.mark.parametrize(("suffix", "dtype"), [(suffix, dtype) for suffix, types in TYPES.items() for dtype in types])
def test_every_format_gives_back_its_values(tmp_path, grey, suffix, dtype):
    values = grey / 255 if np.dtype(dtype).kind == "f" else grey.astype(np.int64) * 257 if "u2" in dtype else grey
    values = values.astype(dtype)
    path = tmp_path / f"map.{suffix}"
    WRITERS[suffix](path, values)
    read = read_foreign_map(path, SHAPE)
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("shape", [(1, *SHAPE), (*SHAPE, 1), (1, 1, *SHAPE), (1, *SHAPE, 1)])
@pytest.mark.parametrize("suffix", ["npy", "tif"])
def test_axes_of_length_one_are_dropped(tmp_path, grey, shape, suffix):
    path = tmp_path / f"map.{suffix}"
    values = (grey / 255).astype(np.float32)
    if suffix == "npy":
        np.save(path, values.reshape(shape))
    else:
        tifffile.imwrite(path, values.reshape(shape), photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read_foreign_map(path, SHAPE), values)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "npy"])
def test_three_equal_channels_are_one(tmp_path, grey, suffix):
    path = tmp_path / f"map.{suffix}"
    rgb = np.repeat(grey[..., None], 3, axis=2)
    np.save(path, np.moveaxis(rgb, 2, 0)) if suffix == "npy" else Image.fromarray(rgb).save(path)
    np.testing.assert_array_equal(read_foreign_map(path, SHAPE), grey)


def test_what_matplotlib_saves(tmp_path, grey):
    opaque = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    Image.fromarray(opaque).save(tmp_path / "map.png")
    np.testing.assert_array_equal(read_foreign_map(tmp_path / "map.png", SHAPE), grey)


def test_palettes_give_the_grey_values_they_show(tmp_path):
    index = (np.random.default_rng(1).random(SHAPE) < 0.3).astype(np.uint8)
    picture = Image.fromarray(index, mode="P")
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.save(tmp_path / "map.gif")
    np.testing.assert_array_equal(read_foreign_map(tmp_path / "map.gif", SHAPE), 255 * index)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.save(tmp_path / "red.png")
    with pytest.raises(ImageError, match="three different channels"):
        read_foreign_map(tmp_path / "red.png", SHAPE)


def test_images_of_one_bit(tmp_path):
    mask = np.random.default_rng(1).random(SHAPE) < 0.3
    for suffix in ("png", "tif", "bmp"):
        Image.fromarray(mask).convert("1").save(tmp_path / f"map.{suffix}")
        read = read_foreign_map(tmp_path / f"map.{suffix}", SHAPE)
        np.testing.assert_array_equal(read.astype(float) / read.max(), mask)


def test_fewer_bits_than_the_type_has(tmp_path, grey):
    twelve = grey.astype(np.uint16) * 16
    tifffile.imwrite(tmp_path / "map.tif", twelve, bitspersample=12)
    np.testing.assert_allclose(read_foreign_map(tmp_path / "map.tif", SHAPE), twelve / 4095)


class TestNifti:
    def test_either_order_of_axes_where_one_fits(self, tmp_path, grey):
        for array in (grey, grey.T, grey.T[..., None]):
            save_nifti(tmp_path / "map.nii.gz", array)
            np.testing.assert_array_equal(read_foreign_map(tmp_path / "map.nii.gz", SHAPE), grey)

    def test_x_before_y_on_a_square(self, tmp_path, grey):
        square = grey[:, :24]
        save_nifti(tmp_path / "map.nii", square.T)
        np.testing.assert_array_equal(read_foreign_map(tmp_path / "map.nii", square.shape), square)

    def test_our_own_scaling(self, tmp_path, grey):
        probability = (grey / 255).astype(np.float32)
        write_class_probabilities(tmp_path / "map.nii.gz", probability[None])
        read = read_foreign_map(tmp_path / "map.nii.gz", SHAPE)
        np.testing.assert_array_equal(np.rint(read * 65535), np.rint(probability * 65535))


class TestRefused:
    def test_another_size(self, tmp_path, grey):
        np.save(tmp_path / "map.npy", grey)
        with pytest.raises(ImageError) as caught:
            read_foreign_map(tmp_path / "map.npy", (48, 64))
        assert caught.value.line == (
            f"the map has 32x24 pixels, its photograph 64x48: {tmp_path / 'map.npy'}. Resize it before it is saved: "
            "predictions return to native size; the ground truth is never resized."
        )
        with pytest.raises(ImageError, match="Transpose it"):
            read_foreign_map(tmp_path / "map.npy", (32, 24))
        assert read_foreign_map(tmp_path / "map.npy").shape == SHAPE

    def test_values_that_are_not_finite(self, tmp_path, grey):
        values = grey / 255
        values[0, :3], values[1, 1] = np.nan, -np.inf
        for suffix in ("npy", "tif", "nii"):
            WRITERS[suffix](tmp_path / f"map.{suffix}", values)
            with pytest.raises(ImageError, match="the map holds 3 NaN and 1 infinite values among 768"):
                read_foreign_map(tmp_path / f"map.{suffix}", SHAPE)

    @pytest.mark.parametrize("shape", [(2, *SHAPE), (*SHAPE, 2), (1, 2, *SHAPE), (5, *SHAPE)])
    def test_several_channels_of_an_array(self, tmp_path, shape):
        for suffix, writer in (("npy", np.save), ("nii.gz", save_nifti)):
            writer(tmp_path / f"map.{suffix}", np.zeros(shape, np.float32))
            with pytest.raises(ImageError, match="nothing says which is the vessel.*p\\[1\\]"):
                read_foreign_map(tmp_path / f"map.{suffix}", SHAPE)

    @pytest.mark.parametrize("planar", ["contig", "separate", None])
    def test_several_channels_of_a_tiff(self, tmp_path, planar):
        path, values = tmp_path / "map.tif", np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)
        if planar == "contig":
            values = np.ascontiguousarray(np.moveaxis(values, 0, -1))
        tifffile.imwrite(path, values, photometric="minisblack", planarconfig=planar)
        with pytest.raises(ImageError, match="the file holds 2 channels"):
            read_foreign_map(path, SHAPE)

    def test_colours_and_transparency(self, tmp_path, grey):
        colours = np.dstack([grey, grey, 255 - grey])
        for suffix in ("png", "tif", "bmp"):
            Image.fromarray(colours).save(tmp_path / f"map.{suffix}")
            with pytest.raises(ImageError, match="three different channels"):
                read_foreign_map(tmp_path / f"map.{suffix}", SHAPE)
        Image.fromarray(np.dstack([grey, grey, grey, grey])).save(tmp_path / "map.png")
        with pytest.raises(ImageError, match="transparent pixels.*without an alpha channel"):
            read_foreign_map(tmp_path / "map.png", SHAPE)

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (np.zeros(7), "an array of 7, not a map"),
            (np.float32(1), "a single number"),
            (np.zeros((2, 3, *SHAPE)), "an array of 2x3x24x32"),
            (np.zeros((0, 5)), "the map is empty"),
            (np.zeros(SHAPE, complex), "complex128, not numbers"),
            (np.full(SHAPE, "a"), "not numbers"),
            (np.full(SHAPE, None), "cannot be read.*Save it anew"),
        ],
    )
    def test_arrays_that_are_no_maps(self, tmp_path, value, message):
        np.save(tmp_path / "map.npy", value)
        with pytest.raises(ImageError, match=message) as caught:
            read_foreign_map(tmp_path / "map.npy")
        assert caught.value.fix

    def test_archives_of_several_arrays(self, tmp_path, grey):
        np.savez(tmp_path / "map.npz", prob=grey, mask=grey)
        with pytest.raises(ImageError, match="the archive holds 2 arrays \\(prob, mask\\), not one map"):
            read_foreign_map(tmp_path / "map.npz")

    @pytest.mark.parametrize("suffix", WRITERS)
    def test_damaged_empty_and_missing_files(self, tmp_path, grey, suffix):
        path = tmp_path / f"map.{suffix}"
        with pytest.raises(ImageError, match="not found"):
            read_foreign_map(path)
        path.touch()
        with pytest.raises(ImageError):
            read_foreign_map(path)
        WRITERS[suffix](path, grey)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        with pytest.raises(ImageError) as caught:
            read_foreign_map(path)
        assert caught.value.fix
        assert "\n" not in caught.value.line
