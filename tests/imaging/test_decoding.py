from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from retseg.imaging import decoding
from retseg.imaging.decoding import decode


def test_pillows_own_limit_is_left_as_it_was(tmp_path, colours):
    before = Image.MAX_IMAGE_PIXELS
    Image.fromarray(colours).save(tmp_path / "a.png")
    decode(tmp_path / "a.png")
    assert before is not None
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_large_image_below_our_limit_needs_no_warning(tmp_path, recwarn):
    """Pillow warns of a bomb from 89 million pixels on; a 100-megapixel mosaic is not one."""
    path = tmp_path / "a.png"
    Image.new("1", (10_000, 10_000)).save(path)
    assert decode(path).values.shape == (10_000, 10_000)
    assert not recwarn.list


@pytest.mark.parametrize("bits", [4, 12])
def test_white_follows_the_bits_of_a_sample(tmp_path, bits):
    path = tmp_path / "a.tif"
    values = np.full((20, 20), 2**bits - 1, np.uint8 if bits < 8 else np.uint16)
    tifffile.imwrite(path, values, bitspersample=bits, compression=None)
    raster = decode(path)
    assert raster.white == 2**bits - 1
    assert (raster.values == raster.white).all()


def test_palettes_and_alpha_are_kept_apart(tmp_path):
    index = np.arange(16 * 16, dtype=np.uint8).reshape(16, 16) % 4
    picture = Image.frombytes("P", (16, 16), index.tobytes())
    picture.putpalette([0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.save(tmp_path / "a.png", transparency=2, optimize=False)
    raster = decode(tmp_path / "a.png")
    np.testing.assert_array_equal(raster.values, index)
    assert raster.palette is not None
    assert raster.palette[1].tolist() == [10, 20, 30]
    assert raster.alpha is not None
    np.testing.assert_array_equal(raster.alpha == 0, index == 2)


def test_a_gzip_bomb_is_refused(tmp_path, monkeypatch):
    import gzip

    from retseg.core.errors import ImageError

    monkeypatch.setattr(decoding, "MAX_UNPACKED", 1000)
    (tmp_path / "a.ppm.gz").write_bytes(gzip.compress(bytes(5000)))
    with pytest.raises(ImageError, match="unpacks to more"):
        decode(tmp_path / "a.ppm.gz")
