from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import InputError
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import write_png
from retseg.reporting.compare_cases import decision, disagreement_views, disagreements
from retseg.reporting.compare_files import SystemRecords
from retseg.reporting.config import ReportConfig
from retseg.reporting.run_files import RunFolders, read_run
from tests.reporting.conftest import World


@pytest.fixture
def compared(make_world: Callable[..., World]) -> tuple[World, PreparedSet, list[SystemRecords]]:
    world = make_world(tests=3)
    prepared = world.prepare()
    runs = [
        world.run(prepared, "net"),
        world.run(prepared, "old", blur=0.6, seed=9),
        world.run(prepared, "odd", seed=5),
    ]
    return world, prepared, [SystemRecords(run.name, (read_run(run),)) for run in runs]


def brute_force(world: World, systems: list[SystemRecords]) -> dict[str, tuple[float, tuple[str, str]]]:
    """The lowest Dice of two masks, pixel by pixel inside the field of view."""
    found = {}
    for case in world.cases:
        values = []
        for i, one in enumerate(systems):
            for other in systems[i + 1 :]:
                a, b = (
                    np.asarray(Image.open(s.first.folders.predict / "mask" / f"{case.sample.id}.png"))[case.fov] > 0
                    for s in (one, other)
                )
                values.append((2 * (a & b).sum() / (a.sum() + b.sum()), (one.name, other.name)))
        found[case.sample.id] = min(values)
    return found


def test_images_stand_by_the_lowest_dice_between_two_systems(compared: Any) -> None:
    world, prepared, systems = compared
    expected = brute_force(world, systems)
    found = disagreements(systems, prepared)
    assert {one.sample.id: (pytest.approx(one.agreement), one.pair) for one in found} == expected
    assert [one.agreement for one in found] == sorted(one.agreement for one in found)


def test_a_system_that_finds_nothing_does_not_hide_where_the_others_disagree(compared: Any) -> None:
    _, prepared, systems = compared
    first = systems[0].first
    empty = replace(first, summary={**first.summary, "pooled": {**first.summary["pooled"], "dice": 0.0}})
    found = disagreements([SystemRecords("empty", (empty,)), *systems[1:]], prepared)
    assert found
    assert {one.pair for one in found} == {("old", "odd")}


def test_pixels_outside_the_field_of_view_do_not_count(compared: Any) -> None:
    world, prepared, systems = compared
    before = [(one.sample.id, one.agreement) for one in disagreements(systems, prepared)]
    for case in world.cases:
        path = systems[0].first.folders.predict / "mask" / f"{case.sample.id}.png"
        write_png(path, (((np.asarray(Image.open(path)) > 0) | ~case.fov) * 255).astype(np.uint8))
    assert [(one.sample.id, one.agreement) for one in disagreements(systems, prepared)] == before


def test_the_decision_is_that_of_the_threshold_that_was_evaluated(compared: Any) -> None:
    world, _, systems = compared
    record, image = systems[1].first, world.cases[0].sample.id
    stored = decision(record, image, world.classes)
    (record.folders.predict / "mask" / f"{image}.png").unlink()
    assert np.array_equal(decision(record, image, world.classes), stored)
    point = (record.folders.predict / "operating_point.json").read_text()
    (record.folders.predict / "operating_point.json").write_text(point.replace("0.4375", "0.9"))
    write_png(record.folders.predict / "mask" / f"{image}.png", np.zeros_like(stored, np.uint8))
    assert np.array_equal(decision(record, image, world.classes), stored), "a mask of another threshold is not used"


def test_empty_masks_agree(compared: Any) -> None:
    world, prepared, systems = compared
    for system in systems:
        for case in world.cases:
            path = system.first.folders.predict / "mask" / f"{case.sample.id}.png"
            write_png(path, np.zeros(case.fov.shape, np.uint8))
    assert {one.agreement for one in disagreements(systems, prepared)} == {1.0}


def test_a_mask_of_another_size_is_explained(compared: Any) -> None:
    world, prepared, systems = compared
    write_png(
        systems[0].first.folders.predict / "mask" / f"{world.cases[0].sample.id}.png", np.zeros((20, 30), np.uint8)
    )
    with pytest.raises(InputError, match="30 x 20 pixels"):
        disagreements(systems, prepared)


def test_a_system_without_files_is_named_and_not_drawn(compared: Any) -> None:
    _, prepared, systems = compared
    folders = systems[2].first.folders
    bare = read_run(RunFolders("odd", None, folders.predict / "nowhere", folders.evaluate))
    systems = [*systems[:2], SystemRecords("odd", (bare,))]
    found = disagreements(systems, prepared)
    assert {one.pair for one in found} == {("net", "old")}
    (view,) = disagreement_views(found[:1], systems, ["second"], ("dice",), prepared, ReportConfig())
    assert "There is no decision of odd to show." in view.remark
    captions = [panel.caption for row in view.rows for panel in row.panels]
    assert captions == ["Photograph", "Reference (first)", "net", "old"]
    assert view.scores is not None
    assert [row.heading for group in view.scores.groups for row in group.rows] == ["net", "old", "odd", "second"]


def test_panels_are_made_one_image_at_a_time(compared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, prepared, systems = compared
    read: list[str] = []
    real = PreparedSet.case
    monkeypatch.setattr(PreparedSet, "case", lambda self, sample: read.append(sample.id) or real(self, sample))
    found = disagreements(systems, prepared)
    views = disagreement_views(found, systems, [], ("dice",), prepared, ReportConfig())
    assert read == []
    next(views)
    assert read == [found[0].sample.id]
