"""Eyes of the small camera, each generated once."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from retseg.datasets.synthetic.anatomy import draw_anatomy, draw_traits
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.datasets.synthetic.growth import Domain, grow
from retseg.datasets.synthetic.view import View


@pytest.fixture(scope="session")
def camera():
    return CAMERAS["demo"]


@pytest.fixture(scope="session")
def eye(camera):
    """`eye(seed)`: one generated photograph; do not change its arrays."""
    return functools.cache(lambda seed: generate(seed, camera))


@pytest.fixture(scope="session")
def traits():
    return draw_traits(np.random.default_rng(3))


@pytest.fixture(scope="session")
def anatomy():
    return draw_anatomy(np.random.default_rng(4), "left")


@pytest.fixture(scope="session")
def domain():
    return Domain((2300.0, 200.0), 6400.0, 5600.0)


@pytest.fixture(scope="session")
def trees(anatomy, traits, domain):
    """Arteries and veins."""
    return grow(np.random.default_rng(5), anatomy, traits, domain)


@pytest.fixture(scope="session")
def view(camera):
    """Level, of a left eye, from between disc and fovea."""
    return View(camera, 36.0, (2300.0, 200.0), 0.0, mirrored=False)
