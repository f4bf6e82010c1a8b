from __future__ import annotations

import numpy as np
import pytest

from retseg.core.errors import ConfigError
from retseg.datasets.synthetic.cameras import CAMERAS, find_camera

PUBLISHED = {"drive": (584, 565), "chase": (960, 999), "stare": (605, 700), "hrf": (2336, 3504)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_public_sets_cameras_have_their_frames(name):
    assert CAMERAS[name].shape == PUBLISHED[name]


def test_drives_and_chases_fields_are_whole_and_stares_and_hrfs_are_cut():
    for name, cut in {"drive": False, "chase": False, "stare": True, "hrf": True}.items():
        fov = CAMERAS[name].scaled(0.2).field_of_view()
        assert (fov[0].any() or fov[-1].any()) == cut, name
        assert not fov[:, 0].any()
        assert not fov[:, -1].any()


def test_the_field_is_as_large_as_its_circle():
    camera = CAMERAS["small"]
    assert camera.field_of_view().sum() == pytest.approx(np.pi / 4 * camera.diameter**2, rel=2e-3)
    assert camera.coverage().sum() == pytest.approx(np.pi / 4 * camera.diameter**2, rel=2e-4)


def test_a_scaled_camera_sees_the_same_part_of_its_frame():
    camera = CAMERAS["hrf"]
    half = camera.scaled(0.5)
    assert half.shape == (1168, 1752)
    assert np.isclose(half.field_of_view().mean(), camera.scaled(0.1).field_of_view().mean(), atol=0.003)
    assert camera.scaled(1.0) is camera


def test_an_unknown_camera_gets_the_nearest_names():
    with pytest.raises(ConfigError, match="Did you mean drive"):
        find_camera("drvie")
