from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from retseg.core.errors import ImageError, InputError
from retseg.core.types import Classes, ClassInfo
from retseg.datasets.colour_labels import ColourCode
from retseg.datasets.config import DatasetConfig
from retseg.datasets.msrc import MSRC

CODE = ColourCode(MSRC)
VOID = 255
NAMES = MSRC.names


def read(path, **options):
    return CODE.read(path, DatasetConfig(**options))


def save(path, rgb, **options):
    Image.fromarray(np.asarray(rgb, np.uint8)).save(path, **options)
    return path


def blocks(size: int = 40) -> np.ndarray:
    """A class map (H, W) with a square of each class and of void."""
    order = np.array([*range(MSRC.count), VOID], np.uint8).reshape(4, 6)
    return np.kron(order, np.ones((size, size), np.uint8))


def painted(**changes):
    """A label of sky with so many pixels of other colours, given as `RRGGBB=count`."""
    rgb = np.full((20, 50, 3), 128, np.uint8)
    place = 0
    for colour, count in changes.items():
        rgb.reshape(-1, 3)[place : place + count] = list(bytes.fromhex(colour.lstrip("c")))
        place += count
    return rgb


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 23)))
def test_classes_to_colours_and_back_is_exact(indices):
    class_map = np.where(indices == 23, VOID, indices).astype(np.uint8)
    label = CODE.to_classes(CODE.to_colours(class_map))
    assert np.array_equal(label.class_map, class_map)
    assert label.remarks == []


@pytest.mark.parametrize("name", ["a.bmp", "a.png", "a.tif", "a.gif", "palette.png", "alpha.png"])
def test_every_lossless_format_is_read_exactly(tmp_path, name):
    image = Image.fromarray(CODE.to_colours(blocks()))
    if name in ("a.gif", "palette.png"):
        image = image.quantize(256)
    image.convert("RGBA" if name == "alpha.png" else image.mode).save(tmp_path / name)
    assert np.array_equal(read(tmp_path / name, strict=True).class_map, blocks())


def test_every_class_has_its_owners_colour_and_black_is_void():
    rgb = np.array([[[128, 0, 0], [192, 64, 0], [0, 0, 0], [128, 64, 128]]], np.uint8)
    found = CODE.to_classes(rgb).class_map[0].tolist()
    assert found == [NAMES.index("building"), NAMES.index("boat"), VOID, NAMES.index("road")]


@pytest.mark.parametrize(
    ("colour", "index", "mode"),
    [
        *(((128, 128, 128), NAMES.index("sky"), mode) for mode in ("RGB", "L", "P")),
        *(((0, 0, 0), VOID, mode) for mode in ("RGB", "L", "P", "1")),
    ],
)
def test_a_label_of_one_grey_is_a_class_and_not_an_index(tmp_path, colour, index, mode):
    image = Image.new("RGB", (32, 24), colour)
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "label.png")
    assert (read(tmp_path / "label.png").class_map == index).all()


def test_a_few_pixels_of_unknown_colours_become_void_and_are_counted(tmp_path):
    path = save(tmp_path / "label.png", painted(c800001=20, c123456=10, cFF0000=1))
    label = read(path)
    assert label.class_map.ravel()[:31].tolist() == [VOID] * 31
    assert (label.class_map.ravel()[31:] == NAMES.index("sky")).all()
    assert (label.unknown.pixels, label.unknown.colours, label.unknown.frequent) == (31, 3, (128, 0, 1))
    assert label.remarks == ["31 pixels (3.1%) of 3 colours that no class has, taken as void"]


def test_one_pixel_is_said_so(tmp_path):
    path = save(tmp_path / "label.png", painted(c800001=1))
    assert read(path).remarks == ["1 pixel (0.1%) of 1 colour that no class has, taken as void"]


def test_large_numbers_are_readable():
    rgb = np.full((200, 300, 3), 128, np.uint8)
    rgb[:5, :, 0] = 7
    assert CODE.to_classes(rgb).remarks == ["1,500 pixels (2.5%) of 1 colour that no class has, taken as void"]


def test_more_than_the_limit_is_refused_and_the_limit_can_be_moved(tmp_path):
    path = save(tmp_path / "label.png", painted(c800001=50))
    assert read(path).unknown.pixels == 50
    save(path, painted(c800001=51))
    with pytest.raises(ImageError) as raised:
        read(path)
    line = raised.value.line
    assert "51 pixels (5.1%) of 1 colour that no class has (most often 128,0,1)" in line
    assert "dataset.unknown=0.05" in line
    assert "dataset.snap=" in line
    assert str(path) in line
    assert read(path, unknown=0.06).unknown.pixels == 51
    with pytest.raises(ImageError):
        read(save(path, painted(c800001=1)), unknown=0)


