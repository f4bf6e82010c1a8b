from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from retseg.datasets.synthetic.lesions import draw_lesions


def lesions_of(view, anatomy, traits, *, retinopathy=0.0, drusen=0.0, seed=0):
    own = dataclasses.replace(traits, retinopathy=retinopathy, drusen=drusen)
    return draw_lesions(np.random.default_rng(seed), view, anatomy, own)


def test_healthy_eyes_have_none(view, anatomy, traits):
    lesions = lesions_of(view, anatomy, traits)
    assert not lesions.blood.any()
    assert not lesions.lipid.any()
    assert not lesions.pale.any()


def test_worse_disease_has_more_of_all(view, anatomy, traits):
    mild, severe = (
        [
            np.count_nonzero(getattr(lesions, kind))
            for kind in ("blood", "lipid", "pale")
            for lesions in (lesions_of(view, anatomy, traits, retinopathy=amount, seed=seed) for seed in range(6))
        ]
        for amount in (0.15, 1.0)
    )
    for kind in range(3):
        assert sum(severe[6 * kind : 6 * kind + 6]) > 1.5 * sum(mild[6 * kind : 6 * kind + 6])


def test_drusen_gather_round_the_fovea(view, anatomy, traits):
    pale = sum(lesions_of(view, anatomy, traits, drusen=1.0, seed=seed).pale for seed in range(4))
    far = anatomy.fovea_distance(*view.grid())
    assert pale[far < 1500].mean() > 5 * pale[far > 4000].mean()


@pytest.mark.parametrize("kind", ["lipid", "pale"])
def test_opacities_stay_between_0_and_1(view, anatomy, traits, kind):
    values = getattr(lesions_of(view, anatomy, traits, retinopathy=1.0, drusen=1.0), kind)
    assert values.min() >= 0
    assert values.max() <= 1
