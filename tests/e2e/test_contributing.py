"""The code in CONTRIBUTING.md works as it stands there: a dataset, a net and a metric of another package."""

from __future__ import annotations

import csv
import importlib
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import Value
from retseg.core.types import Classes, ClassInfo
from retseg.datasets.registry import DATASETS
from retseg.methods.registry import METHODS
from retseg.metrics.registry import METRICS
from retseg.models.registry import MODELS
from retseg.postprocess.registry import SEPARATIONS, separate
from tests.conftest import fundus

REGISTRIES = (DATASETS, MODELS, METRICS, BIOMARKERS, METHODS, SEPARATIONS)

TEXT = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def my_package(tmp_path, monkeypatch):
    """The examples as a package, found through entry points exactly as CONTRIBUTING.md writes them."""
    folder = tmp_path / "site" / "my_package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    for name, code in re.findall(r"```python\n# my_package/(\w+\.py)\n(.*?)```", TEXT, flags=re.S):
        (folder / name).write_text(code)
    points = [
        EntryPoint(name, value, group)
        for group, name, value in re.findall(
            r'\[project\.entry-points\."(retseg\.\w+)"\]\n([\w-]+) = "(my_package[\w.:]+)"', TEXT
        )
    ]
    kinds = ("datasets", "models", "metrics", "biomarkers", "methods", "postprocess")
    assert {point.group for point in points} == {f"retseg.{kind}" for kind in kinds}
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()
    monkeypatch.setattr("retseg.core.registry.entry_points", lambda group: [p for p in points if p.group == group])
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_merged", None)
    yield
    for registry in REGISTRIES:
        registry._merged = None
    for name in [name for name in sys.modules if name.startswith("my_package")]:
        del sys.modules[name]


def test_from_the_new_dataset_through_the_new_net_to_the_new_metric(my_package, retseg, tmp_path):
    for folder in ("photos", "vessels", "fov"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    for number in range(4):
        image, name = fundus(number), f"p{number}_1.png"
        inside = image.max(2) > 20
        Image.fromarray(image).save(tmp_path / "set" / "photos" / name)
        Image.fromarray((inside & (image[..., 0] < 120)).astype(np.uint8) * 255).save(tmp_path / "set/vessels" / name)
        Image.fromarray(inside.astype(np.uint8) * 255).save(tmp_path / "set" / "fov" / name)
    assert "my photographs" in retseg("datasets", "list").out.lower()
    prepared = retseg("prepare", "--dataset", "mine", "--root", "set")
    assert prepared.code == 0, prepared.err
    trained = retseg("train", "--arch", "tiny", "--set", "model.options.width=4", "--set", "train.max_steps=1")
    assert trained.code == 0, trained.err
    assert retseg("models", "show", "tiny").code == 0
    scored = retseg("evaluate", "--set", "evaluate.metrics=[dice,youden]")
    assert scored.code == 0, scored.err
    rows = list(csv.DictReader((tmp_path / scored.last_line / "metrics.csv").open()))
    assert {"dice", "youden"} == {row["metric"] for row in rows}
    rival = retseg("evaluate", "--method", "darkness", "--set", "evaluate.metrics=[dice,youden]")
    assert rival.code == 0, rival.err
    assert (tmp_path / rival.last_line / "summary.json").is_file()


def test_the_new_separation_cuts_a_neck(my_package):
    """Two discs joined by a bridge of four pixels: one thing for connected components, two for it."""
    rows, columns = np.mgrid[:60, :120]
    mask = ((rows - 30) ** 2 + (columns - 30) ** 2 < 400) | ((rows - 30) ** 2 + (columns - 85) ** 2 < 400)
    mask |= (np.abs(rows - 30) < 2) & (columns > 30) & (columns < 85)
    classes = Classes("discs", (ClassInfo("table", (0, 0, 0)), ClassInfo("disc", (9, 9, 9))), things=(1,))
    counts = {way: int(separate(mask.astype(np.uint8), classes, {}, way).max()) for way in ("components", "necks")}
    assert counts == {"components": 1, "necks": 2}


def test_the_new_biomarker_is_measured_or_says_why_not(my_package):
    mask = np.zeros((120, 160), bool)
    mask[20:24, 10:150] = True
    eye = Eye(mask, np.ones_like(mask), um_per_pixel=5.0)
    result = measure(eye, ["longest-segment"])["longest-segment"]
    assert result == NotMeasured("only {count} segments have a length", count=1)
    mask[50:54, 10:60] = mask[80:84, 10:60] = True
    result = measure(Eye(mask, eye.fov, 5.0))["longest-segment"]
    assert isinstance(result, Value)
    assert (result.number, result.unit) == (pytest.approx(140 * 5.0, rel=0.04), "µm")