def test_strict_refuses_a_single_pixel_even_of_a_near_colour(tmp_path):
    path = save(tmp_path / "label.png", painted(c800001=1))
    for snap in (0, 8):
        with pytest.raises(ImageError, match=r"1 pixel \(0.1%\) of 1 colour.*dataset\.strict"):
            read(path, strict=True, snap=snap, unknown=1)
    assert read(save(path, painted(c800000=1)), strict=True).remarks == []


def test_snap_takes_colours_within_so_many_levels_in_each_channel(tmp_path):
    rgb = painted(c880800=1, c880900=1, c080808=1, c787878=1)
    label = CODE.to_classes(rgb, snap=8)
    building, sky = NAMES.index("building"), NAMES.index("sky")
    assert label.class_map.ravel()[:5].tolist() == [building, VOID, VOID, sky, sky]
    assert (label.snapped, label.unknown.pixels) == (3, 1)
    assert label.remarks[0] == "3 pixels (0.3%) of nearly a known colour, taken as that"


def test_of_two_colours_within_reach_the_nearer_counts():
    classes = Classes("close", (ClassInfo("first", (100, 100, 100)), ClassInfo("second", (110, 100, 100))))
    rgb = np.array([[[104, 100, 100], [106, 100, 100], [105, 100, 100], [119, 100, 100]]], np.uint8)
    assert ColourCode(classes).to_classes(rgb, snap=9).class_map.tolist() == [[0, 1, 0, 1]]


@given(hnp.arrays(np.uint8, (6, 7, 3)), st.integers(0, 31))
def test_snapping_agrees_with_the_definition_pixel_by_pixel(rgb, snap):
    label = CODE.to_classes(rgb, snap)
    known = [*((item.colour, index) for index, item in enumerate(MSRC.items)), ((0, 0, 0), VOID)]
    for pixel, found in zip(rgb.reshape(-1, 3).tolist(), label.class_map.ravel().tolist(), strict=True):
        near = [index for colour, index in known if max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= snap]
        assert [found] == (near or [VOID])


@pytest.mark.parametrize(("quality", "subsampling"), [(95, 0), (75, 2), (50, 2)])
def test_jpeg_damage_is_refused_read_almost_exactly_with_snap_and_refused_when_strict(tmp_path, quality, subsampling):
    truth = blocks()
    path = save(tmp_path / "a.jpg", CODE.to_colours(truth), quality=quality, subsampling=subsampling)
    with pytest.raises(
        ImageError, match=r"[\d,]+ pixels \(\d+\.\d%\) of [\d,]+ colours that no class has.*dataset\.snap"
    ):
        read(path)
    with pytest.raises(ImageError, match=r"dataset\.strict"):
        read(path, strict=True, snap=24)
    label = read(path, snap=24)
    assert label.snapped
    wrong = (label.class_map != truth) & (label.class_map != VOID)
    assert wrong.mean() < 0.01
    assert (label.class_map == truth).mean() > 0.96


def test_a_photograph_in_place_of_a_label_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3))
    with pytest.raises(ImageError, match="set dataset.snap or dataset.unknown higher"):
        read(save(tmp_path / "photo.png", noise), snap=20)


def test_a_colour_may_mean_one_thing_only():
    twins = Classes("twins", (ClassInfo("cat", (9, 8, 7)), ClassInfo("cow", (9, 8, 7))))
    with pytest.raises(InputError, match="'cat' and 'cow' have the same colour"):
        ColourCode(twins)
    dark = Classes("dark", (ClassInfo("night", (0, 0, 0)), ClassInfo("day", (9, 9, 9))))
    with pytest.raises(InputError, match=r"'night' has the colour of void \(0,0,0\): classes\.yaml"):
        ColourCode(dark, where="classes.yaml")
    white = ColourCode(dark, void=[(255, 255, 255)])
    found = white.to_classes(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)).class_map
    assert found.tolist() == [[0, VOID]]
    assert white.to_colours(found).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_254_classes_and_void_fit_and_more_do_not():
    many = tuple(ClassInfo(f"c{number}", (number, 1, 2)) for number in range(255))
    classes = Classes("many", many[:254])
    class_map = np.arange(254, dtype=np.uint8)[None]
    code = ColourCode(classes)
    assert np.array_equal(code.to_classes(code.to_colours(class_map)).class_map, class_map)
    with pytest.raises(InputError, match="256 colours are more than the 255"):
        ColourCode(Classes("more", many))
