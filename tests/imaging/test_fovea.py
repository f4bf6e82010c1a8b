from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.anatomy import Disc
from retseg.imaging.fovea import FoveaEvidence, examine_fovea, find_fovea

SHAPE = (360, 360)


def retina(fovea=None, depth=0.3, seed=0):
    """A faintly mottled retina with a dark fovea at (row, column), its field, and a disc at (180, 90) of radius 24."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mottles = ndimage.gaussian_filter(np.random.default_rng(seed).normal(0, 1, SHAPE), 5)
    light = 1 + 0.02 * mottles / mottles.std()
    if fovea is not None:
        light -= depth * np.exp(-0.5 * (np.hypot(rows - fovea[0], columns - fovea[1]) / 14) ** 2)
    image = np.clip(light[..., None] * np.array([190, 90, 40]), 0, 255)
    fov = np.hypot(rows - 179.5, columns - 179.5) < 175
    return (image * fov[..., None]).astype(np.uint8), fov, Disc(180.0, 90.0, 24.0, 1.0)


@pytest.mark.parametrize("place", [(188.0, 205.0), (196.0, 195.0), (184.0, 215.0)])
def test_a_dark_spot_where_foveas_are(place):
    image, fov, disc = retina(place)
    fovea = find_fovea(image, fov, disc)
    assert fovea is not None
    assert (fovea.row, fovea.column) == pytest.approx(place, abs=6)
    assert fovea.confidence > 0.8


def test_either_side_of_the_disc():
    image, fov, disc = retina((188.0, 205.0))
    image, fov = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(fov[:, ::-1])
    fovea = find_fovea(image, fov, Disc(disc.row, 359 - disc.column, disc.radius, 1.0))
    assert (fovea.row, fovea.column) == pytest.approx((188, 359 - 205), abs=6)


def test_a_dark_spot_anywhere_else_is_none():
    image, fov, disc = retina((80.0, 200.0))
    assert find_fovea(image, fov, disc) is None


def test_no_dark_spot_is_no_fovea():
    assert find_fovea(*retina()) is None


def test_a_retina_that_only_grows_darker_to_the_rim_has_none():
    image, fov, disc = retina()
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    shade = np.clip(1.25 - np.hypot(rows - 180, columns - 90) / 150, 0.1, 1)
    assert find_fovea((image * shade[..., None]).astype(np.uint8), fov, disc) is None


def test_a_fovea_beyond_the_frame():
    image, fov, disc = retina((188.0, 205.0))
    assert find_fovea(np.ascontiguousarray(image[:, :180]), np.ascontiguousarray(fov[:, :180]), disc) is None


def test_without_a_disc_there_is_none():
    image, fov, _ = retina((188.0, 205.0))
    assert find_fovea(image, fov, None) is None


def test_a_field_that_is_all_disc():
    image, fov, _ = retina()
    assert examine_fovea(image, fov, Disc(180.0, 180.0, 300.0, 1.0)) is None


def test_drawn_eyes():
    """None is found far from where it is, and most are found."""
    found = 0
    for seed in (1, 2, 3, 5, 6, 8):
        eye = generate(seed, CAMERAS["drive"].scaled(0.6))
        fovea = find_fovea(eye.image, eye.fov, Disc(*eye.disc_centre[::-1], eye.disc_radius, 1.0))
        if fovea is not None:
            found += 1
            off = np.hypot(fovea.column - eye.fovea[0], fovea.row - eye.fovea[1])
            assert off < eye.disc_radius
    assert found >= 3


def test_darkness_makes_it_surer_and_an_odd_place_less():
    assert FoveaEvidence(3.0, 0.0).confidence > FoveaEvidence(1.0, 0.0).confidence > FoveaEvidence(1.0, -4.0).confidence


def test_bad_input():
    image, fov, disc = retina()
    with pytest.raises(ImageError, match="does not fit"):
        find_fovea(image, fov[1:], disc)
