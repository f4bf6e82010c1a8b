from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from retseg.datasets.synthetic.anatomy import draw_anatomy, draw_traits, with_condition


def draws(make, count=300):
    return [make(np.random.default_rng(seed)) for seed in range(count)]


def test_eyes_have_the_sizes_of_eyes():
    eyes = draws(lambda rng: draw_anatomy(rng, "left"))
    # A disc is about 1.7 mm across; the fovea lies about 4.5 mm to its temple and a little below.
    assert np.mean([2 * eye.mean_disc_radius for eye in eyes]) == pytest.approx(1750, abs=100)
    assert np.mean([eye.fovea for eye in eyes], 0) == pytest.approx([4550, 480], abs=60)
    assert all(eye.cup_ratio < 0.85 for eye in eyes)


def test_patients_differ_widely():
    patients = draws(draw_traits)
    for name in ("mottling", "absorbance", "macular_pigment", "tortuosity"):
        values = np.array([getattr(patient, name) for patient in patients])
        assert np.percentile(values, 95) > 1.6 * np.percentile(values, 5), name
    colours = np.array([patient.colour for patient in patients])
    assert (np.diff(colours, axis=1) < 0).all(), "a retina is red before green before blue"
    assert all(vein > artery for artery, vein in (patient.calibre for patient in patients))


def test_some_patients_are_ill_and_most_are_healthy():
    ill = np.mean([patient.retinopathy > 0 for patient in draws(draw_traits)])
    assert 0.2 < ill < 0.45


def test_a_condition_overrides_chance(traits):
    assert with_condition(traits, "diabetic").retinopathy >= 0.5
    assert with_condition(dataclasses.replace(traits, retinopathy=0.9), "healthy").retinopathy == 0
    assert with_condition(traits, None) is traits
    normal, glaucoma = (
        draw_anatomy(np.random.default_rng(1), "left", condition) for condition in ("healthy", "glaucoma")
    )
    assert glaucoma.cup_ratio > normal.cup_ratio


def test_distances_are_1_on_the_margin(anatomy):
    tilted = dataclasses.replace(anatomy, disc_tilt=0.5)
    along = np.array([np.cos(0.5), np.sin(0.5)], np.float32) * np.float32(tilted.disc_radius[0])
    assert tilted.disc_distance(along[:1], along[1:]) == pytest.approx(1.0, abs=1e-5)
    assert anatomy.fovea_distance(*(np.array([value], np.float32) for value in anatomy.fovea)) == 0
