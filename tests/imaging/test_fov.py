from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from retseg.core.errors import ImageError
from retseg.imaging.fov import estimate_fov, fov_box, fov_diameter
from retseg.imaging.io import list_images, plain_stem, read_image, read_label

RNG = np.random.default_rng


def overlap(first, second):
    return float((first & second).sum() / (first | second).sum())


def as_bytes(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def as_jpeg(image, quality):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "jpeg", quality=quality)
    return np.array(Image.open(stream))


def distance_from(fov, y, x):
    rows, columns = np.mgrid[: fov.shape[0], : fov.shape[1]]
    return np.hypot(rows - y, columns - x)


# --- photographs that are hard in one way each: (image, field) -> (image, field) -----------------------------------


def under_lit(image, fov):
    return as_bytes(image * 0.3), fov


def over_lit(image, fov):
    return as_bytes(image * 1.5), fov


def noisy(image, fov):
    return as_bytes(image + RNG(1).normal(0, 12, image.shape)), fov


def compressed(image, fov):
    return as_jpeg(image, 20), fov


def greenish(image, fov):
    return as_bytes(image * (0.3, 1.2, 0.5)), fov


def grey(image, fov):
    return np.repeat(image[..., 1:2], 3, axis=2), fov


def bright_border(image, fov):
    return as_bytes(np.maximum(image, 15) + RNG(1).normal(0, 4, (*fov.shape, 1))), fov


def half_dark(image, fov):
    """Light falls off smoothly from the right to next to nothing on the left."""
    light = 0.01 + 0.99 / (1 + np.exp(-14 * (np.linspace(0, 1, fov.shape[1]) - 0.5)))
    return as_bytes(image * light[None, :, None]), fov


def dark_rim(image, fov):
    depth = 180 - distance_from(fov, 200, 210)
    return as_bytes(image * (0.1 + 0.9 * np.clip(depth / 60, 0, 1))[..., None]), fov


def flare(image, fov):
    glow = 140 * np.exp(-((distance_from(fov, 70, 350) / 30) ** 2))
    return as_bytes(image + glow[..., None]), fov


def halo(image, fov):
    depth = 180 - distance_from(fov, 200, 210)
    glow = np.where(depth < 0, 35 * np.exp(depth / 12), 0)
    return as_bytes(np.maximum(image, glow[..., None])), fov


def labelled(image, fov):
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    draw.text((3, 3), "OD 12.03.2009", fill=(255, 255, 255), font_size=20)
    draw.rectangle((370, 380, 419, 399), fill=(255, 255, 0))
    return np.where(fov[..., None], image, np.asarray(picture)), fov


def cut(image, fov):
    kept = np.zeros_like(fov)
    kept[60:330] = True
    return np.where(kept[..., None], image, 1).astype(np.uint8), fov & kept


def cut_and_half_dark(image, fov):
    return half_dark(*cut(image, fov))


def cut_at_a_slant(image, fov):
    rows, columns = np.mgrid[: fov.shape[0], : fov.shape[1]]
    kept = rows + 0.15 * columns < 350
    return np.where(kept[..., None], image, 1).astype(np.uint8), fov & kept


def notched(image, fov):
    notch = np.zeros_like(fov)
    notch[190:215, :55] = True
    return np.where(notch[..., None], 1, image).astype(np.uint8), fov & ~notch


def tabbed(image, fov):
    tab = np.zeros_like(fov)
    tab[185:215, 385:405] = True
    image = np.where((tab & ~fov)[..., None], np.median(image[fov], axis=0), image).astype(np.uint8)
    return image, fov | tab


def off_centre(image, fov):
    return image[:, 120:], fov[:, 120:]


def cropped_to_its_box(image, fov):
    top, left, height, width = fov_box(fov)
    part = np.s_[top : top + height, left : left + width]
    return image[part], fov[part]


def one_corner(image, fov):
    return image[:240, 210:], fov[:240, 210:]


def small_in_a_large_frame(image, fov):
    return np.pad(image, ((300, 300), (300, 300), (0, 0)), constant_values=1), np.pad(fov, 300)


def squashed(image, fov):
    size = (420, 300)
    mask = np.asarray(Image.fromarray(fov).resize(size))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)), mask


HARD = [
    under_lit, over_lit, noisy, compressed, greenish, grey, bright_border, half_dark, dark_rim, flare, halo, labelled,
    cut, cut_and_half_dark, cut_at_a_slant, notched, tabbed, off_centre, cropped_to_its_box, one_corner,
    small_in_a_large_frame, squashed,
]  # fmt: skip


