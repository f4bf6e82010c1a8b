from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from retseg.datasets.synthetic.anatomy import draw_anatomy
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.texture import Noise
from retseg.datasets.synthetic.view import View, draw_view


@pytest.fixture(params=[False, True], ids=["left", "right"])
def turned(request, camera):
    return View(camera, 36.0, (2300.0, 200.0), 0.1, mirrored=request.param)


def test_pixels_and_retina_are_each_others_inverse(turned):
    x, y = turned.grid()
    places = np.column_stack([x.ravel(), y.ravel()]).astype(float)[::501]
    rows, columns = np.indices(x.shape)
    pixels = np.column_stack([columns.ravel(), rows.ravel()])[::501]
    assert np.allclose(turned.to_pixels(places), pixels, atol=0.01)


def test_the_gaze_falls_on_the_fields_centre(turned):
    assert np.allclose(turned.to_pixels(np.array([turned.gaze])), turned.camera.centre)


def test_right_eyes_are_mirrored(view):
    right = dataclasses.replace(view, mirrored=True)
    disc = np.zeros((1, 2))
    assert view.to_pixels(disc)[0, 0] < view.camera.centre[0] < right.to_pixels(disc)[0, 0]


@pytest.mark.parametrize("block", [1, 3, 7])
def test_blocks_keep_their_place(turned, block):
    """A linear surface worked out on blocks is the same surface on pixels, but at the frame's edge."""
    x, y = turned.grid()
    coarse_x, coarse_y = turned.reduced(block).grid()
    surface = turned.enlarged((coarse_x + 2 * coarse_y).astype(np.float32), block)
    inside = (slice(2 * block, -3 * block), slice(2 * block, -3 * block))
    assert np.allclose(surface[inside], (x + 2 * y)[inside], atol=2.0)


def test_a_window_is_a_piece_of_the_whole(turned):
    rows, columns = slice(20, 90), slice(100, 150)
    for whole, piece in zip(turned.grid(), turned.window(rows, columns).grid(), strict=True):
        assert np.allclose(piece, whole[rows, columns], atol=0.01)


def test_surfaces_are_worked_out_coarsely_but_faithfully(view):
    noise = Noise(np.random.default_rng(0), 2500.0)
    assert view.coarse(noise.wavelength / 2) > 5
    exact = noise.at(*view.grid())
    assert np.abs(view.surface(noise) - exact)[20:-20, 20:-20].max() < 0.15


def test_operators_keep_the_disc_in_the_picture():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for name in ("drive", "screening"):
            camera = CAMERAS[name]
            anatomy = draw_anatomy(rng, "right")
            seen = draw_view(rng, camera, anatomy, camera.field[0], 1.0)
            x, y = seen.to_pixels(np.zeros((1, 2)))[0]
            assert np.hypot(x - camera.centre[0], y - camera.centre[1]) < camera.diameter / 2
