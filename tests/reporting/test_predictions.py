from __future__ import annotations

from dataclasses import replace

import numpy as np

from retseg.core.types import OperatingPoint
from retseg.imaging.io import read_label
from retseg.reporting.predictions import has_prediction, read_prediction, scored_region
from retseg.reporting.run_files import read_run


def test_the_decision_is_the_one_that_was_scored(vessels) -> None:
    prepared, systems = vessels
    record = read_run(systems[0])
    image = prepared.split("test")[1].id
    prediction = read_prediction(record, image, prepared.classes)
    assert prediction is not None
    fov = scored_region(record, prepared.case(prepared.split("test")[1]))
    assert np.array_equal(prediction.mask & fov, read_label(systems[0].predict / "mask" / f"{image}.png") > 0)
    strict = replace(record, operating_point=OperatingPoint(0.9, "c", "d", "s"))
    stricter = read_prediction(strict, image, prepared.classes)
    assert stricter is not None
    assert 0 < stricter.mask.sum() < prediction.mask.sum()


def test_the_positive_class_is_read_from_all_classes_if_its_own_map_is_missing(vessels, make_world) -> None:
    world = make_world()
    prepared = world.prepare()
    folders = world.run(prepared, "net")
    image = prepared.split("test")[0].id
    before = read_prediction(read_run(folders), image, prepared.classes)
    (folders.predict / "prob" / f"{image}.png").unlink()
    after = read_prediction(read_run(folders), image, prepared.classes)
    assert before is not None
    assert after is not None
    assert np.abs(before.positive - after.positive).max() < 1e-4
    (folders.predict / "classes" / f"{image}.nii.gz").unlink()
    assert read_prediction(read_run(folders), image, prepared.classes) is None
    assert not has_prediction(read_run(folders), image)


def test_the_field_of_view_is_the_one_that_evaluate_used(vessels, make_world) -> None:
    world = make_world()
    prepared = world.prepare()
    folders = world.run(prepared, "net")
    case = prepared.case(prepared.split("test")[0])
    assert np.array_equal(scored_region(read_run(folders), case), case.fov)
    from retseg.imaging.io import write_png

    other = np.zeros_like(case.fov)
    other[20:30] = True
    write_png(folders.evaluate / "fov" / f"{case.sample.id}.png", other)
    assert np.array_equal(scored_region(read_run(folders), case), other)
