from __future__ import annotations

import numpy as np
import pytest

from retseg.imaging.vessel_lines import convergence, vessel_lines

SHAPE = (240, 240)


def spokes(angles, centre=(120.0, 120.0), reach=90.0, width=1.6):
    """Dark lines on an even ground, from a centre outwards at these angles (from rows towards columns)."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
    row, column = row - centre[0], column - centre[1]
    dark = np.zeros(SHAPE)
    for angle in angles:
        along = row * np.cos(angle) + column * np.sin(angle)
        across = column * np.cos(angle) - row * np.sin(angle)
        dark = np.maximum(dark, np.exp(-0.5 * (across / width) ** 2) * ((along > 0) & (along < reach)))
    return (5 - 0.4 * dark).astype(np.float32)


def everywhere():
    return np.ones(SHAPE, bool)


@pytest.mark.parametrize("angle", [0.0, 0.6, np.pi / 2, 2.5])
def test_a_line_knows_which_way_it_runs(angle):
    lines = vessel_lines(spokes([angle, angle + np.pi]), everywhere(), 240.0, None)
    on_line = lines.weight > 0.4
    assert on_line.sum() > 100
    along = lines.across[on_line] + np.pi / 2
    assert np.median(np.abs(np.sin(along - angle))) < 0.1


def test_nothing_is_a_line_on_an_even_ground():
    lines = vessel_lines(np.full(SHAPE, 5, np.float32), everywhere(), 240.0, None)
    assert not lines.weight.any()
    assert convergence(lines, everywhere(), (120.0, 120.0), 20.0).spread == 0


def test_a_bright_line_is_none():
    lines = vessel_lines(10 - spokes([0.3, 0.3 + np.pi]), everywhere(), 240.0, None)
    row, column = np.argwhere(spokes([0.3, 0.3 + np.pi]) < 4.7).T
    assert lines.weight[row, column].mean() < 0.1


def test_only_vessels_of_the_mask_count():
    mask = np.zeros(SHAPE, bool)
    mask[:120] = True
    lines = vessel_lines(spokes([0.0, np.pi]), everywhere(), 240.0, mask)
    assert lines.weight[:120].any()
    assert not lines.weight[120:].any()


def test_vessels_leave_in_as_many_directions_as_there_are():
    few, many = (vessel_lines(spokes(2 * np.pi * np.arange(n) / 16 + 0.2), everywhere(), 240.0, None) for n in (4, 16))
    assert convergence(few, everywhere(), (120.0, 120.0), 20.0).spread == pytest.approx(0.25, abs=0.07)
    assert convergence(many, everywhere(), (120.0, 120.0), 20.0).spread > 0.8


def test_beside_the_centre_vessels_do_not_converge():
    lines = vessel_lines(spokes(2 * np.pi * np.arange(8) / 8), everywhere(), 240.0, None)
    assert convergence(lines, everywhere(), (120.0, 170.0), 20.0).spread < 0.3


def test_what_lies_beyond_the_frame_is_not_shown():
    lines = vessel_lines(spokes([0.0]), everywhere(), 240.0, None)
    assert convergence(lines, everywhere(), (120.0, 120.0), 20.0).shown > 0.98
    assert convergence(lines, everywhere(), (120.0, 0.0), 20.0).shown == pytest.approx(0.5, abs=0.05)
