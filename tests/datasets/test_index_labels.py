from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ImageError
from retseg.datasets.index_labels import VOID, ClassNumbers, read_indices

VALUES = np.arange(20 * 24, dtype=np.uint8).reshape(20, 24) % 7


def palette(values):
    image = Image.fromarray(values, "P")
    image.putpalette([channel for i in range(256) for channel in (i * 5 % 256, 255 - i, i * 11 % 256)])
    return image


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(VALUES),
        palette(VALUES),
        Image.fromarray(np.repeat(VALUES[..., None], 3, axis=2)),
        Image.fromarray(VALUES.astype(np.uint16)),
    ],
    ids=["8 bit", "coloured palette", "RGB", "16 bit"],
)
def test_the_stored_numbers_come_back_however_they_are_stored(tmp_path, studio, image):
    assert np.array_equal(read_indices(studio.save(tmp_path / "a.png", image)), VALUES)


def test_large_numbers_and_single_bits(tmp_path, studio):
    large = VALUES.astype(np.uint16) * 9000
    assert np.array_equal(read_indices(studio.save(tmp_path / "large.png", Image.fromarray(large))), large)
    bits = studio.save(tmp_path / "bits.png", Image.fromarray(VALUES > 3))
    assert np.array_equal(read_indices(bits), VALUES > 3)


def test_real_colours_are_refused(tmp_path, studio):
    with pytest.raises(ImageError, match=r"colours where one number a pixel is needed: .*photo\.png"):
        read_indices(studio.photograph(tmp_path / "photo.png"))


def test_numbers_become_classes_and_void():
    code = ClassNumbers([7, 0, 300], [255, 9])
    raw = np.array([[7, 0, 300], [255, 9, 7]], np.uint16)
    assert code.to_classes(raw, "x").tolist() == [[0, 1, 2], [VOID, VOID, 0]]
    assert code.known(raw) == 6


def test_unknown_numbers_are_named_with_the_file():
    raw = np.array([[1, 1, 4], [0, 65535, 1]], np.uint16)
    with pytest.raises(ImageError, match=r"the values 4, 65535, which no class has \(2 of 6 pixels\): a/b\.png"):
        ClassNumbers([0, 1], []).to_classes(raw, "a/b.png")
    with pytest.raises(ImageError, match=r"the value 1, which"):
        ClassNumbers([0, 4, 65535], []).to_classes(raw, "a/b.png")
