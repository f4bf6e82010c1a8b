from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retseg.core.manifest import Manifest
from retseg.core.types import CLASS_MAP, INSTANCES, Case, Classes, ClassInfo, Sample
from retseg.datasets.base import VESSELS
from retseg.datasets.prepared import PreparedSet, save_case, write_index
from retseg.imaging.io import write_png
from retseg.imaging.maps import write_class_probabilities, write_probability
from retseg.stages.compare import compare
from retseg.stages.evaluate import evaluate
from retseg.stages.runner import Plan, run_stage
from retseg.stages.settings import Settings, load_settings

SHAPE = (40, 56)
EVERYDAY = Classes(
    "everyday",
    tuple(ClassInfo(name, (60 * n, 5, 5)) for n, name in enumerate(["sky", "tree", "person", "cow"])),
    things=(2,),
    subject="photograph",
)


@pytest.fixture
def settings() -> Settings:
    return load_settings(None, ["evaluate.resamples=200"])


def prepare(folder: Path, cases: list[Case], classes: Classes) -> PreparedSet:
    def write(out: Path, _: bool) -> dict[str, object]:
        write_index(out, [save_case(out, case) for case in cases])
        return {"dataset": "made up", "classes": classes.to_json()}

    run_stage(Plan("prepare", 1, {}, {}), folder, write)
    return PreparedSet.open(folder)


def case(name: str, label: np.ndarray, ids: np.ndarray | None = None) -> Case:
    sample = Sample(name, name, Path("photograph"), labels={"owner": Path("label")})
    targets = {CLASS_MAP: label} if ids is None else {CLASS_MAP: label, INSTANCES: ids}
    return Case(sample, np.zeros((*label.shape, 3), np.uint8), np.ones(label.shape, bool), targets)


@pytest.fixture
def everyday(tmp_path) -> PreparedSet:
    """Seven photographs with two persons that touch; one photograph is void from edge to edge."""
    rng = np.random.default_rng(0)
    ids = np.zeros(SHAPE, np.uint16)
    ids[8:28, 4:12], ids[8:28, 12:20] = 1, 2
    labels = [np.where(ids > 0, 2, rng.choice(2, SHAPE)).astype(np.uint8) for _ in range(7)]
    labels[6][:] = 255
    cases = [case(f"photo {n}", label, ids) for n, label in enumerate(labels)]
    return prepare(tmp_path / "prepared", cases, EVERYDAY)


def predict(data: PreparedSet, folder: Path, seed: int, separation: str | None = None, noise: float = 0.5) -> Path:
    """Class maps that are wrong here and there, and id maps one column too far to the right."""
    rng = np.random.default_rng(seed)

    def write(out: Path, _: bool) -> dict[str, object]:
        for sample in data.samples:
            loaded = data.case(sample)
            ids = np.roll(loaded.targets[INSTANCES], 1, axis=1)
            label = np.where(ids > 0, 2, loaded.targets[CLASS_MAP] % 2)
            logits = 3 * (label == np.arange(4)[:, None, None]) + noise * rng.standard_normal((4, *label.shape))
            logits += noise * 2 * rng.standard_normal((4, *label.shape)) * (ids == 0)
            probabilities = (np.exp(logits) / np.exp(logits).sum(axis=0)).astype(np.float32)
            write_png(out / "mask" / f"{sample.id}.png", probabilities.argmax(axis=0).astype(np.uint8))
            write_png(out / "instances" / f"{sample.id}.png", ids)
            write_class_probabilities(out / "classes" / f"{sample.id}.nii.gz", probabilities)
        return {"separation": separation} if separation else {}

    run_stage(Plan("predict", 1, {"seed": seed}, {}), folder, write)
    return folder


def table(result) -> list[str]:
    return list(result.manifest.facts["table"])


