from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ImageError
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.optic_disc import DiscEvidence, examine_disc, find_disc

CAMERA = CAMERAS["screening"].scaled(0.7)


@pytest.fixture(scope="module", params=[1, 4, 9, 10, 17, 21])
def eye(request):
    return generate(request.param, CAMERA)


@pytest.fixture(scope="module")
def one_eye():
    return generate(4, CAMERA)


def assert_found(disc, centre, radius, within=0.25):
    """`centre` is (x, y)."""
    assert disc is not None
    assert np.hypot(disc.column - centre[0], disc.row - centre[1]) < within * radius
    assert disc.radius == pytest.approx(radius, rel=0.2)


def test_a_drawn_disc_is_found_with_its_size(eye):
    assert_found(find_disc(eye.image, eye.fov), eye.disc_centre, eye.disc_radius)


def test_so_it_is_with_the_vessels_known(eye):
    assert_found(find_disc(eye.image, eye.fov, eye.vessel), eye.disc_centre, eye.disc_radius)


@pytest.mark.parametrize("camera", [CAMERAS["chase"].scaled(0.5), CAMERAS["hrf"].scaled(0.15)], ids=["30", "60"])
def test_narrow_and_wide_fields(camera):
    eye = generate(3, camera)
    assert_found(find_disc(eye.image, eye.fov), eye.disc_centre, eye.disc_radius)


@pytest.mark.parametrize("factor", [0.6, 1.7])
def test_the_size_in_pixels_makes_no_difference(one_eye, factor):
    height, width = (round(side * factor) for side in one_eye.fov.shape)
    image = np.asarray(Image.fromarray(one_eye.image).resize((width, height), Image.Resampling.BICUBIC))
    fov = np.asarray(Image.fromarray(one_eye.fov).resize((width, height)))
    disc, same = find_disc(image, fov), find_disc(one_eye.image, one_eye.fov)
    assert disc.radius / factor == pytest.approx(same.radius, rel=0.05)
    assert disc.row / factor == pytest.approx(same.row, abs=0.1 * same.radius)
    assert disc.confidence == pytest.approx(same.confidence, abs=0.15)


def test_a_photograph_turned_over(one_eye):
    same = find_disc(one_eye.image, one_eye.fov)
    disc = find_disc(np.ascontiguousarray(one_eye.image[::-1, ::-1]), np.ascontiguousarray(one_eye.fov[::-1, ::-1]))
    height, width = one_eye.fov.shape
    assert (height - 1 - disc.row, width - 1 - disc.column) == pytest.approx((same.row, same.column), abs=2)


@pytest.mark.parametrize("factor", [0.35, 1.1])
def test_exposure_makes_no_difference(one_eye, factor):
    image = np.clip(one_eye.image * factor, 0, 255).astype(np.uint8)
    assert_found(find_disc(image, one_eye.fov), one_eye.disc_centre, one_eye.disc_radius)


def test_the_same_photograph_gives_the_same_disc(one_eye):
    assert find_disc(one_eye.image, one_eye.fov) == find_disc(one_eye.image, one_eye.fov)


# --- no disc ---------------------------------------------------------------------------------------------------------


def covered(eye, colour):
    rows, columns = np.mgrid[: eye.fov.shape[0], : eye.fov.shape[1]]
    near = np.hypot(rows - eye.disc_centre[1], columns - eye.disc_centre[0]) < 1.5 * eye.disc_radius
    return np.where(near[..., None], np.asarray(colour, np.uint8), eye.image)


def test_a_blackened_disc_is_not_found(eye):
    assert find_disc(covered(eye, (0, 0, 0)), eye.fov) is None


def test_a_photograph_without_its_disc(eye):
    """The larger of the parts to the left and to the right of the disc."""
    x, reach = eye.disc_centre[0], 1.5 * eye.disc_radius
    left, right = int(x - reach), int(x + reach)
    part = slice(0, left) if left > eye.fov.shape[1] - right else slice(right, None)
    assert find_disc(np.ascontiguousarray(eye.image[:, part]), np.ascontiguousarray(eye.fov[:, part])) is None


def test_a_retina_without_disc_and_vessels(draw):
    assert find_disc(*draw()) is None


def test_an_even_picture_has_none():
    assert find_disc(np.full((300, 300, 3), 120, np.uint8), np.ones((300, 300), bool)) is None


def test_a_bright_round_patch_without_vessels_is_no_disc():
    rows, columns = np.mgrid[:400, :400]
    fov = np.hypot(rows - 199.5, columns - 199.5) < 190
    image = np.where(fov[..., None], np.array([180, 90, 40], np.uint8), np.uint8(0))
    image[np.hypot(rows - 200, columns - 260) < 26] = (250, 220, 150)
    assert find_disc(image, fov) is None


def test_a_field_too_small_for_a_disc():
    fov = np.zeros((300, 300), bool)
    fov[100:103, 50:250] = True
    assert examine_disc(np.full((300, 300, 3), 90, np.uint8), fov) is None


@pytest.mark.parametrize("worse", [{"margin": 0.1}, {"contrast": -1.0}, {"spread": 0.0}, {"shown": 0.6}])
def test_each_piece_of_evidence_counts(worse):
    evidence = {"margin": 0.6, "contrast": 1.5, "spread": 0.6, "shown": 1.0}
    sure = DiscEvidence(**evidence).confidence
    assert sure > 0.9
    assert DiscEvidence(**(evidence | worse)).confidence < sure - 0.03


def test_bad_input(one_eye):
    with pytest.raises(ImageError, match="does not fit"):
        find_disc(one_eye.image, one_eye.fov[1:])
    with pytest.raises(ImageError, match="vessel mask"):
        find_disc(one_eye.image, one_eye.fov, one_eye.vessel[1:])