def test_a_plain_photograph(draw):
    image, fov = draw()
    estimated = estimate_fov(image)
    assert estimated.dtype == bool
    assert overlap(estimated, fov) > 0.99


@pytest.mark.parametrize("alter", HARD, ids=lambda alter: alter.__name__)
def test_a_hard_photograph(draw, alter):
    image, fov = alter(*draw())
    image = np.ascontiguousarray(image)
    estimated = estimate_fov(image)
    assert estimated.shape == fov.shape
    # Of a half that is all but black, only the circle's other half tells where it ends.
    assert overlap(estimated, fov) > (0.98 if "half_dark" in alter.__name__ else 0.985)


@pytest.mark.parametrize("shape", [(584, 565), (605, 700), (960, 999), (1411, 1413)])
def test_cameras_of_several_sizes(draw, shape):
    image, fov = draw(shape=shape, radius=0.47 * min(shape))
    assert overlap(estimate_fov(image), fov) > 0.99


@pytest.mark.parametrize("alter", [lambda part: part, lambda part: as_bytes(part * np.linspace(0.05, 1, 200)[:, None])])
def test_without_a_visible_border_everything_counts(draw, alter):
    image, _ = draw()
    assert estimate_fov(alter(image[100:300, 110:310])).all()


def test_vessels_at_the_frame_are_no_border(draw):
    image, _ = draw(radius=900.0)
    for at in range(0, 400, 45):
        image[:, at : at + 5] = image[:, at : at + 5] // 3
    assert estimate_fov(image).all()


def test_a_frame_that_is_not_round(draw):
    image, _ = draw(radius=900.0)
    fov = np.zeros(image.shape[:2], bool)
    fov[80:330, 40:380] = True
    assert overlap(estimate_fov(np.where(fov[..., None], image, 1).astype(np.uint8)), fov) > 0.99


@pytest.mark.parametrize("level", [0, 4])
def test_an_all_black_image_shows_no_retina(level):
    noise = RNG(0).integers(0, level + 1, (100, 120, 3)).astype(np.uint8)
    with pytest.raises(ImageError, match="no retina visible: the image is all black"):
        estimate_fov(noise)


@pytest.mark.parametrize("shape", [(16, 16), (16, 2000), (2000, 16), (33, 47)])
@pytest.mark.parametrize("value", [128, 255])
def test_an_even_image_is_all_retina(shape, value):
    assert estimate_fov(np.full((*shape, 3), value, np.uint8)).all()


def test_the_same_photograph_gives_the_same_field(draw):
    image, _ = noisy(*draw())
    np.testing.assert_array_equal(estimate_fov(image), estimate_fov(image.copy()))


def test_box():
    fov = np.zeros((50, 60), bool)
    fov[10:40, 5:50] = True
    assert fov_box(fov) == (10, 5, 30, 45)
    assert fov_box(np.ones((3, 4), bool)) == (0, 0, 3, 4)
    with pytest.raises(ImageError, match="empty"):
        fov_box(np.zeros((5, 5), bool))


@pytest.mark.parametrize("alter", [cut, notched, tabbed, off_centre, one_corner, cropped_to_its_box])
def test_diameter_is_that_of_the_whole_circle(draw, alter):
    _, fov = alter(*draw())
    assert fov_diameter(fov) == pytest.approx(360, rel=0.005)


def test_diameter_without_a_circle():
    assert fov_diameter(np.ones((300, 200), bool)) == 300
    square = np.zeros((300, 200), bool)
    square[50:150, 20:170] = True
    assert fov_diameter(square) == 150


@pytest.mark.real_data
@pytest.mark.skipif("RETSEG_DATA" not in os.environ, reason="needs the real photographs (RETSEG_DATA)")
def test_owners_masks():
    root = Path(os.environ["RETSEG_DATA"])
    masks = {plain_stem(path).removesuffix("_mask"): path for path in sorted(root.glob("*/mask/*_mask.tif"))}
    photographs = [path for path in list_images(root) if path.parent.name == "images" and plain_stem(path) in masks]
    if not photographs:
        pytest.skip("no set with masks there")
    overlaps = [
        overlap(estimate_fov(read_image(path)), read_label(masks[plain_stem(path)]) > 127) for path in photographs[::5]
    ]
    assert min(overlaps) > 0.97
    assert np.mean(overlaps) > 0.99
