from __future__ import annotations

import math

import numpy as np
import pytest

from retseg.imaging.fov import fov_diameter
from retseg.imaging.vessels import skeleton
from retseg.metrics import shapes as shapes_module
from retseg.metrics.registry import METRICS
from retseg.metrics.shapes import Shapes
from retseg.metrics.width import band_counts

OF_SHAPE = [metric for name in METRICS.names() if (metric := METRICS.get(name)).needs == "shapes"]


def eye(shape: tuple[int, int] = (160, 200), radius: float = 70) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A field of view with a tree of vessels in it, and a prediction that is not quite the tree."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    y, x = y - shape[0] / 2, x - shape[1] / 2
    fov = np.hypot(y, x) < radius
    truth = fov & ((np.abs(y - 0.3 * x) < 4) | (np.abs(y + 0.8 * x) < 1.5) | (np.abs(np.hypot(y, x) - 40) < 1))
    return np.roll(truth, 1, axis=0) & fov, truth, fov


def test_is_cut_to_the_box_of_the_field_of_view() -> None:
    predicted, truth, fov = eye()
    shapes = Shapes(predicted, truth, fov)
    rows, columns = np.flatnonzero(fov.any(1)), np.flatnonzero(fov.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    for ours, whole in ((shapes.predicted, predicted), (shapes.truth, truth), (shapes.counted, fov)):
        assert np.array_equal(ours, whole[box])
    scores = np.arange(fov.size).reshape(fov.shape)
    assert np.array_equal(shapes.cut(scores), scores[box])
    assert shapes.diameter == fov_diameter(fov)


def test_a_wider_frame_changes_no_figure() -> None:
    predicted, truth, fov = eye()
    small = Shapes(predicted, truth, fov)
    large = Shapes(*(np.pad(mask, ((31, 7), (5, 44))) for mask in (predicted, truth, fov)))
    assert len(OF_SHAPE) == 5
    for metric in OF_SHAPE:
        assert metric.function(small) == metric.function(large)
    assert band_counts(small) == band_counts(large)


def test_what_is_drawn_outside_changes_no_figure() -> None:
    predicted, truth, fov = eye()
    scribbled = predicted | ~fov
    for metric in OF_SHAPE:
        assert metric.function(Shapes(predicted, truth, fov)) == metric.function(Shapes(scribbled, truth | ~fov, fov))


def test_pixels_that_do_not_count_are_in_no_mask_and_make_no_wall() -> None:
    predicted, truth, fov = eye()
    counted = np.ones_like(fov)
    counted[:, 90:110] = False
    shapes = Shapes(predicted, truth, fov, counted)
    assert np.array_equal(shapes.counted, shapes.cut(fov & counted))
    assert not (shapes.truth & ~shapes.counted).any()
    assert not (shapes.predicted & ~shapes.counted).any()
    assert shapes.diameter == fov_diameter(fov), "the field of view is as large as it was"
    band = np.zeros_like(fov)
    band[70:76] = True
    cut = Shapes(band, band, np.ones_like(fov), counted)
    there, _ = cut.boundary_distances
    assert len(there) == 2 * (fov.shape[1] - 20), "two walls, and no end at the pixels that do not count"


def test_the_shared_parts_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(shapes_module, "skeleton", lambda mask: calls.append(mask) or skeleton(mask))
    shapes = Shapes(*eye())
    for metric in OF_SHAPE:
        metric.function(shapes)
    band_counts(shapes)
    band_counts(shapes)
    assert len(calls) == 2


def test_an_empty_field_of_view_leaves_everything_undefined() -> None:
    nothing = np.zeros((5, 6), bool)
    for shapes in (Shapes(~nothing, ~nothing, nothing), Shapes(~nothing, ~nothing, ~nothing, nothing)):
        assert shapes.empty
        assert all(math.isnan(metric.function(shapes)) for metric in OF_SHAPE)
        assert all(counts.total == 0 for counts in band_counts(shapes).values())


def test_arrays_of_different_sizes_are_refused() -> None:
    predicted, truth, fov = eye()
    with pytest.raises(ValueError, match="prediction"):
        Shapes(predicted[1:], truth, fov)
    with pytest.raises(ValueError, match="truth"):
        Shapes(predicted, truth[:, 1:], fov)
    with pytest.raises(ValueError, match="counted"):
        Shapes(predicted, truth, fov, fov.T)
