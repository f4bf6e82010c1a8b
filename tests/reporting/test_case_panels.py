from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.types import CLASS_MAP, Classes, ClassInfo
from retseg.imaging.maps import read_class_probabilities
from retseg.reporting.case_panels import PanelMaker, class_order
from retseg.reporting.config import ReportConfig
from retseg.reporting.run_files import read_run
from retseg.reporting.view_models import Panel


def pixels(panel: Panel) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(panel.source.split(",", 1)[1]))))


@pytest.fixture(scope="module")
def maker(vessels):
    prepared, systems = vessels
    return PanelMaker([read_run(one) for one in systems], prepared, ReportConfig())


def test_the_positive_class_comes_first_and_the_outside_last() -> None:
    items = tuple(ClassInfo(str(i), (0, 0, 0)) for i in range(4))
    assert class_order(Classes("c", items, positive=2, outside=0)) == (2, 1, 3, 0)
    assert class_order(Classes("c", items)) == (0, 1, 2, 3)


def test_each_class_stands_under_its_reference(maker, vessels) -> None:
    panels = maker.panels(vessels[0].split("test")[1], "case-1")
    assert [row.heading for row in panels.rows] == ["Photograph and reference", "good", "poor", "second"]
    for row in panels.rows:
        assert [panel.caption for panel in row.panels[1:]] == ["vessel", "retina", "beyond"]
    assert [row.panels[0].caption for row in panels.rows] == ["Photograph", "Errors", "Errors", "Errors"]
    ids = [panel.id for row in panels.rows for panel in row.panels]
    assert len(set(ids)) == len(ids) == 16
    assert {panel.back for row in panels.rows for panel in row.panels} == {"case-1"}
    assert panels.columns == 4


def test_maps_show_the_stored_probabilities_and_labels(maker, vessels) -> None:
    prepared, systems = vessels
    sample = prepared.split("test")[2]
    rows = maker.panels(sample, "case-1").rows
    stored = read_class_probabilities(systems[0].predict / "classes" / f"{sample.id}.nii.gz")
    label = prepared.case(sample).targets[CLASS_MAP]
    for place, index in enumerate((1, 2, 0), start=1):
        assert np.abs(pixels(rows[1].panels[place]) / 255 - stored[index]).max() < 0.01
        assert np.array_equal(pixels(rows[0].panels[place]), np.where(label == index, 255, 0))


def test_errors_have_their_colours_and_only_inside_the_field_of_view(maker, vessels) -> None:
    prepared, _ = vessels
    sample = prepared.split("test")[2]
    case = prepared.case(sample)
    observer = maker.panels(sample, "case-1").rows[-1].panels[0]
    shown = pixels(observer).astype(int)
    truth, drawn = case.targets[CLASS_MAP] == 1, case.observers["second"] == 1
    orange, blue = shown[..., 0] - shown[..., 2], shown[..., 2] - shown[..., 0]
    assert (orange[drawn & ~truth & case.fov] > 90).mean() > 0.9
    assert (blue[truth & ~drawn & case.fov] > 60).mean() > 0.9
    assert (shown[truth & drawn & case.fov].min(axis=1) > 170).mean() > 0.9
    assert shown[~case.fov].mean() < 40
    assert observer.legend[0].label.startswith("vessel, found")


def test_without_all_classes_the_positive_one_is_shown(make_world) -> None:
    world = make_world()
    prepared = world.prepare()
    record = read_run(world.run(prepared, "slim", all_classes=False))
    rows = PanelMaker([record], prepared, ReportConfig()).panels(prepared.split("test")[0], "case-1").rows
    assert [panel.caption for panel in rows[1].panels] == ["Errors", "vessel"]
    assert [panel.caption for panel in rows[0].panels] == ["Photograph", "vessel", "retina", "beyond"]


def test_a_missing_prediction_leaves_its_row_out(maker, vessels) -> None:
    prepared, systems = vessels
    away = replace(maker.records[0], folders=replace(systems[0], predict=Path("nowhere")))
    rows = PanelMaker([away, maker.records[1]], prepared, ReportConfig()).panels(prepared.split("test")[0], "c").rows
    assert [row.heading for row in rows] == ["Photograph and reference", "poor", "second"]


def test_panels_have_the_configured_widths(make_world, vessels, maker) -> None:
    config = ReportConfig(image_width=32, detail_width=48)
    rows = PanelMaker(maker.records, vessels[0], config).panels(vessels[0].split("test")[0], "c").rows
    for row in rows:
        assert [panel.width for panel in row.panels] == [48, 32, 32, 32]
        assert all(pixels(panel).shape[:2] == (panel.height, panel.width) for panel in row.panels)
