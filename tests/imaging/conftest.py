from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from retseg.core.types import BoolArray, UInt8Array

Draw = Callable[..., tuple[UInt8Array, BoolArray]]


def draw_photograph(
    shape: tuple[int, int] = (400, 420),
    centre: tuple[float, float] | None = None,
    radius: float = 180.0,
    level: float = 1.0,
    seed: int = 0,
) -> tuple[UInt8Array, BoolArray]:
    """A plain fundus photograph (reddish, vignetted, textured, blurred at the rim, JPEG-like border) and its field."""
    rng = np.random.default_rng(seed)
    y0, x0 = centre or (shape[0] / 2, shape[1] / 2)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    distance = np.hypot(y - y0, x - x0)
    fov = distance < radius
    texture = ndimage.gaussian_filter(rng.normal(0, 1, shape), 6)
    light = (1 - 0.45 * (distance / radius) ** 2) * (1 + texture)
    colour = np.array([200.0, 95.0, 45.0])
    image = np.where(fov, light, 0)[..., None] * colour * level
    image = ndimage.gaussian_filter(image, (0.8, 0.8, 0)) + rng.uniform(0, 2.5, (*shape, 1))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), fov


@pytest.fixture(scope="session")
def draw() -> Draw:
    return draw_photograph


@pytest.fixture(scope="session")
def colours() -> UInt8Array:
    """A smooth coloured picture (40, 64, 3) in which every corner differs, so that turning it shows."""
    y, x = np.mgrid[:40, :64]
    return np.stack([4 * x, 6 * y, 255 - 2 * x - 2 * y], axis=-1).astype(np.uint8)
