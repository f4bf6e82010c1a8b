from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from retseg.imaging.rays import sharp_edges
from retseg.imaging.rim import Rim

SHAPE = (240, 260)
CIRCLE = Rim(121.0, 128.5, 100.0, 100.0)


@pytest.fixture
def disc():
    depth = CIRCLE.depth_map(SHAPE)
    return ndimage.gaussian_filter(np.where(depth > 0, 100, 0).astype(np.float32), 0.8)


def edges_of(above, centre=(121.0, 128.5)):
    return sharp_edges(above, centre, 4, 0.5)


@pytest.mark.parametrize("centre", [(121.0, 128.5), (80.0, 160.0)])
def test_the_rim_is_found_in_every_direction(disc, centre):
    edges = edges_of(disc, centre)
    assert len(edges.points) == 360
    assert np.abs(CIRCLE.depth(edges.points)).max() < 1.3
    assert edges.firm.all()


def test_brightness_does_not_matter(disc):
    np.testing.assert_allclose(edges_of(disc * 0.1).points, edges_of(disc).points, atol=0.3)


def test_glare_that_fades_is_passed_over(disc):
    depth = CIRCLE.depth_map(SHAPE)
    halo = np.where(depth < 0, 30 * np.exp(depth / 15), 0).astype(np.float32)
    points = edges_of(np.maximum(disc, halo)).points
    assert len(points) > 350
    assert np.abs(CIRCLE.depth(points)).max() < 1.5


def test_retina_that_fades_has_no_firm_edge(disc):
    light = np.clip((np.arange(SHAPE[1]) - 60) / 60, 0, 1)
    edges = edges_of((disc * light).astype(np.float32))
    # To the left the light ends at column 60, long before the rim does.
    middle = np.abs(edges.points[:, 0] - 121) < 50
    right, left = edges.points[:, 1] > 140, middle & (edges.points[:, 1] < 80)
    assert left.sum() > 20
    assert edges.firm[right].all()
    assert not edges.firm[left].any()


def test_an_edge_at_the_very_frame_is_still_seen(disc):
    """Only the corners of a picture cut close to the rim are dark."""
    cropped = disc[45:197, 52:205]
    points = edges_of(cropped, (76.0, 76.5)).points
    assert len(points) > 20
    assert np.abs(CIRCLE.depth(points + np.array([45, 52]))).max() < 1.5


def test_faint_rings_around_the_rim_are_passed_over(disc):
    """Strong compression leaves blocks around the rim that are faint but end sharply."""
    depth = CIRCLE.depth_map(SHAPE)
    ring = np.where(depth > -12, 4, 0).astype(np.float32)
    points = edges_of(np.maximum(disc, ring)).points
    assert len(points) == 360
    assert np.abs(CIRCLE.depth(points)).max() < 1.5


@pytest.mark.parametrize("above", [np.zeros((60, 60)), np.full((60, 60), 80.0)], ids=["dark", "bright"])
def test_an_even_picture_has_no_edges(above):
    edges = sharp_edges(above.astype(np.float32), (30.0, 30.0), 3, 0.5)
    assert edges.points.shape == (0, 2)
    assert edges.firm.shape == (0,)
