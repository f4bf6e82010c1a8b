from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from retseg.datasets.synthetic.background import fibre_course, retina, sheen
from retseg.datasets.synthetic.disc import add_disc


@pytest.fixture(scope="module")
def plain(traits):
    return dataclasses.replace(traits, mottling=0.02, tessellation=0.0, macular_pigment=0.6, nerve_fibres=0.01)


def test_the_macula_is_dark_and_the_fovea_darkest(view, anatomy, plain):
    green = retina(np.random.default_rng(0), view, anatomy, plain)[..., 1]
    far = anatomy.fovea_distance(*view.grid())
    fovea, macula, outside = (
        green[(far > low) & (far < high)].mean() for low, high in ((0, 150), (500, 800), (3000, 3500))
    )
    assert fovea < macula < outside


def test_the_retina_has_its_patients_colour(view, anatomy, plain):
    scene = retina(np.random.default_rng(0), view, anatomy, plain)
    assert np.median(scene, axis=(0, 1)) == pytest.approx(plain.colour, rel=0.2)


def test_choroidal_vessels_show_in_tessellated_eyes_away_from_the_macula(view, anatomy, plain):
    def texture(amount, near, far):
        own = dataclasses.replace(plain, tessellation=amount)
        scene = np.log(retina(np.random.default_rng(1), view, anatomy, own)[..., 1])
        # Not 0, so that the same numbers are drawn for all that follows.
        faint = dataclasses.replace(plain, tessellation=1e-6)
        bare = np.log(retina(np.random.default_rng(1), view, anatomy, faint)[..., 1])
        distance = anatomy.fovea_distance(*view.grid())
        return (scene - bare)[(distance > near) & (distance < far)].std()

    assert texture(0.2, 4000, 9000) > 4 * texture(0.2, 0, 900)
    assert texture(0.2, 4000, 9000) > 0.03


def test_the_disc_is_the_brightest_place_and_its_cup_brighter_still(view, anatomy, plain):
    for seed in range(5):
        scene = retina(np.random.default_rng(seed), view, anatomy, plain)
        bare = scene.copy()
        add_disc(np.random.default_rng(seed), scene, view, anatomy)
        x, y = view.grid()
        out = anatomy.disc_distance(x, y)
        green = scene[..., 1]
        assert green[out < 0.8].mean() > 1.15 * np.median(green[out > 1.5])
        assert green[anatomy.cup_distance(x, y) < 0.5].mean() > green[(out > 0.75) & (out < 0.85)].mean()
        assert np.allclose(scene[out > 2.6], bare[out > 2.6], atol=1e-3)


def test_a_disc_outside_the_picture_changes_nothing(view, anatomy, plain):
    away = dataclasses.replace(view, gaze=(40000.0, 0.0))
    scene = np.full((*view.camera.shape, 3), 0.5, np.float32)
    add_disc(np.random.default_rng(0), scene, away, anatomy)
    assert (scene == 0.5).all()


def test_nerve_fibres_leave_the_disc_in_all_directions_and_bend_round_the_fovea(anatomy):
    angles = np.linspace(0.3, 2 * np.pi - 0.3, 50)
    round_disc = fibre_course(anatomy, *(900 * np.array([np.cos(angles), np.sin(angles)], np.float32)))
    assert (np.abs(np.diff(np.unwrap(round_disc))) > 0.05).all()
    above, below = (
        fibre_course(anatomy, np.array([6500], np.float32), np.array([480 + y], np.float32)) for y in (-80, 80)
    )
    # Bundles from above and from below meet, and do not mix, on the raphe beyond the fovea.
    assert abs(above - below) > 1


def test_sheen_is_only_added_light(view, anatomy, traits):
    light = sheen(np.random.default_rng(0), view, anatomy, dataclasses.replace(traits, sheen=0.4))
    assert light.shape == view.camera.shape
    assert light.min() > -0.02
    assert 0.02 < light.max() < 2