def test_the_table_of_several_classes(everyday, settings, tmp_path):
    result = evaluate(settings, everyday.folder, predictions=predict(everyday, tmp_path / "net", 1, "watershed"))
    summary = json.loads((result.folder / "summary.json").read_text())
    lines = table(result)
    text = "\n".join(lines)
    assert f"ap           {summary['pooled']['ap']:.4f}" in lines
    assert "N/A: cow (not in the ground truth)." in lines
    assert "figures of shape" not in text
    assert not any(line.startswith(("cldice", "ece")) for line in lines), "no row of n/a for what nobody can have"
    assert any(line.startswith("No cldice") and "no positive class" in line for line in lines)
    heading = next(n for n, line in enumerate(lines) if line.startswith("instances "))
    assert lines[heading].split("  ")[-2:] == ["watershed", "connected components"]
    assert [line.split()[0] for line in lines[heading + 1 : heading + 8]] == [
        "map", "ap50", "pq", "sq", "rq", "aji", "count-error",
    ]  # fmt: skip
    assert any("photo 6" in line and line.startswith("Warning") for line in lines)
    assert lines[-1].startswith("made up, test: 7 photographs; every pixel but void; ")
    with (result.folder / "confusion.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["truth", "sky", "tree", "person", "cow"]


def test_instances_are_called_after_the_way_they_were_told_apart(everyday, settings, tmp_path):
    for separation, name in (("watershed", "watershed"), (None, "predicted")):
        result = evaluate(settings, everyday.folder, predictions=predict(everyday, tmp_path / name, 1, separation))
        summary = json.loads((result.folder / "summary.json").read_text())
        assert list(summary["instances"]["systems"]) == [name, "connected components"]
        assert summary["instances"]["systems"][name]["pooled"]["rq"] == 1
        assert summary["instances"]["systems"]["connected components"]["pooled"]["count-error"] == 1


def test_the_table_of_a_positive_class_names_its_figures_of_shape(settings, tmp_path):
    rng = np.random.default_rng(0)
    labels = [rng.choice([1, 2], SHAPE).astype(np.uint8) for _ in range(2)]
    data = prepare(tmp_path / "prepared", [case(f"eye{n}", label) for n, label in enumerate(labels)], VESSELS)
    for sample, label in zip(data.samples, labels, strict=True):
        path = tmp_path / "maps/prob" / f"{sample.id}.png"
        write_probability(path, np.clip((label == 1) * 0.3 + rng.random(SHAPE) * 0.7, 0, 1).astype(np.float32))
    lines = table(evaluate(settings, data.folder, predictions=tmp_path / "maps"))
    assert "Pooled over all pixels; figures of shape (cldice to nsd) are means over the photographs." in lines
    assert not any(line.startswith(("N/A", "instances")) for line in lines)
    chosen = replace_metrics(settings, ("auc", "dice"))
    assert "Pooled over all pixels." in table(evaluate(chosen, data.folder, predictions=tmp_path / "maps", force=True))


def replace_metrics(settings: Settings, metrics: tuple[str, ...]) -> Settings:
    return settings.model_copy(update={"evaluate": settings.evaluate.model_copy(update={"metrics": metrics})})


def test_two_systems_of_several_classes_can_be_compared(everyday, settings, tmp_path):
    maps = [predict(everyday, tmp_path / "one", 0, noise=0.5), predict(everyday, tmp_path / "two", 1, noise=0.9)]
    scores = [evaluate(settings, everyday.folder, predictions=folder).folder for folder in maps]
    result = compare(settings, everyday.folder, scores, out=tmp_path / "comparison")
    data = json.loads((result.folder / "comparison.json").read_text())
    for folder, name in zip(scores, ("one", "two"), strict=True):
        summary = json.loads((folder / "summary.json").read_text())
        for metric in ("ap", "iou", "accuracy"):
            cell = data["tables"]["pooled"][metric][name]
            assert cell["value"] == pytest.approx(summary["pooled"][metric])
            assert cell["low"] is None or cell["low"] <= cell["value"] <= cell["high"]
            mean = data["tables"]["per_image_mean"][metric][name]
            assert mean["value"] == pytest.approx(summary["per_image_mean"][metric])
            assert [mean["low"], mean["high"]] == summary["intervals"]["per_image_mean"][metric]
    for view in ("pooled", "per_image_mean"):
        (pair,) = [p for p in data["pairs"] if (p["view"], p["metric"]) == (view, "iou")]
        assert pair["low"] > 0
        assert pair["significant"] is not None
    assert "7 photographs; every pixel but void" in (result.folder / "comparison.md").read_text()


def test_the_manifest_of_the_scores_lists_every_file(everyday, settings, tmp_path):
    result = evaluate(settings, everyday.folder, predictions=predict(everyday, tmp_path / "net", 1))
    assert {"confusion.csv", "summary.json", "scores.npz"} <= set(Manifest.read(result.folder).outputs)
    assert evaluate(settings, everyday.folder, predictions=tmp_path / "net").skipped


def test_a_task_without_things_says_nothing_of_instances(everyday, settings, tmp_path):
    cases = [everyday.case(sample) for sample in everyday.samples]
    plain = prepare(tmp_path / "plain", cases, replace(EVERYDAY, things=()))
    result = evaluate(settings, plain.folder, predictions=predict(everyday, tmp_path / "net", 1))
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["instances"] is None
    assert "instances by" not in summary["protocol"]
    assert not any(line.startswith("instances") for line in table(result))
