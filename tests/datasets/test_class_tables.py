from __future__ import annotations

import numpy as np
import pytest

from retseg.core.errors import ConfigError, InputError
from retseg.core.types import Classes, ClassInfo
from retseg.datasets.base import VESSELS
from retseg.datasets.class_tables import require_distinct_colours, without
from retseg.datasets.msrc import MSRC

SHAPES = Classes(
    "shapes",
    tuple(ClassInfo(name, (number, 0, 0)) for number, name in enumerate(("sky", "star", "moon", "rock"))),
    ignore=254,
    things=(1, 3),
    subject="scene",
)


def test_without_any_void_class_nothing_changes_and_other_numbers_are_void():
    classes, table = without(SHAPES, ())
    assert classes == SHAPES
    assert table.dtype == np.uint8
    assert table.tolist() == [0, 1, 2, 3, *[254] * 252]


def test_the_classes_left_close_ranks_and_things_move_with_them():
    classes, table = without(SHAPES, ["star", "star"])
    assert classes.names == ("sky", "moon", "rock")
    assert [item.colour for item in classes.items] == [(0, 0, 0), (2, 0, 0), (3, 0, 0)]
    assert classes.things == (2,)
    assert (classes.ignore, classes.subject, classes.name) == (254, "scene", "shapes")
    assert table[:5].tolist() == [0, 254, 1, 2, 254]


def test_horse_and_mountain_leave_the_customary_21_classes():
    classes, table = without(MSRC, ("mountain", "horse"))
    assert classes.count == 21
    assert not {"horse", "mountain"} & set(classes.names)
    for index, item in enumerate(MSRC.items):
        expected = 255 if item.name in ("horse", "mountain") else classes.names.index(item.name)
        assert table[index] == expected
        assert expected == 255 or classes.items[expected] == item


def test_the_roles_of_classes_move_with_them():
    lesion = Classes("lesion", (*VESSELS.items, ClassInfo("lesion", (1, 2, 3))), positive=3, outside=0)
    classes, _ = without(lesion, ["vessel"])
    assert (classes.outside, classes.names[classes.positive]) == (0, "lesion")


@pytest.mark.parametrize(
    ("classes", "void", "message"),
    [
        (MSRC, ["hors"], r"no class 'hors': dataset\.void\. Did you mean horse"),
        (MSRC, ["Horse"], "Did you mean horse"),
        (SHAPES, ["sky", "star", "moon"], "only 1 of 4 classes would be left"),
        (VESSELS, ["vessel"], "'vessel' is the class that is looked for"),
        (VESSELS, ["outside the field of view"], "cannot be void"),
    ],
)
def test_what_void_cannot_mean_is_one_clear_error(classes, void, message):
    with pytest.raises(ConfigError, match=message):
        without(classes, void)


def test_two_classes_of_one_colour_are_refused_by_name():
    require_distinct_colours(MSRC)
    twins = Classes("twins", (ClassInfo("cat", (9, 8, 7)), ClassInfo("dog", (9, 8, 6)), ClassInfo("cow", (9, 8, 7))))
    with pytest.raises(InputError, match=r"'cat' and 'cow' have the same colour \(9, 8, 7\): classes\.yaml"):
        require_distinct_colours(twins, "classes.yaml")
