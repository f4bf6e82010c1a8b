from __future__ import annotations

import numpy as np
import pytest

from retseg.imaging.overlay import ERROR_COLOURS, class_overlay, contact_sheet, error_overlay, outlined


@pytest.fixture
def image():
    return np.full((20, 30, 3), 100, np.uint8)


def test_class_overlay_mixes_inside_the_mask_only(image):
    mask = np.zeros((20, 30), bool)
    mask[4:8] = True
    result = class_overlay(image, mask, (200, 0, 100), 0.25)
    assert result.dtype == np.uint8
    assert result[5, 5].tolist() == [125, 75, 100]
    np.testing.assert_array_equal(result[~mask], image[~mask])
    assert (image == 100).all()


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, 100), (1.0, 255)])
def test_class_overlay_at_the_ends(image, alpha, expected):
    assert (class_overlay(image, np.ones((20, 30), bool), (255, 255, 255), alpha) == expected).all()


def test_error_overlay_colours_what_is_inside(image):
    predicted, truth, fov = np.zeros((3, 20, 30), bool)
    fov[:10] = True
    predicted[:, :10] = truth[:, 5:15] = True
    result = error_overlay(image, predicted, truth, fov)
    assert tuple(result[0, 7]) == ERROR_COLOURS["true positive"]
    assert tuple(result[0, 2]) == ERROR_COLOURS["false positive"]
    assert tuple(result[0, 12]) == ERROR_COLOURS["false negative"]
    assert result[0, 20].max() < 100
    assert (result[10:] == result[15, 29]).all()
    assert result[15, 29].max() < result[0, 20].max()


def test_error_colours_stay_distinct_to_colour_blind_readers():
    """Distances after the simulation of missing red, green and blue cones (Machado et al. 2009, severity 1)."""
    blind = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    }
    colours = (np.array(list(ERROR_COLOURS.values())) / 255) ** 2.2
    for matrix in blind.values():
        seen = np.clip(colours @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        for first in range(3):
            for second in range(first):
                assert np.linalg.norm(seen[first] - seen[second]) > 0.25


def test_contact_sheet_holds_every_image():
    images = [(f"prob/left/{n}", np.full((60, 90, 3), 10 * n + 5, np.uint8)) for n in range(5)]
    images.append(("grey", np.full((500, 40), 77, np.uint8)))
    sheet = contact_sheet(images, columns=4, side=120)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (2 * (120 + 32) + 8, 4 * 128 + 8, 3)
    for value in (5, 15, 25, 35, 45, 77):
        assert (sheet == value).all(axis=-1).sum() > 400


def test_contact_sheet_of_one_and_of_a_long_title():
    sheet = contact_sheet([("x" * 500, np.zeros((10, 10, 3), np.uint8))])
    assert sheet.shape[1] == 336
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])


def test_outlines_lie_inside_each_instance(image):
    ids = np.zeros((20, 30), np.uint16)
    ids[5:12, 5:10], ids[5:12, 10:16] = 1, 2
    result = outlined(image, ids, (255, 255, 0))
    drawn = (result == (255, 255, 0)).all(axis=2)
    assert not drawn[ids == 0].any()
    assert drawn[5:12, 9].all(), "where two touch, each has its own border"
    assert drawn[5:12, 10].all()
    assert not drawn[6:11, 6:9].any()
    assert (result[~drawn] == image[~drawn]).all()


def test_the_pictures_border_is_no_border_of_an_instance(image):
    ids = np.ones((20, 30), np.uint16)
    assert (outlined(image, ids) == image).all()
