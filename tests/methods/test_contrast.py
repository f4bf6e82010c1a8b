from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retseg.methods.contrast import dark_contrast


def retina(side: int = 200, shade=lambda r: 1 - 0.5 * r**2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photograph, field of view and distance from the middle (1 at the rim) of a shaded disc on black."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(y, x) / (0.46 * side)
    fov = radius < 1
    return np.repeat((200 * shade(radius) * fov)[..., None], 3, 2).round().astype(np.uint8), fov, radius


@pytest.mark.parametrize("shade", [lambda r: 1 - 0.7 * r**2, lambda r: np.cos(0.7 * r) ** 4, lambda r: 1 - 0.4 * r])
def test_shade_towards_the_rim_has_no_contrast(shade):
    image, fov, radius = retina(shade=shade)
    found = dark_contrast(image, fov)
    assert np.abs(found[fov & (radius > 0.9)]).mean() < 0.012
    assert found[fov & (radius > 0.9)].mean() < 0.006


def test_a_line_has_the_contrast_it_was_drawn_with_wherever_it_lies():
    image, fov, radius = retina(300)
    lines = np.zeros(fov.shape, bool)
    lines[:, 30::60] = True
    image = np.where(lines[..., None], image * 0.8, image).round().astype(np.uint8)
    found = dark_contrast(image, fov)
    for where in (radius < 0.5, (radius > 0.5) & (radius < 0.95)):
        assert found[lines & where].mean() == pytest.approx(0.2, abs=0.03)


def test_contrast_does_not_depend_on_the_brightness_of_the_photograph():
    image, fov, _ = retina()
    image[90:93, :] //= 2
    bright, dark = dark_contrast(image, fov), dark_contrast(image // 2, fov)
    assert np.abs(bright - dark)[fov].max() < 0.05


def test_beyond_the_rim_the_inside_is_mirrored():
    rng = np.random.default_rng(0)
    image = rng.integers(60, 120, (60, 80, 3)).astype(np.uint8)
    fov = np.zeros((60, 80), bool)
    fov[:, :50] = True
    found = dark_contrast(image, fov)
    edge = 49  # the last believed column: the field ends at 50, and its outermost pixel is not believed
    for step in range(1, 20):
        assert np.array_equal(found[:, edge - 1 + step], found[:, edge - 1 - step])


@settings(deadline=None, max_examples=25)
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=st.integers(0, 99), share=st.floats(0, 1))
def test_any_photograph_and_any_field_of_view_gives_finite_contrast(shape, seed, share):
    rng = np.random.default_rng(seed)
    image, fov = rng.integers(0, 256, (*shape, 3)).astype(np.uint8), rng.random(shape) < share
    found = dark_contrast(image, fov)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert np.abs(found).max() <= 1
