from __future__ import annotations

import numpy as np
import pytest

from retseg.datasets.synthetic.texture import Noise, smooth_step


def grid(side, step):
    ticks = (np.arange(side) * step).astype(np.float32)
    x, y = np.meshgrid(ticks, ticks)
    return x, y


def test_noise_has_mean_0_and_deviation_1():
    values = Noise(np.random.default_rng(0), 100.0, 128).at(*grid(300, 15))
    assert values.mean() == pytest.approx(0, abs=0.1)
    assert values.std() == pytest.approx(1, abs=0.15)


def test_noise_is_the_same_at_every_resolution():
    noise = Noise(np.random.default_rng(1), 400.0)
    coarse, fine = noise.at(*grid(20, 60)), noise.at(*grid(60, 20))
    assert np.allclose(coarse, fine[::3, ::3], atol=1e-4)


def test_noise_varies_as_slowly_as_its_wavelength_says():
    def roughness(wavelength):
        values = Noise(np.random.default_rng(2), wavelength).at(*grid(200, 60))
        return np.abs(np.diff(values, axis=1)).mean()

    assert roughness(200.0) == pytest.approx(4 * roughness(800.0), rel=0.3)


def test_smooth_step_rises_or_falls_between_its_ends():
    values = np.array([-1, 0, 0.5, 1, 2], np.float32)
    assert smooth_step(values, 0, 1).tolist() == [0, 0, 0.5, 1, 1]
    assert smooth_step(values, 1, 0).tolist() == [1, 1, 0.5, 0, 0]
