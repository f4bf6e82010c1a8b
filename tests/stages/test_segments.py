from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError, ImageError, InputError
from retseg.core.manifest import Manifest
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import write_png
from retseg.stages import segments as module
from retseg.stages.predict import predict_photographs
from retseg.stages.prepare import prepare
from retseg.stages.segments import segments
from retseg.stages.settings import load_settings
from tests.conftest import fundus

SETTINGS = load_settings()


def cross(number: int = 0) -> np.ndarray:
    """A mask (60, 80) of two vessels that cross; each number draws it elsewhere."""
    mask = np.zeros((60, 80), bool)
    mask[10:50, 38 + number : 43 + number] = True
    mask[28:33, 10:70] = True
    return mask


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    for number in range(3):
        write_png(tmp_path / f"masks/eye{number}.png", cross(number))
    return tmp_path / "masks"


@pytest.fixture
def prepared(photographs: Path, tmp_path: Path) -> Path:
    lines = ["image,label,um_per_pixel"]
    for number in range(3):
        vessel = fundus(number)[..., 0].astype(int) < 120
        write_png(photographs / f"labels/eye{number}.png", vessel)
        lines.append(f"eye{number}.png,labels/eye{number}.png,{'' if number == 2 else 8}")
    (photographs / "index.csv").write_text("\n".join(lines) + "\n")
    settings = load_settings({"dataset": {"name": "folder"}})
    return prepare(settings, root=photographs, out=tmp_path / "set", workers=1).folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_ids_overlays_and_tables(masks: Path) -> None:
    result = segments(SETTINGS, masks, workers=1)
    assert result.folder == masks.with_name("masks-segments")
    assert dict(result.manifest.facts) == {"images": 3, "failures": 0, "segments": 12, "junctions": 3}
    rows = table(result.folder / "segments.csv")
    assert [(row["image"], row["id"]) for row in rows] == [(f"eye{n}", str(i)) for n in range(3) for i in range(1, 5)]
    assert not any(name.endswith("_um") for name in rows[0])
    for number in range(3):
        ids = np.asarray(Image.open(result.folder / f"segments/eye{number}.png"))
        assert ids.dtype == np.uint16
        assert np.array_equal(ids > 0, cross(number))
        for row in (row for row in rows if row["image"] == f"eye{number}"):
            assert int(row["pixels"]) == (ids == int(row["id"])).sum()
            for end in ("start", "end"):
                assert cross(number)[int(row[f"{end}_y"]), int(row[f"{end}_x"])]
                assert row[end] in ("junction", "end point")
                assert (row[f"{end}_junction"] == "1") == (row[end] == "junction")
        overlay = np.asarray(Image.open(result.folder / f"overlay/eye{number}.png"))
        assert not overlay[~cross(number)].any()
        assert len(np.unique(overlay[cross(number)], axis=0)) == 5, "four segments and the junction's dot"
    first = table(result.folder / "summary.csv")[0]
    counted = [first[name] for name in ("segments", "junctions", "end_points", "rim_ends", "rings")]
    assert counted == ["4", "1", "4", "0", "0"]
    lengths = [float(row["length_px"]) for row in rows if row["image"] == "eye0"]
    assert float(first["total_length_px"]) == pytest.approx(sum(lengths), abs=0.03)
    assert 5 <= float(first["median_calibre_px"]) <= 6
    assert not any(path.name.startswith(".") for path in result.folder.iterdir())


def test_one_process_and_several_give_the_same_bytes(masks: Path, tmp_path: Path) -> None:
    for number in range(3, 8):
        write_png(masks / f"sub/eye{number}.png", cross(number))
    one = segments(SETTINGS, masks, out=tmp_path / "one", workers=1)
    two = segments(SETTINGS, masks, out=tmp_path / "two", workers=2)
    assert one.manifest.outputs == two.manifest.outputs
    assert "segments/sub/eye7.png" in one.manifest.outputs


def test_a_bad_mask_is_listed_and_an_empty_one_is_none(masks: Path) -> None:
    Image.fromarray(fundus()).save(masks / "photo.png")
    (masks / "torn.png").write_bytes(b"no image")
    write_png(masks / "full.png", np.ones((40, 40), bool))
    write_png(masks / "empty.png", np.zeros((40, 40), bool))
    result = segments(SETTINGS, masks, workers=1)
    assert (result.manifest.facts["images"], result.manifest.facts["failures"]) == (4, 3)
    reasons = {row["id"]: row["reason"] for row in table(result.folder / "failures.csv")}
    assert set(reasons) == {"photo", "torn", "full"}
    assert "colours" in reasons["photo"]
    assert "fills the whole field of view" in reasons["full"]
    assert all(str(masks) in reason for reason in reasons.values())
    empty = next(row for row in table(result.folder / "summary.csv") if row["image"] == "empty")
    assert (empty["segments"], empty["total_length_px"], empty["median_calibre_px"]) == ("0", "0.00", "")


def test_a_known_scale_gives_micrometres(masks: Path) -> None:
    result = segments(SETTINGS, masks, um_per_pixel=2.5, workers=1)
    for row in table(result.folder / "segments.csv"):
        for name in ("length", "chord", "mean_calibre", "median_calibre"):
            assert float(row[f"{name}_um"]) == pytest.approx(2.5 * float(row[f"{name}_px"]), abs=0.02)
    assert table(result.folder / "summary.csv")[0]["um_per_pixel"] == "2.5"


