from __future__ import annotations

import csv

import numpy as np
import pytest

from retseg.datasets.synthetic import store
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.io import read_image, read_label

CAMERA = CAMERAS["demo"].scaled(0.4)


@pytest.fixture
def made(tmp_path):
    order = store.orders(4, 0, CAMERA)[1]
    store.make(tmp_path, order)
    return tmp_path, order


def test_both_eyes_of_a_patient_belong_together_and_share_a_seed():
    orders = store.orders(6, 0, CAMERA)
    assert [order.id for order in orders] == [f"P0{n}_{side}" for n in (1, 2, 3) for side in ("left", "right")]
    assert orders[0].seed == orders[1].seed != orders[2].seed
    assert {order.seed for order in orders}.isdisjoint(order.seed for order in store.orders(6, 1, CAMERA))


def test_an_odd_count_ends_with_one_eye_and_few_photographs_are_of_a_patient_each():
    assert [order.id for order in store.orders(5, 0, CAMERA)][-1] == "P03_left"
    assert len({order.patient for order in store.orders(2, 0, CAMERA)}) == 2


def test_more_photographs_leave_the_first_ones_as_they_are():
    assert store.orders(8, 3, CAMERA)[:4] == store.orders(4, 3, CAMERA)


def test_files_hold_what_was_generated(made):
    root, order = made
    eye = generate(order.seed, CAMERA, eye=order.eye)
    assert np.array_equal(read_image(root / order.files["image"]), eye.image)
    assert np.array_equal(read_label(root / order.files[store.EXACT]) > 0, eye.vessel)
    assert np.array_equal(read_label(root / order.files[store.SECOND]) > 0, eye.second)
    assert np.array_equal(read_label(root / order.files["fov"]) > 0, eye.fov)
    assert np.array_equal(read_label(root / order.files["artery_vein"]), eye.artery_vein)
    facts = store.read_facts(root, order.id)
    assert facts["disc"]["centre"] == list(eye.disc_centre)
    assert facts["um_per_pixel"] == eye.um_per_pixel


def test_a_photograph_is_whole_until_something_is_missing_damaged_or_asked_otherwise(made):
    root, order = made
    assert store.is_whole(root, order)
    assert not store.is_whole(root, store.orders(4, 1, CAMERA)[1])
    assert not store.is_whole(root, store.orders(4, 0, CAMERA.scaled(0.5))[1])
    for name in order.files.values():
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[:-20])
        assert not store.is_whole(root, order)
        (root / name).unlink()
        assert not store.is_whole(root, order)
        (root / name).write_bytes(content)
        assert store.is_whole(root, order)


def test_unreadable_facts_count_as_none(made):
    root, order = made
    (root / "facts" / f"{order.id}.json").write_text("{not json")
    assert store.read_facts(root, order.id) is None
    assert not store.is_whole(root, order)


def test_only_our_own_leftovers_are_removed(made):
    root, order = made
    foreign = root / "facts" / "holiday.json"
    foreign.write_text("{}")
    picture = root / "images" / "holiday.png"
    picture.write_bytes(b"mine")
    store.remove_others(root, [])
    assert foreign.exists()
    assert picture.exists()
    assert not any((root / name).exists() for name in order.files.values())


def test_the_index_has_a_line_for_each_photograph(made):
    root, order = made
    store.write_index(root, [order])
    with (root / store.INDEX).open(newline="") as file:
        rows = list(csv.DictReader(file))
    eye = generate(order.seed, CAMERA, eye=order.eye)
    assert [row["id"] for row in rows] == [order.id]
    assert float(rows[0]["fovea_x"]) == pytest.approx(eye.fovea[0], abs=0.01)
    assert float(rows[0]["um_per_pixel"]) == pytest.approx(eye.um_per_pixel, abs=1e-3)
