from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from retseg.imaging.region import Light, compose, edge_field, lit_region, sharply_bounded
from retseg.imaging.rim import Rim

SHAPE = (240, 260)
RIM = Rim(121.0, 128.5, 100.0, 100.0)
INSIDE = RIM.depth_map(SHAPE) > 0
NO_EDGES = np.zeros((0, 2))


def light_of(above, blur=0.8):
    return Light(ndimage.gaussian_filter(above.astype(np.float32), blur), 0.5, 100.0, 3)


def patch(top, left, height, width):
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def composed(above):
    light = light_of(above)
    lit = lit_region(light)
    assert lit is not None
    return compose(light, lit, RIM, NO_EDGES)


def test_lit_region_is_the_largest_without_holes():
    label, hole = patch(2, 2, 12, 60), patch(110, 110, 20, 20)
    lit = lit_region(light_of(np.where(INSIDE & ~hole | label, 100, 0)))
    assert lit is not None
    assert not lit[label].any()
    assert lit[hole].all()
    assert lit_region(light_of(np.zeros(SHAPE))) is None


def test_a_plain_disc_is_its_rim():
    region, glare = composed(np.where(INSIDE, 100, 0))
    np.testing.assert_array_equal(region, INSIDE)
    assert not glare.any()


def test_a_sharp_notch_is_left_out_and_shade_is_not():
    notch = INSIDE & patch(115, 0, 16, 55)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    shade = np.clip(np.hypot(y - 10, x - 128) / 90, 0, 1) ** 4
    above = np.where(INSIDE & ~notch, 100 * shade, 0)
    lit = lit_region(light_of(above))
    assert lit is not None
    assert (INSIDE & ~notch & ~lit).sum() > 400
    region, _ = composed(above)
    # What is left of the notch is the blur along its edges, which the exact edge is sought in later.
    assert (region & notch).sum() < 0.25 * notch.sum()
    assert region[INSIDE & ~patch(110, 0, 26, 60)].all()


@pytest.mark.parametrize(("level", "kept"), [(90, True), (25, False)])
def test_a_tab_is_as_bright_as_retina(level, kept):
    tab = patch(110, 220, 20, 18) & ~INSIDE
    region, glare = composed(np.where(INSIDE, 100, np.where(tab, level, 0)))
    assert region[tab].mean() > 0.8 if kept else not region[tab].any()
    assert glare.any() != kept


def test_large_flare_is_glare():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    glow = 80 * np.exp(-(((y - 60) ** 2 + (x - 235) ** 2) / 35**2))
    region, glare = composed(np.where(INSIDE, 100, glow))
    np.testing.assert_array_equal(region, INSIDE)
    assert glare[60, 220]


def test_sharply_bounded_tells_steps_from_slopes():
    columns = np.arange(SHAPE[1])
    dark = patch(0, 0, SHAPE[0], 100)
    step = light_of(np.tile(np.where(columns < 100, 0, 100), (SHAPE[0], 1)))
    slope = light_of(np.tile(np.clip((columns - 60) * 2.0, 0, 100), (SHAPE[0], 1)))
    assert sharply_bounded(step, dark, ~dark, dark=True)
    assert sharply_bounded(step, ~dark, dark, dark=False)
    assert not sharply_bounded(slope, dark, ~dark, dark=True)
    assert not sharply_bounded(step, dark, np.zeros_like(dark), dark=True)


def test_the_edge_lies_where_the_brightness_says():
    light = light_of(np.where(INSIDE, 100, 0), blur=1.2)
    rough = RIM.depth_map(SHAPE) > 1.5
    field = edge_field(light, rough, np.zeros_like(rough), None)
    found = field > 0
    assert (found & INSIDE).sum() / (found | INSIDE).sum() > 0.985
    assert np.abs(field).max() <= 3


def test_in_darkness_the_rim_stands_in():
    dim = np.where(np.arange(SHAPE[1]) < 128, 0.02, 1.0)
    light = light_of(np.where(INSIDE, 100, 0) * dim)
    field = edge_field(light, INSIDE, np.zeros_like(INSIDE), RIM)
    np.testing.assert_array_equal(field[:, :100] > 0, INSIDE[:, :100])
