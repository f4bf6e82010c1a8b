from __future__ import annotations

import numpy as np
import pytest

from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.canvas import Canvas
from retseg.datasets.synthetic.drawing.outlines import Place, box, ellipse, limb, ring


def red(window):
    return np.broadcast_to(np.array((1, 0, 0), np.float32), (*window.shape, 3))


@pytest.fixture
def canvas():
    return Canvas(60, 40, np.random.default_rng(0), empty=9)


def test_coordinates_are_in_units_of_the_shorter_side(canvas):
    assert (canvas.width, canvas.height) == (1.5, 1.0)
    canvas.paint(box(0.25, 0.5, 0.75, 1.0), red, 3)
    assert (canvas.labels[20:, 10:30] == 3).all()
    assert (canvas.labels == 3).sum() == 20 * 20
    assert (canvas.image[25, 20] == (1, 0, 0)).all()
    assert (canvas.image[10, 20] == 0.5).all()


def test_areas_are_exact_and_edges_smooth(canvas):
    canvas.paint(ellipse((0.75, 0.5), 0.4, 0.3, points=200), red, 1)
    assert (canvas.labels == 1).sum() == pytest.approx(np.pi * 16 * 12, rel=0.03)
    # A pixel that is half covered is half painted.
    assert len(np.unique(canvas.image[..., 1])) > 5


def test_what_lies_outside_is_cut_off_and_changes_nothing(canvas):
    canvas.paint(box(-1, -1, 0.25, 0.25), red, 1)
    canvas.paint(box(3, 3, 4, 4), red, 2)
    canvas.paint(box(-4, 0, -3, 1), red, 2)
    assert (canvas.labels == 1).sum() == 100
    assert not (canvas.labels == 2).any()


def test_painting_without_a_label_and_marking_without_paint(canvas):
    canvas.paint(box(0, 0, 0.5, 0.5), red)
    assert (canvas.labels == 9).all()
    canvas.mark(box(0.75, 0.5, 1.0, 0.75), 4)
    assert (canvas.image[25, 35] == 0.5).all()
    assert (canvas.labels == 4).sum() == 100
    canvas.shade(box(0.75, 0.5, 1.0, 0.75), 0.5)
    assert np.allclose(canvas.image[25, 35], 0.25)
    assert (canvas.labels == 4).sum() == 100


def test_a_ring_is_hollow_and_a_limb_is_as_wide_as_asked(canvas):
    canvas.paint(ring((0.5, 0.5), 0.4, 0.3), red, 1)
    assert canvas.labels[20, 20] == 9
    assert (canvas.labels == 1).sum() == pytest.approx(np.pi * (16**2 - 12**2), rel=0.06)
    canvas.paint(limb((1.2, 0.2), (1.2, 0.8), 0.2, 0.2), red, 2)
    assert (canvas.labels[20] == 2).sum() == 8


def test_a_brush_places_turns_and_mirrors(canvas):
    brush = Brush(canvas, Place((1.0, 1.0), 0.5, mirrored=True), 5)
    brush.fill(box(0, -1, 1, 0), red)
    assert (canvas.labels[20:, 20:40] == 5).all()
    assert (canvas.labels == 5).sum() == 400
    quarter = Place((0.0, 0.0), 1.0, tilt=np.pi / 2)
    assert np.allclose(quarter(np.array([[1.0, 0.0]])), [[0.0, 1.0]])


def test_seams_lie_on_borders_only(canvas):
    assert not canvas.seams(0.05).any()
    canvas.paint(box(-0.1, -0.1, 0.75, 1.1), red, 1)
    seam = canvas.seams(0.04)
    assert seam[:, 29:31].all()
    assert not seam[:, :20].any()
    assert not seam[:, 40:].any()


def test_noise_has_mean_0_and_deviation_1_at_any_wavelength():
    grain = np.random.default_rng(3)
    for wave in (0.02, 0.1, 0.4):
        fields = []

        def keep(window, wave=wave, fields=fields):
            fields.append(window.noise(wave))
            return red(window)

        for _ in range(10):
            Canvas(160, 160, grain).paint(box(0, 0, 1, 1), keep)
        assert np.mean(fields) == pytest.approx(0, abs=0.25)
        assert np.std(fields) == pytest.approx(1, abs=0.35)


def test_a_developed_picture_is_a_photograph_of_bytes(canvas):
    picture = canvas.developed(np.random.default_rng(1))
    assert (picture.shape, picture.dtype) == ((40, 60, 3), np.uint8)
    assert picture.std() > 1, "there is noise even on a plain picture"
