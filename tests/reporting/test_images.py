from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from retseg.reporting import images


def line(width: int, size: int = 800) -> np.ndarray:
    plane = np.zeros((size, size), np.float32)
    plane[:, 400 : 400 + width] = 1
    return plane


def test_a_plain_map_is_shrunk_by_area() -> None:
    random = np.random.default_rng(0).random((600, 900), np.float32)
    small = images.shrink_map(random, 90)
    assert small.shape == (60, 90)
    blocks = random.reshape(60, 10, 90, 10).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() < 1e-5


def test_nothing_is_enlarged() -> None:
    plane = np.random.default_rng(0).random((20, 30), np.float32)
    assert np.array_equal(images.shrink_map(plane, 360), plane)
    assert images.shrink_photograph(np.zeros((20, 30, 3), np.uint8), 360).shape == (20, 30, 3)
    assert images.shrink_classes(np.zeros((20, 30), np.uint8), 360).shape == (20, 30)


def test_a_line_thinner_than_a_pixel_stays_visible_and_a_constant_stays_the_same() -> None:
    thin = images.shrink_map(line(2), 80, thin=True)
    assert thin.max() > 0.5 > 0.25 > images.shrink_map(line(2), 80).max()
    assert thin[:, :38].max() == 0
    assert np.allclose(images.shrink_map(np.full((800, 800), 0.3, np.float32), 80, thin=True), 0.3, atol=1e-4)


def test_a_thicker_or_more_probable_line_is_always_brighter() -> None:
    widths = [images.shrink_map(line(width), 80, thin=True).max() for width in (1, 3, 6, 10)]
    values = [images.shrink_map(line(3) * p, 80, thin=True).max() for p in (0.2, 0.5, 0.9)]
    assert widths == sorted(set(widths))
    assert values == sorted(set(values))


def test_class_indices_never_mix() -> None:
    label = np.random.default_rng(0).choice(np.array([0, 7, 255], np.uint8), (500, 700))
    small = images.shrink_classes(label, 100)
    assert set(np.unique(small)) <= {0, 7, 255}
    assert small.shape == (71, 100)


def test_grey_runs_from_black_to_white() -> None:
    shades = images.grey(np.array([[0.0, 0.5, 1.0, np.nan, 2.0]], np.float32))
    assert shades[0, [0, 2, 3, 4]].tolist() == [0, 255, 0, 255]
    assert abs(int(shades[0, 1]) - 128) <= 3


def test_painted_layers_keep_their_colours_and_leave_the_rest_grey() -> None:
    photograph = np.full((100, 100, 3), (200, 90, 30), np.uint8)
    mask = np.zeros((100, 100), bool)
    mask[40:60] = True
    result = images.painted(photograph, [(mask, (230, 159, 0))], 100)
    assert (result[50] == (230, 159, 0)).all()
    rest = result[:40].reshape(-1, 3)
    assert (rest == rest[:, :1]).all()
    assert rest.max() < 130


def test_a_thin_painted_line_survives_shrinking_in_its_own_colour() -> None:
    mask = line(2) > 0
    result = images.painted(np.zeros((800, 800, 3), np.uint8), [(mask, (86, 180, 233))], 80).astype(int)
    brightest = result[40, result[40].sum(axis=1).argmax()]
    assert brightest[2] > 120
    assert brightest[2] > brightest[1] > brightest[0]


def test_what_is_outside_is_drawn_darker() -> None:
    outside = np.zeros((50, 50), bool)
    outside[:, :25] = True
    result = images.painted(np.full((50, 50, 3), 200, np.uint8), [], 50, outside=outside)
    assert result[:, :25].max() < result[:, 25:].min()


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_picture_is_a_data_uri_of_its_size(kind: str) -> None:
    array = np.zeros((30, 40, 3), np.uint8)
    picture = images.png(array) if kind == "png" else images.jpeg(array, 80)
    head, data = picture.source.split(",", 1)
    assert head == f"data:image/{kind};base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (picture.width, picture.height) == (40, 30)


def test_a_map_comes_back_from_its_png_exactly() -> None:
    shades = images.grey(np.random.default_rng(0).random((30, 40), np.float32))
    data = base64.b64decode(images.png(shades).source.split(",", 1)[1])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), shades)
