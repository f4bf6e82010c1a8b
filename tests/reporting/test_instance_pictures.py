from __future__ import annotations

import numpy as np

from retseg.reporting.instance_pictures import PALETTE, instance_colours, matched, painted_instances
from tests.reporting.conftest import drawn_figures

IDS = drawn_figures((60, 160), 9)
IMAGE = np.full((60, 160, 3), 90, np.uint8)


def test_neighbours_never_have_the_same_colour() -> None:
    colours = instance_colours(IDS)
    assert sorted(colours) == list(range(1, 10))
    assert all(colours[number] != colours[number + 1] for number in range(1, 9))


def test_a_wish_is_followed_unless_a_neighbour_has_the_colour() -> None:
    colours = instance_colours(IDS, {1: 4, 2: 4, 9: 3})
    assert colours[1] == 4
    assert colours[2] != 4
    assert colours[9] == 3


def test_found_figures_are_matched_by_more_than_half_of_their_joint_area() -> None:
    found = np.where(IDS == 3, 7, 0).astype(np.uint16)
    found[IDS == 5] = 2
    found[IDS == 6] = 2
    assert matched(found, IDS) == {7: 3}
    assert matched(np.zeros_like(IDS), IDS) == {}


def test_touching_figures_are_separated_by_a_white_line_and_the_ground_stays_grey() -> None:
    colours = instance_colours(IDS)
    picture = painted_instances(IMAGE, IDS, colours, 500)
    assert picture.shape == (60, 160, 3)
    row = picture[30]
    borders = np.flatnonzero((IDS[30, 1:] != IDS[30, :-1]) & (IDS[30, 1:] > 0) & (IDS[30, :-1] > 0))
    assert len(borders) == 8
    for place in borders:
        assert (row[place : place + 2] == 255).all(axis=1).any()
    ground = picture[IDS == 0]
    assert (ground == ground[:, :1]).all()
    middle = int(np.flatnonzero(IDS[30] == 4).mean())
    hue = np.argsort(row[middle].astype(int))
    assert np.array_equal(hue, np.argsort(PALETTE[colours[4]].astype(int)))


def test_a_map_without_instances_is_the_pale_photograph() -> None:
    picture = painted_instances(IMAGE, np.zeros_like(IDS), {}, 80)
    assert picture.shape == (30, 80, 3)
    assert len(np.unique(picture)) == 1
    assert instance_colours(np.zeros_like(IDS)) == {}
