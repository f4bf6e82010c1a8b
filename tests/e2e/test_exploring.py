"""Around training: sweeps over settings, several runs as one, and adapting to another camera without labels."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.manifest import Manifest
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.maps import read_class_probabilities
from retseg.inference.checkpoint import read_card
from retseg.stages import pseudo_set, sweep
from retseg.stages.crossvalidate import cross_validate
from retseg.stages.locate import newest_prepared
from retseg.stages.settings import load_settings
from tests.conftest import fundus

PIPELINE = """
name: tiny
dataset: {name: folder}
sampling: {patch_size: 32}
train: {epochs: 2, steps_per_epoch: 2, batch: 2, validation_tiles: 1}
model: {arch: unet, options: {width: 4, depth: 2}}
"""
QUICK = ("train.epochs=1", "train.steps_per_epoch=2", "train.batch=2", "sampling.patch_size=32",
         "model.options={width: 4, depth: 2}")  # fmt: skip
EYES = ("--root", "eyes")
FEW = ("--set", "evaluate.resamples=100", "--set", "evaluate.metrics=[dice]")


@pytest.fixture
def at_home(retseg, home, monkeypatch):
    """The command line in a folder that the tests of this module share."""
    (home / "tiny.yaml").write_text(PIPELINE)
    monkeypatch.chdir(home)
    return retseg


@pytest.fixture
def runs(at_home, home):
    """Two nets trained on one set, whose inputs have different grids."""
    made = at_home("prepare", "--dataset", "folder", "--root", "eyes", "--out", "set")
    assert made.code == 0, made.err
    for name, diameter in (("one", 64), ("two", 96)):
        sets = [word for one in (*QUICK, f"input.diameter={diameter}") for word in ("--set", one)]
        trained = at_home("train", "--dataset", "set", "--arch", "unet", "--out", f"runs/{name}", *sets)
        assert trained.code == 0, trained.err
    return home / "runs"


@pytest.mark.parametrize("command", ["sweep", "adapt", "predict"])
def test_help_has_examples_that_fit(at_home, command):
    outcome = at_home(command, "--help")
    assert outcome.code == 0
    examples = outcome.out[outcome.out.index("Example") :].splitlines()[1:]
    shown = [line.strip() for line in examples[: examples.index("")]]
    assert shown
    assert all(line.startswith(f"retseg {command} ") for line in shown)


def sweep_folder(home: Path, outcome) -> Path:
    return (home / outcome.last_line).parent


def test_a_sweep_ranks_by_validation_patients_and_reads_no_test_photograph(at_home, home, monkeypatch):
    opened = PreparedSet.case

    def trained_only(self, sample):
        assert sample.split == "train"
        return opened(self, sample)

    monkeypatch.setattr(PreparedSet, "case", trained_only)
    sets = ("--set", "train.lr=1e-3,3e-2,1e30", "--set", "train.epochs=1")
    outcome = at_home("sweep", "tiny.yaml", *EYES, *sets)
    assert outcome.code == 0, outcome.err
    assert "Combination 3 of 3: train.lr=1e30" in outcome.out
    folder = sweep_folder(home, outcome)
    rows = list(csv.DictReader((folder / "sweep.csv").open()))
    assert {row["train.lr"] for row in rows[:2]} == {"1e-3", "3e-2"}
    assert float(rows[0]["validation_dice"]) >= float(rows[1]["validation_dice"])
    assert rows[2]["train.lr"] == "1e30"
    assert "learning rate" in rows[2]["failed"]
    for row in rows[:2]:
        facts = Manifest.read(home / row["folder"] / "train").facts
        assert float(row["validation_dice"]) == pytest.approx(facts["validation_dice"], abs=1e-6)
        (kept,) = csv.DictReader((home / row["folder"] / "train/history.csv").open())
        assert (row["validation_auc"], row["validation_loss"]) == (kept["validation_auc"], kept["validation_loss"])
        assert row["parameters"] == str(facts["parameters"])
    assert "test photographs have no say" in (folder / "sweep.md").read_text().replace("\n", " ")
    assert not (home / rows[0]["folder"] / "predict").exists()


def test_the_command_that_a_sweep_ends_with_works(at_home, home):
    outcome = at_home("sweep", "tiny.yaml", *EYES, "--set", "train.lr=1e-3,3e-2", "--set", "train.epochs=1")
    data = json.loads((sweep_folder(home, outcome) / "sweep.json").read_text())
    trained = at_home(*shlex.split(data["command"])[1:])
    assert trained.code == 0, trained.err
    best = data["trials"][0]
    config = Manifest.read(home / trained.last_line / "train").config
    assert config["train"]["epochs"] == 2
    before = Manifest.read(home / best["folder"] / "train").config
    assert {**config, "train": {**config["train"], "epochs": 1}} == dict(before)


def test_an_interrupted_sweep_goes_on_and_a_finished_one_is_unchanged(at_home, home, monkeypatch):
    sets = ("--set", "train.lr=2e-3,4e-3", "--set", "train.epochs=1")
    trained, calls = sweep.train, []

    def interrupted(*words, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return trained(*words, **options)

    with monkeypatch.context() as patched:
        patched.setattr(sweep, "train", interrupted)
        assert at_home("sweep", "tiny.yaml", *EYES, *sets).code == 130
    again = at_home("sweep", "tiny.yaml", *EYES, *sets)
    assert again.code == 0, again.err
    assert again.out.count("  unchanged") == 1
    assert again.out.count("  done in") == 1
    third = at_home("sweep", "tiny.yaml", *EYES, *sets)
    assert third.out.count("  unchanged") == 2
    assert third.last_line == again.last_line


def test_combinations_that_come_to_the_same_are_trained_once(at_home, home):
    (home / "two.yaml").write_text(PIPELINE + "runs:\n  a: {train: {lr: 0.01}}\n  b: {train: {lr: 0.02}}\n")
    outcome = at_home("sweep", "two.yaml", *EYES, "--set", "train.lr=5e-3", "--set", "train.epochs=1")
    assert outcome.code == 0, outcome.err
    assert "the same training as a" in outcome.out
    apart = at_home("sweep", "two.yaml", *EYES, "--set", "train.epochs=1", "--set", "loss.name=dice,cross-entropy")
    rows = list(csv.DictReader((sweep_folder(home, apart) / "sweep.csv").open()))
    assert {(row["run"], row["loss.name"]) for row in rows} == {
        ("a", "dice"), ("a", "cross-entropy"), ("b", "dice"), ("b", "cross-entropy"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "train.lrr=1,2"), "unknown configuration key 'train.lrr'"),
        (("--set", "train.validation_fraction=0"), "--set train.validation_fraction="),
        (("--set", "train.lr=1e30", "--set", "train.epochs=1"), "nothing can be trained"),
        (("--set", "train.lr=1e-4..1e-2"), "--random N"),
    ],
)
def test_a_sweep_in_which_nothing_can_be_trained_ends_in_one_line(at_home, words, message):
    outcome = at_home("sweep", "tiny.yaml", *EYES, *words)
    assert outcome.code == 2
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]


def test_random_draws_are_repeated_by_the_seed(at_home, home):
    words = ("sweep", "tiny.yaml", *EYES, "--random", 2, "--set", "train.lr=1e-4..1e-2", "--set", "train.epochs=1")
    first, again, other = at_home(*words), at_home(*words), at_home(*words, "--seed", 1)
    assert again.out.count("  unchanged") == 2
    assert first.last_line == again.last_line != other.last_line


def test_several_runs_are_averaged_and_their_thresholds_too(at_home, home, runs, photographs):
    folder = home / "photos"
    shutil.copytree(photographs, folder, dirs_exist_ok=True)
    each = {}
    for name in ("one", "two"):
        outcome = at_home("predict", "photos", "--run", f"runs/{name}", "--all-classes")
        assert outcome.code == 0, outcome.err
        each[name] = home / outcome.last_line
    outcome = at_home("predict", "photos", "--run", "runs/one", "--run", "two", "--all-classes")
    assert outcome.code == 0, outcome.err
    assert "the mean of 2 runs" in outcome.out
    both = home / outcome.last_line
    assert both.parent.parent.name.startswith("ensemble-")
    for path in (both / "classes").glob("*.nii.gz"):
        alone = [read_class_probabilities(place / "classes" / path.name) for place in each.values()]
        assert np.abs(alone[0] - alone[1]).max() > 0.01
        np.testing.assert_allclose(read_class_probabilities(path), np.mean(alone, axis=0), atol=1.1 / 65535)
    points = [json.loads((place / "operating_point.json").read_text()) for place in (*each.values(), both)]
    assert points[2]["threshold"] == pytest.approx((points[0]["threshold"] + points[1]["threshold"]) / 2)
    assert "mean of 2 members' frozen thresholds" in points[2]["criterion"]
    mask = np.asarray(Image.open(both / "mask/eye0.png")) > 0
    prob = np.asarray(Image.open(both / "prob/eye0.png")) / 65535
    fov = np.asarray(Image.open(both / "fov/eye0.png")) > 0
    assert (mask == ((prob > points[2]["threshold"]) & fov)).all()
    facts = Manifest.read(both).facts
    assert {Path(run).name for run in facts["runs"]} == {"one", "two"}
    swapped = at_home("predict", "photos", "--run", "two", "--run", "one", "--all-classes")
    assert "nothing to do" in swapped.out
    assert swapped.last_line == outcome.last_line
    named = at_home("predict", "photos", "--run", both.parent.parent.name, "--all-classes")
    assert named.last_line == outcome.last_line


def test_an_ensemble_is_scored_but_not_on_patients_that_a_member_saw(at_home, home, runs):
    words = ("evaluate", "--run", "runs/one", "--run", "runs/two", "--dataset", "set", *FEW)
    outcome = at_home(*words)
    assert outcome.code == 0, outcome.err
    scores = home / outcome.last_line
    assert scores.parent.parent.name.startswith("ensemble-")
    summary = json.loads((scores / "summary.json").read_text())
    assert summary["system"] == scores.parent.parent.name
    refused = at_home(*words, "--split", "train")
    assert refused.code == 2
    assert "these scores would be no test" in refused.err
    twice = at_home("evaluate", "--run", "runs/one", "--run", "one", "--dataset", "set")
    assert twice.code == 2
    assert "the same run was given twice" in twice.err
    compared = at_home("compare", scores, "runs/one", "--dataset", "set", "--out", "versus", *FEW)
    assert compared.code == 0, compared.err


def test_a_cross_validation_stands_for_the_nets_of_its_folds(at_home, home, runs):
    settings = load_settings(None, [*QUICK, "evaluate.resamples=100", "evaluate.metrics=[dice]"])
    pooled = cross_validate(settings, Path("set"), 2, workers=1, say=lambda line: None)
    folder = pooled.folder.parent.parent
    Image.fromarray(fundus(4)).save(home / "eye.png")
    outcome = at_home("predict", "eye.png", "--run", folder)
    assert outcome.code == 0, outcome.err
    members = Manifest.read(home / outcome.last_line).facts["runs"]
    assert len(members) == 2
    seen = [set(read_card(home / run / "train/best.safetensors").patients_behind_weights("folder")) for run in members]
    everyone = {sample.patient for sample in PreparedSet.open(home / "set").samples}
    assert set.union(*seen) == everyone
    refused = at_home("evaluate", "--run", folder, "--dataset", "set", *FEW)
    assert refused.code == 2
    assert "these scores would be no test" in refused.err


def test_members_of_another_task_are_refused(at_home, home, runs, monkeypatch):
    from retseg.core.types import Classes, ClassInfo
    from retseg.stages import run_model

    cards = iter([read_card(runs / "one/train/best.safetensors")] * 2)
    scene = Classes("scene", (ClassInfo("sky", (0, 0, 0)), ClassInfo("road", (9, 9, 9))))

    def other(weights):
        card = next(cards)
        return card if "one" in str(weights) else type(card).from_json({**card.to_json(), "classes": scene.to_json()})

    monkeypatch.setattr(run_model, "_read_card", other)
    outcome = at_home("predict", "set/images", "--run", "one", "--run", "two")
    assert outcome.code == 2
    assert "runs/one has" in outcome.err
    assert "runs/two has sky, road" in outcome.err


ADAPT = ("--set", "train.epochs=1", "--set", "train.steps_per_epoch=2")


def test_a_run_adapts_to_photographs_without_labels(at_home, home, runs, photographs):
    folder = home / "clinic"
    shutil.copytree(photographs, folder, dirs_exist_ok=True)
    words = ("adapt", "clinic", "--run", "runs/one", "--certainty", "0.3", *ADAPT)
    outcome = at_home(*words)
    assert outcome.code == 0, outcome.err
    run = home / outcome.last_line
    assert run.name.startswith("clinic-adapted-unet-")
    facts = Manifest.read(run / "train").facts
    data = PreparedSet.open(home / facts["pseudo_labels"])
    card, before = (read_card(one / "train/best.safetensors") for one in (run, runs / "one"))
    assert card.train_patients == ("eye0", "eye1", "eye2")
    assert card.operating_point.threshold == before.operating_point.threshold
    assert "kept from one)" in card.operating_point.criterion
    assert json.loads((run / "train/operating_point.json").read_text())["threshold"] == card.operating_point.threshold
    # The first training's patients are still known, and so is where its threshold was fitted.
    assert before.patients_behind_weights("folder") <= card.patients_behind_weights("folder")
    config = Manifest.read(run / "train").config
    assert config["train"]["lr"] == pytest.approx(0.1 * Manifest.read(runs / "one/train").config["train"]["lr"])
    assert (config["train"]["validation_fraction"], config["train"]["keep"]) == (0.0, "last")
    assert config["input"]["diameter"] == 64
    labels = np.concatenate([np.ravel(data.case(sample).targets["classes"]) for sample in data.samples])
    ignored = {sample.id: data.case(sample) for sample in data.samples}
    assert (labels == data.classes.ignore).any()
    for case in ignored.values():
        assert (case.targets["classes"][~case.fov] == data.classes.outside).all()
        assert (case.targets["classes"][case.fov] != data.classes.outside).all()
    again = at_home(*words)
    assert "fine-tuning: unchanged" in again.out
    assert again.last_line == outcome.last_line
    predicted = at_home("predict", "clinic", "--run", run)
    assert predicted.code == 0, predicted.err


def test_adapting_reads_no_label_and_no_test_photograph(at_home, home, runs, monkeypatch):
    whole = home / "set"
    read_label, read_image = pseudo_set.read_label, pseudo_set.read_image
    files: list[Path] = []
    monkeypatch.setattr(pseudo_set, "read_label", lambda path: (files.append(Path(path)), read_label(path))[1])
    monkeypatch.setattr(pseudo_set, "read_image", lambda path: (files.append(Path(path)), read_image(path))[1])
    sources = PreparedSet.case
    monkeypatch.setattr(
        PreparedSet, "case", lambda self, sample: (files.append(sample.image), sources(self, sample))[1]
    )
    outcome = at_home("adapt", "--dataset", "set", "--run", "runs/two", "--rounds", 2, "--certainty", 0.6, *ADAPT)
    assert outcome.code == 0, outcome.err
    assert "their labels, if any, are not read" in outcome.out
    assert "Round 2 of 2" in outcome.out
    original = [path for path in files if path.resolve().is_relative_to(whole)]
    test = {sample.id for sample in PreparedSet.open(whole).split("test")}
    assert original
    assert all(path.resolve().parent == whole / "images" for path in original)
    assert not any(path.stem in test for path in original)
    run = home / outcome.last_line
    assert Manifest.read(run / "train").facts["adapted_from"] != "runs/two"
    first = read_card(runs / "two/train/best.safetensors").operating_point
    assert read_card(run / "train/best.safetensors").operating_point.threshold == first.threshold
    assert newest_prepared("folder").parent.name != "pseudo"
    refused = at_home("evaluate", "--run", run, "--dataset", "set", "--split", "train", *FEW)
    assert refused.code == 2
    scored = at_home("evaluate", "--run", run, "--dataset", "set", *FEW)
    assert scored.code == 0, scored.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("clinic", "--dataset", "set"), "Give PHOTOS, or --dataset, not both"),
        (("nowhere",), "no such file or folder"),
        (("--dataset", "set", "--certainty", "0"), "is no share of the pixels"),
    ],
)
def test_what_cannot_be_adapted_to_is_explained(at_home, runs, words, message):
    outcome = at_home("adapt", "--run", "runs/one", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_method_has_no_weights_to_adapt(at_home, home, runs):
    made = at_home("predict", "set/images", "--method", "frangi")
    assert made.code == 0, made.err
    run = (home / made.last_line).parent.parent
    outcome = at_home("adapt", "set/images", "--run", run)
    assert outcome.code == 2
    assert "a training-free method has no weights to adapt" in outcome.err
