from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate

SEEDS = range(6)


def digest(eye):
    arrays = (eye.image, eye.vessel, eye.second, eye.fov, eye.artery_vein)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_eye(eye, camera):
    assert digest(generate(0, camera)) == digest(eye(0))
    assert digest(eye(0)) != digest(eye(1))


def test_nothing_depends_on_what_was_drawn_before(eye, camera):
    first = digest(eye(2))
    np.random.seed(123)
    generate(40, CAMERAS["demo"].scaled(0.3))
    assert digest(generate(2, camera)) == first


@pytest.mark.parametrize("seed", SEEDS)
def test_arrays_have_the_agreed_shapes_and_fit_together(eye, camera, seed):
    made = eye(seed)
    assert made.image.shape == (*camera.shape, 3)
    assert made.image.dtype == np.uint8
    for mask in (made.vessel, made.second, made.fov):
        assert mask.dtype == bool
        assert mask.shape == camera.shape
    assert np.array_equal(made.fov, camera.field_of_view())
    assert not (made.vessel & ~made.fov).any()
    assert not (made.second & ~made.fov).any()
    assert np.array_equal(made.artery_vein > 0, made.vessel)
    assert set(np.unique(made.artery_vein)) == {0, 1, 2, 3}


@pytest.mark.parametrize("seed", SEEDS)
def test_vessels_cover_about_a_tenth_of_the_field(eye, seed):
    made = eye(seed)
    assert 0.06 < made.vessel[made.fov].mean() < 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_vessels_are_darker_than_what_lies_beside_them(eye, seed):
    made = eye(seed)
    rows, columns = np.indices(made.vessel.shape)
    off_disc = np.hypot(columns - made.disc_centre[0], rows - made.disc_centre[1]) > 1.5 * made.disc_radius
    area = binary_erosion(made.fov, iterations=4) & off_disc
    wide = binary_erosion(made.vessel, iterations=1) & area
    beside = binary_dilation(made.vessel, iterations=3) & ~binary_dilation(made.vessel, iterations=1) & area
    green = made.image[..., 1].astype(float)
    assert green[wide].mean() < 0.93 * green[beside].mean()


def test_the_second_observer_is_plausible(eye):
    dice = [2 * (e.vessel & e.second).sum() / (e.vessel.sum() + e.second.sum()) for e in map(eye, SEEDS)]
    assert 0.65 < np.mean(dice) < 0.9


def test_the_disc_is_bright_and_where_it_is_said_to_be(eye):
    contrasts = []
    for seed in SEEDS:
        made = eye(seed)
        rows, columns = np.indices(made.vessel.shape)
        far = np.hypot(columns - made.disc_centre[0], rows - made.disc_centre[1]) / made.disc_radius
        green = made.image[..., 1].astype(float)
        clear = made.fov & ~made.vessel
        contrasts.append(green[clear & (far < 0.7)].mean() / green[clear & (far > 1.6) & (far < 2.6)].mean())
    assert min(contrasts) > 1.05
    assert np.mean(contrasts) > 1.4


def test_eyes_of_a_patient_are_alike_but_not_the_same(camera):
    left, right = (generate(11, camera, eye=side) for side in ("left", "right"))
    assert (left.eye, right.eye) == ("left", "right")
    # Seen from in front the fovea lies to the temple: right of a left eye's disc, left of a right eye's.
    assert left.fovea[0] > left.disc_centre[0]
    assert right.fovea[0] < right.disc_centre[0]
    assert left.um_per_pixel == right.um_per_pixel
    colours = [np.median(made.image[made.fov], axis=0) for made in (left, right)]
    assert np.abs(colours[0] - colours[1]).max() < 40
    flipped = right.vessel[:, ::-1]
    assert 2 * (left.vessel & flipped).sum() / (left.vessel.sum() + flipped.sum()) < 0.4


def test_eyes_of_different_patients_differ_in_colour_and_sharpness(eye):
    colours = np.array([np.median(eye(seed).image[eye(seed).fov], axis=0) for seed in range(12)])
    assert np.ptp(colours[:, 0]) > 40
    assert np.ptp(colours[:, 1]) > 20


def test_a_scaled_camera_sees_the_same_eye(eye, camera):
    made, small = eye(3), generate(3, camera.scaled(0.5))
    assert small.vessel.shape == (160, 160)
    assert small.um_per_pixel == pytest.approx(2 * made.um_per_pixel)
    assert np.array(small.disc_centre) * 2 + 0.5 == pytest.approx(made.disc_centre)
    # What the small picture shows as vessel is vessel in the large one.
    enlarged = binary_dilation(made.vessel, iterations=1).reshape(160, 2, 160, 2).any((1, 3))
    assert enlarged[small.vessel].mean() > 0.95


def test_conditions_show(camera):
    healthy, diabetic, glaucoma = (
        generate(5, camera, condition=condition) for condition in ("healthy", "diabetic", "glaucoma")
    )
    assert np.array_equal(healthy.vessel, diabetic.vessel)
    assert not np.array_equal(healthy.image, diabetic.image)
    assert not np.array_equal(healthy.image, glaucoma.image)


@pytest.mark.parametrize("name", sorted(CAMERAS))
def test_every_camera_works_at_any_size(name):
    made = generate(1, CAMERAS[name].scaled(100 / CAMERAS[name].width))
    assert made.image[made.fov].mean() > 10
    assert made.vessel.any()


@pytest.mark.slow
def test_hrfs_size_works():
    made = generate(1, CAMERAS["hrf"])
    assert made.image.shape == (2336, 3504, 3)
    assert 0.05 < made.vessel[made.fov].mean() < 0.15
