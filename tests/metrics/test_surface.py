from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from monai.metrics import compute_surface_dice
from monai.metrics.utils import get_mask_edges, get_surface_distance

from retseg.core.types import BoolArray
from retseg.metrics.shapes import Shapes
from retseg.metrics.surface import HD95, NSD

SIDE = 12
PAIRS = st.tuples(*[arrays.arrays(np.bool_, (SIDE, SIDE))] * 2)


class Measured(Shapes):
    """Shapes whose field of view is said to have a diameter, so that small pictures can have a tolerance."""

    def __init__(self, predicted: BoolArray, truth: BoolArray, fov: BoolArray, diameter: float) -> None:
        super().__init__(predicted, truth, fov)
        self.diameter = diameter


def framed(mask: BoolArray) -> BoolArray:
    """With a rim of background, where MONAI's idea of an edge at the frame and ours do not part."""
    return np.pad(mask, 1)


def full(mask: BoolArray) -> BoolArray:
    return np.ones_like(mask)


def slow_boundary(mask: BoolArray, fov: BoolArray) -> list[tuple[int, int]]:
    found = []
    for y, x in np.argwhere(mask).tolist():
        beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        known = [(v, u) for v, u in beside if 0 <= v < fov.shape[0] and 0 <= u < fov.shape[1] and fov[v, u]]
        if any(not mask[place] for place in known):
            found.append((y, x))
    return found


@given(pair=PAIRS, fov=arrays.arrays(np.bool_, (SIDE, SIDE)), diameter=st.sampled_from([400.0, 500.0, 1000.0]))
@settings(max_examples=60)
def test_both_are_what_brute_force_finds(pair: tuple[BoolArray, BoolArray], fov: BoolArray, diameter: float) -> None:
    predicted, truth = pair[0] & fov, pair[1] & fov
    a, b = slow_boundary(predicted, fov), slow_boundary(truth, fov)
    distances = [min((math.dist(p, q) for q in b), default=math.inf) for p in a]
    distances += [min((math.dist(p, q) for q in a), default=math.inf) for p in b]
    shapes = Measured(predicted, truth, fov, diameter)
    if a and b:
        assert HD95.function(shapes) == pytest.approx(np.percentile(distances, 95))
    else:
        assert math.isnan(HD95.function(shapes))
    if a or b:
        within = sum(distance <= 2 * diameter / 1000 for distance in distances)
        assert NSD.function(shapes) == within / len(distances)
    else:
        assert math.isnan(NSD.function(shapes))


@given(pair=PAIRS)
@settings(max_examples=60)
def test_hd95_is_that_of_monais_distances_in_one_pool(pair: tuple[BoolArray, BoolArray]) -> None:
    # MONAI itself takes the larger of the two directions' percentiles; the protocol pools both.
    predicted, truth = framed(pair[0]), framed(pair[1])
    edges = get_mask_edges(predicted, truth)
    if not edges[0].any() or not edges[1].any():
        return
    pool = [get_surface_distance(one, other) for one, other in (edges, edges[::-1])]
    assert HD95.function(Shapes(predicted, truth, full(truth))) == pytest.approx(
        np.percentile(np.concatenate(pool), 95), abs=1e-5
    )


@given(pair=PAIRS, diameter=st.sampled_from([500.0, 750.0, 1250.0]))
@settings(max_examples=60)
def test_nsd_is_monais_surface_dice(pair: tuple[BoolArray, BoolArray], diameter: float) -> None:
    predicted, truth = framed(pair[0]), framed(pair[1])
    if not predicted.any() or not truth.any():
        return
    tensors = [torch.from_numpy(mask)[None, None].float() for mask in (predicted, truth)]
    theirs = compute_surface_dice(*tensors, class_thresholds=[2 * diameter / 1000], include_background=True)
    assert NSD.function(Measured(predicted, truth, full(truth), diameter)) == pytest.approx(float(theirs), abs=1e-6)


def line(row: int) -> BoolArray:
    mask = np.zeros((40, 50), bool)
    mask[row, 5:45] = True
    return mask


@pytest.mark.parametrize("shift", [0, 1, 3, 7])
def test_a_shifted_line_is_as_far_away_as_it_was_shifted(shift: int) -> None:
    shapes = Measured(line(10 + shift), line(10), full(line(0)), 1000)
    assert HD95.function(shapes) == shift
    assert NSD.function(shapes) == (shift <= 2)


def test_the_tolerance_grows_with_the_field_of_view() -> None:
    def within(diameter: float) -> float:
        return NSD.function(Measured(line(13), line(10), full(line(0)), diameter))

    assert [within(diameter) for diameter in (540, 1499, 1500, 3260)] == [0, 0, 1, 1]


def test_the_diameter_is_measured_on_the_field_of_view() -> None:
    y, x = np.mgrid[-150:151, -150:151]
    fov = np.hypot(y, x) < 140
    shapes = Shapes(fov & (np.abs(y) < 3), fov & (np.abs(y) < 3), fov)
    assert shapes.diameter == pytest.approx(280, abs=2)


def test_where_the_rim_cuts_a_vessel_there_is_nothing_to_miss() -> None:
    fov = np.zeros((30, 30), bool)
    fov[5:25, 5:25] = True
    truth = np.zeros_like(fov)
    truth[13:16] = True
    thick = np.zeros_like(fov)
    thick[12:17] = True
    # Every wall is one pixel off, also in the corners at the rim, and nothing else is a boundary.
    assert HD95.function(Shapes(thick, truth, fov)) == 1


def test_one_far_pixel_in_a_hundred_does_not_move_hd95() -> None:
    stray = line(10)
    stray[39, 49] = True
    assert HD95.function(Shapes(stray, line(10), full(stray))) == 0


def test_degenerate_masks() -> None:
    nothing, everything, vessel = np.zeros((40, 50), bool), np.ones((40, 50), bool), line(10)
    for one, other in ((nothing, vessel), (vessel, nothing), (everything, vessel)):
        assert math.isnan(HD95.function(Shapes(one, other, everything)))
        assert NSD.function(Shapes(one, other, everything)) == 0
    for neither in (nothing, everything):
        assert math.isnan(HD95.function(Shapes(neither, neither, everything)))
        assert math.isnan(NSD.function(Shapes(neither, neither, everything)))