def test_unchanged_is_skipped_and_a_changed_mask_is_not(masks: Path) -> None:
    first = segments(SETTINGS, masks, workers=1)
    assert segments(SETTINGS, masks, workers=1).skipped
    write_png(masks / "eye1.png", cross(9))
    second = segments(SETTINGS, masks, workers=1)
    assert not second.skipped
    assert second.manifest.key != first.manifest.key


def test_an_interrupted_run_goes_on(masks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (masks / "bad.png").write_bytes(b"no image")
    whole = segments(SETTINGS, masks, out=tmp_path / "whole", workers=1)
    divide, seen = module._divide, []

    def interrupted(mask, folder):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(mask.id)
        return divide(mask, folder)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_divide", interrupted)
        with pytest.raises(KeyboardInterrupt):
            segments(SETTINGS, masks, workers=1)
    again: list[str] = []
    monkeypatch.setattr(module, "_divide", lambda mask, folder: (again.append(mask.id), divide(mask, folder))[1])
    result = segments(SETTINGS, masks, workers=1)
    assert sorted(seen + again) == ["bad", "eye0", "eye1", "eye2"]
    assert result.manifest.outputs == whole.manifest.outputs


def test_labels_of_a_prepared_set(prepared: Path) -> None:
    result = segments(load_settings({"dataset": {"name": str(prepared)}}), workers=1)
    by_path = segments(SETTINGS, prepared, workers=1)
    assert by_path.skipped, "the set may be named either way"
    data = PreparedSet.open(prepared)
    for sample in data.samples:
        case = data.case(sample)
        ids = np.asarray(Image.open(result.folder / f"segments/{sample.id}.png"))
        assert np.array_equal(ids > 0, case.targets["classes"] == data.classes.positive)
        overlay = np.asarray(Image.open(result.folder / f"overlay/{sample.id}.png")).astype(float)
        off = (ids == 0) & case.fov
        assert overlay[off] == pytest.approx(0.45 * case.image[off], abs=0.51), "the photograph, dimmed"
    scales = {row["image"]: row["um_per_pixel"] for row in table(result.folder / "summary.csv")}
    assert scales == {"eye0": "8", "eye1": "8", "eye2": ""}
    assert any(row["start"] == "rim" or row["end"] == "rim" for row in table(result.folder / "segments.csv"))


def test_predictions_with_their_fields_of_view(photographs: Path, tmp_path: Path) -> None:
    made = predict_photographs(SETTINGS, photographs, method="frangi", out=tmp_path / "found", device="cpu")
    result = segments(SETTINGS, made.folder, workers=1)
    assert result.folder == tmp_path / "found-segments"
    assert result.manifest.inputs["predictions"] == made.manifest.digest
    for number in range(3):
        ids = np.asarray(Image.open(result.folder / f"segments/eye{number}.png"))
        assert np.array_equal(ids > 0, np.asarray(Image.open(made.folder / f"mask/eye{number}.png")) > 0)
    assert segments(SETTINGS, made.folder / "mask", workers=1).skipped, "its mask folder stands for it"


def test_a_field_of_view_of_another_size_is_a_failure(masks: Path) -> None:
    write_png(masks / "fov/eye1.png", np.ones((61, 80), bool))
    write_png(masks / "fov/eye2.png", np.ones((60, 80), bool))
    result = segments(SETTINGS, masks, workers=1)
    (failure,) = table(result.folder / "failures.csv")
    assert failure["id"] == "eye1"
    assert "80x60 and 80x61" in failure["reason"]


def without_a_positive_class(folder: Path) -> None:
    manifest = Manifest.read(folder)
    classes = manifest.facts.get("classes") or manifest.facts["card"]["classes"]
    classes["positive"] = None
    manifest.write(folder)


def test_a_task_without_vessels_is_refused(prepared: Path, photographs: Path, tmp_path: Path) -> None:
    made = predict_photographs(SETTINGS, photographs, method="frangi", out=tmp_path / "found", device="cpu")
    for folder in (prepared, made.folder):
        without_a_positive_class(folder)
        with pytest.raises(InputError, match="segments need vessels, and the task 'vessels' has no positive class"):
            segments(SETTINGS, folder)


def test_mistakes(masks: Path, prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "run/train").mkdir(parents=True)
    with pytest.raises(InputError, match="no such file or folder"):
        segments(SETTINGS, tmp_path / "nowhere")
    with pytest.raises(InputError, match="no mask is in this folder"):
        segments(SETTINGS, tmp_path / "empty")
    with pytest.raises(InputError, match="this is a run"):
        segments(SETTINGS, tmp_path / "run")
    with pytest.raises(InputError, match="the result of `retseg segments`"):
        segments(SETTINGS, segments(SETTINGS, masks, workers=1).folder)
    with pytest.raises(ConfigError, match="a run or a dataset too"):
        segments(SETTINGS, masks, run=tmp_path / "run")
    with pytest.raises(InputError, match="no 'validation' photographs"):
        segments(SETTINGS, prepared, split="validation")
    with pytest.raises(InputError, match="none of the 3 masks can be used"):
        segments(SETTINGS, prepared / "images")
    with pytest.raises(ImageError, match="colours"):
        segments(SETTINGS, prepared / "images/eye0.png")


def test_photographs_without_labels_have_none_to_divide(photographs: Path, tmp_path: Path) -> None:
    settings = load_settings({"dataset": {"name": "folder"}})
    folder = prepare(settings, root=photographs, out=tmp_path / "set", workers=1).folder
    with pytest.raises(InputError, match="have no labels"):
        segments(SETTINGS, folder)
