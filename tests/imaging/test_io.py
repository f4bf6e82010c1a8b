from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from retseg.core.errors import ImageError, OutputError
from retseg.imaging.io import image_size, read_image, read_label, write_png

EXIF_ORIENTATION = 0x0112


def save(path, picture, **options):
    Image.fromarray(picture).save(path, **options) if isinstance(picture, np.ndarray) else picture.save(path, **options)
    return path


def png_header_only(width, height):
    """A correct PNG header that promises far more pixels than the file holds."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


# --- photographs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm", ".tif", ".webp"])
def test_lossless_formats_come_back_exactly(tmp_path, colours, suffix):
    path = save(tmp_path / f"a{suffix}", colours, **({"lossless": True} if suffix == ".webp" else {}))
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable
    np.testing.assert_array_equal(image, colours)


@pytest.mark.parametrize("suffix", [".ppm.gz", ".tif.gz"])
def test_gzipped_formats(tmp_path, colours, suffix):
    plain = save(tmp_path / ("a" + suffix.removesuffix(".gz")), colours)
    path = tmp_path / f"b{suffix}"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_image(path), colours)
    assert image_size(path) == colours.shape[:2]


def test_jpeg(tmp_path, colours):
    image = read_image(save(tmp_path / "a.JPG", colours, quality=95))
    assert np.abs(image.astype(int) - colours).mean() < 3


def test_the_content_counts_not_the_suffix(tmp_path, colours):
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.jpg", colours, format="PNG")), colours)
    np.testing.assert_array_equal(read_image(save(tmp_path / "b.png", colours, format="TIFF")), colours)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_tiff_of_8_bits(tmp_path, colours, compression, planes):
    values = colours if planes == "contig" else np.ascontiguousarray(np.moveaxis(colours, -1, 0))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, photometric="rgb", planarconfig=planes, compression=compression)
    np.testing.assert_array_equal(read_image(path), colours)


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_16_bits_uses_the_full_range(tmp_path, colours, compression, order):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, colours.astype(np.uint16) * 257, photometric="rgb", compression=compression, byteorder=order)
    np.testing.assert_array_equal(read_image(path), colours)


def test_grey_tiff_of_16_bits_is_scaled_not_cut(tmp_path):
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (20, 1))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ramp)
    image = read_image(path)
    assert image.shape == (20, 64, 3)
    np.testing.assert_array_equal(image[..., 1], np.rint(ramp / 257).astype(np.uint8))


def test_the_first_page_counts(tmp_path, colours):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for page in (colours, 255 - colours):
            file.write(page, photometric="rgb")
    np.testing.assert_array_equal(read_image(path), colours)
    frames = [Image.fromarray(page) for page in (colours, 255 - colours)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.abs(read_image(tmp_path / "a.gif").astype(int) - colours).mean() < 25


def test_tiff_where_white_is_zero(tmp_path, colours):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, 255 - colours[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_image(path)[..., 0], colours[..., 0])


def test_tiff_with_a_palette(tmp_path):
    index = (np.arange(40 * 64) % 256).astype(np.uint8).reshape(40, 64)
    colormap = np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 77)]).astype(np.uint16) * 257
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, index, photometric="palette", colormap=colormap)
    np.testing.assert_array_equal(read_image(path), np.moveaxis(colormap // 257, 0, -1)[index])


def test_tiff_of_floats(tmp_path, colours):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, (colours / 255).astype(np.float32), photometric="rgb")
    np.testing.assert_array_equal(read_image(path), colours)


def test_tiff_of_ink(tmp_path, colours):
    ink = np.zeros((*colours.shape[:2], 4), np.uint8)
    ink[..., :3] = 255 - colours
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ink, photometric="separated")
    np.testing.assert_array_equal(read_image(path), colours)


def test_png_of_16_bits(tmp_path, colours):
    path = save(tmp_path / "grey.png", colours[..., 0].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(path), np.repeat(colours[..., :1], 3, axis=2))


def test_grey_is_repeated(tmp_path, colours):
    path = save(tmp_path / "a.png", colours[..., 0])
    np.testing.assert_array_equal(read_image(path), np.repeat(colours[..., :1], 3, axis=2))


def test_one_bit(tmp_path):
    mask = np.eye(20, dtype=bool)
    path = save(tmp_path / "a.png", mask)
    np.testing.assert_array_equal(read_image(path)[..., 2], mask * 255)


def test_transparent_pixels_are_black(tmp_path, colours):
    alpha = np.full(colours.shape[:2], 255, np.uint8)
    alpha[:10] = 0
    path = save(tmp_path / "a.png", np.dstack([colours, alpha]))
    image = read_image(path)
    assert not image[:10].any()
    np.testing.assert_array_equal(image[10:], colours[10:])


def test_an_alpha_channel_that_hides_everything_is_a_mistake(tmp_path, colours):
    path = save(tmp_path / "a.png", np.dstack([colours, np.zeros_like(colours[..., 0])]))
    np.testing.assert_array_equal(read_image(path), colours)


def test_grey_with_alpha(tmp_path, colours):
    alpha = np.full_like(colours[..., 0], 255)
    path = save(tmp_path / "a.png", Image.merge("LA", [Image.fromarray(c) for c in (colours[..., 0], alpha)]))
    np.testing.assert_array_equal(read_image(path)[..., 0], colours[..., 0])


def test_palette_image_in_colour(tmp_path):
    flat = np.repeat(np.repeat(np.array([[[200, 10, 0], [0, 90, 255]]], np.uint8), 20, axis=0), 20, axis=1)
    picture = Image.fromarray(flat).quantize(4)
    for name in ("a.gif", "a.png", "a.bmp"):
        np.testing.assert_array_equal(read_image(save(tmp_path / name, picture)), flat)


def test_cmyk_jpeg(tmp_path, colours):
    path = save(tmp_path / "a.jpg", Image.fromarray(colours).convert("CMYK"), quality=95)
    assert np.abs(read_image(path).astype(int) - colours).mean() < 4


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_orientation(tmp_path, colours, turn, suffix):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = turn
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tag = [(EXIF_ORIENTATION, "H", 1, turn, True)]
        tifffile.imwrite(path, colours, photometric="rgb", extratags=tag)
    else:
        save(path, colours, exif=exif, **({"quality": 98, "subsampling": 0} if suffix == ".jpg" else {}))
    stored = Image.fromarray(colours)
    stored.getexif()[EXIF_ORIENTATION] = turn
    upright = np.asarray(ImageOps.exif_transpose(stored))
    image = read_image(path)
    assert image.shape == upright.shape
    assert image_size(path) == upright.shape[:2]
    assert np.abs(image.astype(int) - upright).mean() < (3 if suffix == ".jpg" else 1e-9)


@pytest.mark.filterwarnings("error")
def test_damaged_exif_data_does_not_cost_the_photograph(tmp_path, colours):
    path = save(tmp_path / "a.jpg", colours, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage")
    assert read_image(path).shape == colours.shape


# --- bad photographs --------------------------------------------------------------------------------------------------


def spoiled(tmp_path, colours, kind):
    path = tmp_path / f"{kind}.jpg"
    if kind == "truncated":
        save(path, colours, quality=95)
        path.write_bytes(path.read_bytes()[:-600])
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("This is not a photograph. " * 40)
    elif kind == "bomb":
        path.write_bytes(png_header_only(40_000, 40_000))
    elif kind == "one pixel":
        save(path, np.zeros((1, 1, 3), np.uint8))
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "truncated"),
        ("empty", "empty"),
        ("text", "not an image file"),
        ("bomb", "too large: its header says 40000x40000 pixels"),
        ("one pixel", "too small: 1x1 pixels"),
        ("folder", "is a folder"),
        ("missing", "not found"),
    ],
)
@pytest.mark.parametrize("read", [read_image, read_label])
def test_bad_input_is_named_in_one_line(tmp_path, colours, kind, message, read):
    path = spoiled(tmp_path, colours, kind)
    with pytest.raises(ImageError, match=message) as caught:
        read(path)
    assert str(path) in caught.value.line
    assert caught.value.fix
    assert "\n" not in caught.value.line


def test_a_bomb_is_refused_without_decoding(tmp_path, colours):
    path = spoiled(tmp_path, colours, "bomb")
    assert image_size(path) == (40_000, 40_000)
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from retseg.imaging.io import read_image\n"
        "from retseg.core.errors import ImageError\n"
        "try: read_image(sys.argv[1])\n"
        "except ImageError: print('refused')"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "refused", run.stderr


def test_a_bomb_in_tiff_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 20), np.uint8))
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength"):
            file.pages[0].tags[name].overwrite(40_000)
    with pytest.raises(ImageError, match="40000x40000"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".gif", ".bmp", ".ppm"])
@pytest.mark.parametrize("keep", [0.5, 0.05])
def test_half_a_file_is_no_image(tmp_path, suffix, keep):
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    path = save(tmp_path / f"a{suffix}", noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ImageError):
        read_image(path)


def test_a_damaged_gzip_is_no_image(tmp_path, colours):
    data = gzip.compress(save(tmp_path / "a.ppm", colours).read_bytes())
    for name, content in (("cut.ppm.gz", data[:-20]), ("text.ppm.gz", b"not gzip at all")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match="gzip"):
            read_image(tmp_path / name)


@pytest.mark.parametrize(("value", "message"), [(np.nan, "NaN"), (np.inf, "infinite"), (3, "0 to 3"), (-1, "-1 to")])
def test_floats_beyond_their_range(tmp_path, value, message):
    values = np.zeros((20, 20), np.float32)
    values[3, 3] = value
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values)
    with pytest.raises(ImageError, match=message):
        read_image(path)


def test_too_many_channels(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 20, 9), np.uint8), photometric="minisblack", planarconfig="contig")
    with pytest.raises(ImageError, match="9 channels"):
        read_image(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_to_read(tmp_path, colours):
    path = save(tmp_path / "a.png", colours)
    path.chmod(0)
    with pytest.raises(ImageError, match="permission"):
        read_image(path)


# --- labels -----------------------------------------------------------------------------------------------------------

MASK = np.zeros((20, 30), bool)
MASK[5:12, 8:20] = True


def palette_picture(index, palette):
    picture = Image.frombytes("P", index.shape[::-1], index.tobytes())
    picture.putpalette(palette)
    return picture


def test_label_of_one_bit(tmp_path):
    label = read_label(save(tmp_path / "a.png", MASK))
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, MASK)


@pytest.mark.parametrize("white", [255, 1, 0], ids=["black and white", "nearly black", "all black"])
@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_label_palettes_without_colour_give_their_indices(tmp_path, white, suffix):
    picture = palette_picture(MASK.astype(np.uint8), [0, 0, 0, white, white, white])
    label = read_label(save(tmp_path / f"a{suffix}", picture, optimize=False))
    np.testing.assert_array_equal(label, MASK)


def test_label_palettes_in_colour_give_their_colours(tmp_path):
    path = save(tmp_path / "a.png", palette_picture(MASK.astype(np.uint8), [128, 0, 0, 0, 128, 0]))
    np.testing.assert_array_equal(read_label(path), np.where(MASK[..., None], [0, 128, 0], [128, 0, 0]))


def test_colours_of_a_palette_that_are_not_in_use_do_not_count(tmp_path):
    path = save(tmp_path / "a.png", palette_picture(MASK.astype(np.uint8), [0, 0, 0, 9, 9, 9, 255, 0, 0]))
    np.testing.assert_array_equal(read_label(path), MASK)


def test_label_stored_as_rgb_without_colour(tmp_path):
    path = save(tmp_path / "a.tif", np.repeat((MASK * np.uint8(255))[..., None], 3, axis=2))
    np.testing.assert_array_equal(read_label(path), MASK * 255)


def test_label_in_colour(tmp_path, colours):
    np.testing.assert_array_equal(read_label(save(tmp_path / "a.bmp", colours)), colours)


def test_label_of_16_bits_keeps_its_values(tmp_path):
    values = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    for name in ("a.png", "a.tif"):
        label = read_label(save(tmp_path / name, values))
        assert label.dtype == np.uint16
        np.testing.assert_array_equal(label, values)


def test_grey_label_keeps_its_values(tmp_path):
    values = (np.arange(600) % 256).astype(np.uint8).reshape(20, 30)
    for name in ("a.png", "a.pgm", "a.tif", "a.gif"):
        np.testing.assert_array_equal(read_label(save(tmp_path / name, values)), values)


def test_label_with_alpha(tmp_path):
    grey = MASK * np.uint8(255)
    path = save(tmp_path / "a.png", np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    np.testing.assert_array_equal(read_label(path), grey)


def test_label_of_whole_floats(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, MASK.astype(np.float32))
    np.testing.assert_array_equal(read_label(path), MASK)


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, 1e6])
def test_label_of_other_floats(tmp_path, value):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.full((20, 20), value, np.float32))
    with pytest.raises(ImageError, match="whole numbers"):
        read_label(path)


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bool", "uint8", "uint16", "colour"])
def test_png_comes_back(tmp_path, colours, kind):
    array = {
        "bool": MASK,
        "uint8": colours[..., 0],
        "uint16": colours[..., 0].astype(np.uint16) * 250,
        "colour": colours,
    }[kind]
    path = tmp_path / "new" / "folder" / "a.png"
    write_png(path, array)
    np.testing.assert_array_equal(read_label(path), array * (255 if kind == "bool" else 1))
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_png_of_a_view(tmp_path, colours):
    write_png(tmp_path / "a.png", colours[::2, ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), colours[::2, ::-1])


@pytest.mark.parametrize("array", [np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4), np.float32), np.zeros((0, 4), bool)])
def test_no_png_for_other_arrays(tmp_path, array):
    with pytest.raises(ValueError, match="no PNG"):
        write_png(tmp_path / "a.png", array)


def test_a_file_in_the_way(tmp_path, colours):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_png(tmp_path / "file" / "a.png", colours)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_to_write(tmp_path, colours):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission to write"):
        write_png(folder / "a.png", colours)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
def test_a_full_disk(tmp_path, colours, monkeypatch):
    # The kernel answers every write to /dev/full with "no space left", as a full disk does.
    full = lambda **_: (os.open("/dev/full", os.O_WRONLY), str(tmp_path / "part"))  # noqa: E731
    monkeypatch.setattr("retseg.core.paths.tempfile.mkstemp", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_png(tmp_path / "a.png", colours)
    assert not list(tmp_path.iterdir())


def test_a_limit_on_file_size(tmp_path):
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "import numpy as np\n"
        "from retseg.imaging.io import write_png\n"
        "from retseg.core.errors import OutputError\n"
        "noise = np.random.default_rng(0).integers(0, 256, (99, 99), dtype=np.uint8)\n"
        "try: write_png(sys.argv[1], noise)\n"
        "except OutputError as error: print(error.line)"
    )
    path = tmp_path / "a.png"
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert "the file would be larger than" in run.stdout, run.stderr
    assert not list(tmp_path.iterdir())
