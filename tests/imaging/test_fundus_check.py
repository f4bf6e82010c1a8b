from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw
from scipy import ndimage

from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.fov import estimate_fov
from retseg.imaging.fundus_check import DOUBTFUL, FUNDUS, NO_FUNDUS, Look, check_fundus, judge


def checked(image):
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    image = np.ascontiguousarray(image[..., :3])
    return check_fundus(image, estimate_fov(image))


def as_bytes(values):
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def grey(image):
    return np.repeat(image[..., 1:2], 3, axis=2)


def middle(image):
    y, x = (side // 4 for side in image.shape[:2])
    return np.ascontiguousarray(image[y:-y, x:-x])


def blurred(image):
    return ndimage.gaussian_filter(image, (4, 4, 0))


def on_paper(image):
    return np.where(image.max(axis=2, keepdims=True) > 25, image, np.uint8(255))


# --- real photographs are never taken for something else -------------------------------------------------------------


@pytest.fixture(scope="module")
def photograph():
    return generate(3, next(iter(CAMERAS.values()))).image


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda image: image,
        lambda image: as_bytes(image * 0.3),
        lambda image: as_bytes(image * 2.5),
        grey,
        blurred,
        lambda image: as_bytes(image * np.array([0.3, 1.4, 0.5])),
        lambda image: np.asarray(Image.fromarray(image).rotate(30, expand=True)),
        lambda image: image[:, ::-1],
        middle,
    ],
    ids=["as it is", "dark", "overexposed", "grey", "blurred", "green", "rotated", "mirrored", "no border"],
)
def test_a_spoilt_photograph_is_still_one(photograph, spoilt):
    assert checked(spoilt(photograph)).level == FUNDUS


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda image: grey(blurred(middle(image))),
        lambda image: as_bytes(image * 0.3 + np.random.default_rng(0).normal(0, 25, image.shape)),
        on_paper,
        lambda image: on_paper(grey(image)),
        lambda image: as_bytes(image * np.linspace(0.03, 1.5, image.shape[1])[:, None]),
        lambda image: as_bytes(image * np.array([0.3, 0.8, 3.0])),
        lambda image: middle(as_bytes(image * np.array([0.3, 0.8, 3.0]))),
    ],
    ids=["grey blurred crop", "dark and noisy", "on paper", "grey on paper", "steep light", "blue", "blue crop"],
)
def test_the_hardest_photographs_keep_their_map(photograph, spoilt):
    assert checked(spoilt(photograph)).level != NO_FUNDUS


def test_a_real_photograph():
    assert checked(np.asarray(Image.fromarray(skimage.data.retina()).reduce(3))).level == FUNDUS


# --- what is none ----------------------------------------------------------------------------------------------------


def page():
    picture = Image.new("RGB", (600, 800), (250, 249, 245))
    pen = ImageDraw.Draw(picture)
    for line in range(40, 760, 20):
        pen.text(
            (40, line), "Eleven lines of writing, and then some more of it, in ink.", fill=(20, 20, 30), font_size=16
        )
    return np.asarray(picture)


def noise():
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)


def rainbow():
    phase = np.linspace(0, 15, 400)[None, :, None] + np.array([0, 2.1, 4.2])
    return as_bytes(127 + 127 * np.cos(np.repeat(phase, 300, axis=0)))


@pytest.mark.parametrize(
    "picture",
    [skimage.data.astronaut, skimage.data.chelsea, skimage.data.brick, page, noise],
    ids=["person", "cat", "wall", "page", "noise"],
)
def test_what_is_certainly_no_photograph_of_the_retina(picture):
    verdict = checked(picture())
    assert verdict.level == NO_FUNDUS
    assert verdict.reasons


def coin():
    y, x = np.mgrid[:300, :300] / 300 - 0.5
    inside = np.hypot(y, x) < 0.42
    relief = ndimage.gaussian_filter(
        np.random.default_rng(0).normal(0, 12, (300, 300)) + 40 * (np.hypot(y, x) < 0.25), 1
    )
    shade = (130 + 8 * (relief - np.roll(relief, 2, axis=1))) * inside
    return as_bytes(shade[..., None] * np.array([1.0, 0.9, 0.6]))


def test_round_things_on_black_are_doubtful():
    assert checked(coin()).level == DOUBTFUL


def test_colours_alone_are_doubtful():
    verdict = checked(rainbow())
    assert verdict.level == DOUBTFUL
    assert "colours of many hues, as no retina has" in verdict.reasons


def test_one_even_colour_is_doubtful():
    assert "one even colour" in checked(np.full((300, 300, 3), 120, np.uint8)).reasons


# --- the rules -------------------------------------------------------------------------------------------------------

RETINA = Look(
    round_field=True,
    field=0.7,
    span=100,
    colour=0.8,
    hues=0.0,
    edges=0.08,
    busy=0.01,
    contrasts=0.0,
    paper=0.0,
    shading=0.15,
    lines=0.02,
)


@pytest.mark.parametrize("odd", [{"edges": 0.3}, {"busy": 0.2}, {"contrasts": 0.3}, {"paper": 0.9}, {"hues": 0.3}])
def test_a_round_field_is_never_refused_for_one_oddity(odd):
    assert judge(replace(RETINA, **odd)).level == DOUBTFUL


@pytest.mark.parametrize("odd", [{"edges": 0.3}, {"busy": 0.05}, {"contrasts": 0.3}, {"paper": 0.9}, {"lines": 0.0}])
def test_without_a_border_one_oddity_is_only_doubtful(odd):
    assert judge(replace(RETINA, round_field=False, **odd)).level == DOUBTFUL


def test_no_border_alone_is_not_worth_a_word():
    assert judge(replace(RETINA, round_field=False)).level == FUNDUS
