from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import savgol_filter

from retseg.biomarkers.smoothing import curve, in_equal_steps, local_cubic, odd_window, smoothed


@pytest.mark.parametrize("window", [5, 9, 21])
@pytest.mark.parametrize("derivative", [0, 1, 2])
def test_local_cubics_are_the_filter_of_savitzky_and_golay(window: int, derivative: int) -> None:
    values = np.random.default_rng(0).normal(size=(40, 2)).cumsum(axis=0)
    truth = savgol_filter(values, window, 3, deriv=derivative, axis=0, mode="interp")
    assert np.allclose(local_cubic(values, window, derivative), truth)
    whole = savgol_filter(values[:window], window, 3, deriv=derivative, axis=0, mode="interp")
    assert np.allclose(local_cubic(values[:window], window, derivative), whole), "a path as long as the window"


def test_a_ring_is_smoothed_all_round() -> None:
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = 30 * np.column_stack([np.sin(angle), np.cos(angle)])
    found = smoothed(ring, 15, closed=True)
    assert np.allclose(np.hypot(*found.T), 30, atol=0.01)
    assert np.allclose(found, smoothed(np.roll(ring, 50, axis=0), 15, closed=True)[np.r_[50:200, :50]], atol=1e-9)


@pytest.mark.parametrize("radius", [40, 80, 200])
@pytest.mark.parametrize("turn", [1, -1])
def test_a_circle_has_its_curvature(radius: float, turn: int) -> None:
    angle = np.arange(0, 2.5, 1 / radius)
    points = radius * np.column_stack([turn * np.sin(angle), np.cos(angle)])
    found = curve(points, 1.0, 21)
    assert np.allclose(found.curvature, -turn / radius, rtol=0.03)
    assert found.step * (len(points) - 1) == pytest.approx(radius * angle[-1], rel=0.001)
    assert np.allclose((found.tangent**2).sum(axis=1), 1)


def test_equal_steps_keep_the_ends_and_the_length() -> None:
    path = np.array([[0, 0], [0, 3], [4, 3]], float)
    step, (rows, columns, marks) = in_equal_steps(path, np.array([0.0, 3.0, 7.0]))
    assert step == 1.0
    assert rows.tolist() == [0, 0, 0, 0, 1, 2, 3, 4]
    assert columns.tolist() == [0, 1, 2, 3, 3, 3, 3, 3]
    assert marks.tolist() == list(range(8))


def test_windows_are_odd_and_fit() -> None:
    assert odd_window(8.2, 100) == 9
    assert odd_window(2.0, 100) == 5
    assert odd_window(30, 12) == 11
    assert odd_window(30, 11) == 11


def test_a_path_too_short_for_a_cubic_is_straight() -> None:
    points = np.array([[0, 0], [0, 1], [0, 2]], float)
    found = curve(points, 1.0, 3)
    assert (found.curvature == 0).all()
    assert np.allclose(found.tangent, [0, 1])
    assert (smoothed(points, 3, closed=False) == points).all()
