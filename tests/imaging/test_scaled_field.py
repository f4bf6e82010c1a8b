from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.imaging.scaled_field import field_diameter, filled, scaled_field


@pytest.mark.parametrize(("scale", "diameter"), [(1, 240), (3, 240), (1, 500)])
def test_the_field_has_the_diameter_asked_for(draw, scale, diameter):
    image, fov = draw((400 * scale, 420 * scale), radius=180.0 * scale)
    field = scaled_field(image, fov, diameter)
    assert field.inside.any(axis=1).sum() == pytest.approx(diameter, abs=2)
    assert field.length_scale == pytest.approx(diameter / (360 * scale), rel=0.01)


def test_a_field_that_the_frame_cuts_has_the_diameter_of_its_circle(draw):
    image, fov = draw((400, 420), centre=(120.0, 210.0), radius=180.0)
    field = scaled_field(image, fov, 240)
    assert field.inside.shape == pytest.approx((200, 240), abs=3)


def test_places_go_there_and_back(draw):
    image, fov = draw((500, 420), centre=(300.0, 210.0))
    field = scaled_field(image, fov, 240)
    assert field.to_native(*field.from_native(123.4, 56.7)) == pytest.approx((123.4, 56.7))


def test_a_mark_is_found_where_it_was_put(draw):
    image, fov = draw()
    image[250:256, 130:136] = 255
    field = scaled_field(image, fov, 240)
    marked = ndimage.center_of_mass(np.clip(field.pixels[..., 2] - 100, 0, None))
    assert field.to_native(*map(float, marked)) == pytest.approx((252.5, 132.5), abs=0.5)


def test_a_mask_shrinks_with_the_photograph(draw):
    image, fov = draw()
    mask = np.zeros_like(fov)
    mask[200:203] = True
    assert scaled_field(image, fov, 180).shrunk_mask(mask).any(axis=1).sum() in (1, 2, 3)


def test_the_quick_diameter_is_the_diameter(draw):
    _, fov = draw((2000, 2100), radius=900.0)
    assert field_diameter(fov) == pytest.approx(1800, rel=0.005)


def test_outside_is_filled_with_the_nearest_inside():
    values = np.array([[0, 1, 2, 0]], np.float32)
    assert filled(values, np.array([[False, True, True, False]])).tolist() == [[1, 1, 2, 2]]


@pytest.mark.parametrize(
    ("image", "fov", "says"),
    [
        (np.zeros((40, 40), np.uint8), np.ones((40, 40), bool), "no photograph"),
        (np.zeros((40, 40, 3), np.float32), np.ones((40, 40), bool), "no photograph"),
        (np.zeros((40, 40, 3), np.uint8), np.ones((40, 41), bool), "does not fit"),
        (np.zeros((40, 40, 3), np.uint8), np.ones((40, 40), np.uint8), "does not fit"),
        (np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), bool), "empty"),
    ],
)
def test_what_is_no_photograph_with_its_field_is_refused(image, fov, says):
    with pytest.raises(ImageError, match=says):
        scaled_field(image, fov, 240)
