from __future__ import annotations

import numpy as np
import pytest

from retseg.datasets.synthetic.drawing import animals, objects, people, vehicles
from retseg.datasets.synthetic.drawing.brush import Brush
from retseg.datasets.synthetic.drawing.canvas import Canvas
from retseg.datasets.synthetic.drawing.outlines import Place

FIGURES = {
    **{name: getattr(animals, name) for name in ("cow", "horse", "sheep", "dog", "cat", "bird")},
    **{name: getattr(vehicles, name) for name in ("car", "bicycle", "boat", "aeroplane")},
    **{name: getattr(objects, name) for name in ("sign", "flower", "book", "chair")},
    "person": lambda rng, brush: people.figure(brush, people.draw_person(rng)),
}


def drawn(name, seed, size=0.6, mirrored=False):
    canvas = Canvas(160, 160, np.random.default_rng(0))
    FIGURES[name](np.random.default_rng(seed), Brush(canvas, Place((0.5, 0.8), size, mirrored=mirrored), 1))
    return canvas


@pytest.mark.parametrize("name", FIGURES)
def test_figures_stand_on_their_feet_and_are_as_large_as_asked(name):
    for seed in range(4):
        rows, columns = np.nonzero(drawn(name, seed).labels)
        extent = max(np.ptp(rows), np.ptp(columns)) / 160
        assert 0.35 < extent < 0.95, seed
        assert rows.max() / 160 < 0.85, "nothing below the feet"
        assert 0.02 < len(rows) / 160**2 < 0.5


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_seen_where_they_are_labelled(name):
    canvas = drawn(name, 1)
    changed = np.abs(canvas.image - 0.5).max(axis=2) > 0.02
    labelled = canvas.labels == 1
    # A bicycle and a chair are labelled by their outer rim, with what shows through.
    assert changed[labelled].mean() > (0.25 if name in ("bicycle", "chair") else 0.85)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_differ_by_chance_and_turn_round(name):
    assert not np.allclose(drawn(name, 1).image, drawn(name, 2).image, atol=0.1)
    right, left = (drawn(name, 3, mirrored=mirrored).labels for mirrored in (False, True))
    assert np.mean(right[:, ::-1] == left) > 0.97


def test_a_face_may_have_a_label_of_its_own():
    canvas = Canvas(160, 160, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    people.figure(Brush(canvas, Place((0.5, 0.95), 0.9), 1), people.draw_person(rng), face=2)
    body, face = (np.nonzero(canvas.labels == label)[0] for label in (1, 2))
    assert face.mean() < body.mean()
    assert 0.02 < len(face) / len(body) < 0.4


def test_a_portrait_is_mostly_face_above_its_body():
    canvas = Canvas(160, 160, np.random.default_rng(0))
    people.portrait(np.random.default_rng(2), Brush(canvas, Place((0.5, 0.65), 0.6), 1), face=1, body=2)
    face, body = (np.nonzero(canvas.labels == label)[0] for label in (1, 2))
    assert face.mean() < body.mean()
    assert len(face) > 0.08 * 160**2


def test_a_shelf_is_filled_from_end_to_end():
    canvas = Canvas(240, 120, np.random.default_rng(0))
    objects.shelf(np.random.default_rng(2), Brush(canvas, Place((1.0, 0.9), 0.8), 1), width=2.5)
    assert (canvas.labels[90] == 1).all()
