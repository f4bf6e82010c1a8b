from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest
from retseg.datasets.folder import photographs as found_in
from retseg.datasets.synthetic.cameras import find_camera
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.io import write_png
from retseg.stages import measure as module
from retseg.stages.measure import calibre_picture, measure
from retseg.stages.predict import predict_photographs
from retseg.stages.settings import load_settings

SETTINGS = load_settings()
SIDE = 400


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two drawn photographs, and a prediction of them whose masks are the drawn vessels."""
    home = tmp_path_factory.mktemp("measured")
    camera = find_camera("demo")
    camera = camera.scaled(SIDE / camera.width)
    eyes = [generate(seed, camera) for seed in (1, 2)]
    (home / "photos").mkdir()
    for number, eye in enumerate(eyes):
        Image.fromarray(eye.image).save(home / f"photos/eye{number}.png")
    folder = predict_photographs(SETTINGS, home / "photos", method="frangi", out=home / "maps").folder
    for number, eye in enumerate(eyes):
        write_png(folder / f"mask/eye{number}.png", eye.vessel)
        write_png(folder / f"prob/eye{number}.png", np.where(eye.vessel, 60000, 2000).astype(np.uint16))
    return home / "photos", folder


def contents(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_each_photograph_gets_landmarks_quality_and_measurements(predicted, tmp_path):
    photos, folder = predicted
    result = measure(SETTINGS, folder, found_in(photos), out=tmp_path / "measure", workers=1)
    assert result.manifest.facts["images"] == 2
    found = contents(result.folder / "photographs/eye0.json")
    assert found["quality"]["grade"] in ("good", "usable")
    assert found["size"] == [SIDE, SIDE] or found["size"][1] == SIDE
    density = found["measurements"]["area-density"]
    assert 0.02 < density["value"] < 0.3
    assert density["low"] <= density["value"] <= density["high"]
    assert found["measurements"]["crae"]["value"] is None
    assert found["measurements"]["crae"]["reason"]["pattern"] == "needs an artery/vein map"
    names = [one["name"] for one in json.loads((result.folder / "definitions.json").read_text())]
    assert set(found["measurements"]) == set(names)
    rows = list(csv.DictReader((result.folder / "measurements.csv").open()))
    assert [row["id"] for row in rows] == ["eye0", "eye1"]
    assert float(rows[0]["area-density"]) == density["value"]
    assert rows[0]["crae"] == ""
    model = contents(result.folder / "model.json")
    assert model["threshold"] == round(Manifest.read(folder).facts["threshold"]["threshold"], 4)
    assert measure(SETTINGS, folder, found_in(photos), out=tmp_path / "measure", workers=1).skipped


def test_a_known_scale_gives_micrometres(predicted, tmp_path):
    from dataclasses import replace

    photos, folder = predicted
    samples = [replace(sample, um_per_pixel=10.0) for sample in found_in(photos)][:1]
    result = measure(SETTINGS, folder, samples, out=tmp_path / "scaled", workers=1)
    found = contents(result.folder / "photographs/eye0.json")
    assert found["um_per_pixel"] == 10.0
    assert found["scale"]["pattern"] == "given with the photograph"
    width = found["measurements"]["calibre-mean"]
    assert width["unit"] == "µm"
    other = measure(SETTINGS, folder, [replace(samples[0], um_per_pixel=20.0)], out=tmp_path / "double", workers=1)
    double = contents(other.folder / "photographs/eye0.json")["measurements"]["calibre-mean"]
    assert double["value"] == pytest.approx(2 * width["value"])


def test_what_the_gate_rejects_is_measured_only_if_asked(predicted, tmp_path):
    photos, folder = predicted
    (tmp_path / "dark").mkdir()
    picture = np.asarray(Image.open(photos / "eye0.png"))
    Image.fromarray((picture * 0.05).astype(np.uint8)).save(tmp_path / "dark/eye0.png")
    samples = found_in(tmp_path / "dark")
    result = measure(SETTINGS, folder, samples, out=tmp_path / "gated", workers=1)
    found = contents(result.folder / "photographs/eye0.json")
    assert found["quality"]["grade"] == "reject"
    assert found["quality"]["reasons"]
    assert found["measurements"] == {}
    asked = load_settings({"measure": {"rejected": True}})
    result = measure(asked, folder, samples, out=tmp_path / "asked", workers=1)
    assert contents(result.folder / "photographs/eye0.json")["measurements"]["area-density"]["value"] > 0


def test_one_bad_photograph_is_listed_and_the_others_are_measured(predicted, tmp_path):
    photos, folder = predicted
    (tmp_path / "some").mkdir()
    (tmp_path / "some/eye0.png").write_bytes((photos / "eye0.png").read_bytes())
    Image.new("RGB", (50, 40)).save(tmp_path / "some/eye1.png")
    result = measure(SETTINGS, folder, found_in(tmp_path / "some"), out=tmp_path / "out", workers=1)
    assert result.manifest.facts["images"] == 1
    (row,) = csv.DictReader((result.folder / "failures.csv").open())
    assert row["id"] == "eye1"
    assert "not the one that was predicted" in row["reason"]


def test_an_interrupted_measuring_goes_on(predicted, tmp_path, monkeypatch):
    photos, folder = predicted
    real = module.measure_photograph

    def interrupted(image, *rest):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(1)
        return real(image, *rest)

    calls: list[int] = []
    monkeypatch.setattr(module, "measure_photograph", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure(SETTINGS, folder, found_in(photos), out=tmp_path / "out", workers=1)
    calls.clear()
    monkeypatch.setattr(module, "measure_photograph", lambda *words: calls.append(1) or real(*words))
    result = measure(SETTINGS, folder, found_in(photos), out=tmp_path / "out", workers=1)
    assert len(calls) == 1
    assert result.manifest.facts["images"] == 2


def test_a_prediction_without_vessels_cannot_be_measured(predicted, tmp_path):
    photos, folder = predicted
    (tmp_path / "maps").mkdir()
    text = (folder / "manifest.json").read_text()
    changed = json.loads(text)
    changed["facts"]["threshold"] = None
    (tmp_path / "maps/manifest.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match="no threshold"):
        measure(SETTINGS, tmp_path / "maps", found_in(photos), workers=1)


def test_pictures_of_centrelines_hold_four_times_the_calibre():
    mask = np.zeros((60, 80), bool)
    mask[27:34, 5:75] = True
    picture = calibre_picture(mask, np.ones_like(mask))
    line = picture[:, 20:60]
    assert set(np.unique(line)) <= {0, 28, 32}
    assert (line > 0).sum() == 40
