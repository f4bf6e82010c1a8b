"""Several sets as one. What every dataset must do is tested in tests/contracts."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from retseg.core.errors import ConfigError, LayoutError
from retseg.core.types import CLASS_MAP, INSTANCES
from retseg.datasets.config import DatasetConfig
from retseg.datasets.joined import Joined
from retseg.datasets.registry import DATASETS, generated_root
from retseg.datasets.splits import shared_patients
from retseg.datasets.synthetic.layouts import write_layout

SCENES = """\
classes:
  - {name: background, colour: [0, 0, 128]}
  - {name: person, colour: [255, 0, 0]}
"""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets side by side, a level below: a patient for training, and a copy under the name of one for the test."""
    base = tmp_path_factory.mktemp("data")
    write_layout("chase", base / "sets/CHASE_DB1", count=2, scale=0.1)
    write_layout("hrf", base / "sets/HRF", count=1, scale=0.03)
    for path in [*base.rglob("*01*.*")]:
        shutil.copy(path, path.with_name(path.name.replace("01", "12")))
    return base


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETSEG_DATA", raising=False)


def join(*members: str, **change: object) -> Joined:
    return Joined(DatasetConfig(name="joined", members=members).model_copy(update=change))


def alone(name: str) -> object:
    return DATASETS.get(name)(DatasetConfig(name=name))


def test_every_photograph_of_every_member_is_there_in_its_split(photographs):
    samples = {sample.id: sample for sample in join("chase", "hrf").samples(photographs)}
    for name, folder in (("chase", "CHASE_DB1"), ("hrf", "HRF")):
        for own in alone(name).samples(photographs / "sets" / folder):
            sample = samples.pop(f"{name}-{own.id}")
            assert (sample.patient, sample.origin) == (f"{name}-{own.patient}", (name, own.patient))
            assert (sample.split, sample.eye, sample.files) == (own.split, own.eye, own.files)
    assert not samples
    assert not shared_patients(join("chase", "hrf").samples(photographs))


def test_each_member_is_read_as_by_itself(photographs):
    joined = join("chase", "hrf").at(photographs)
    samples = {sample.id: sample for sample in joined.samples(photographs)}
    for name, folder, own_id, estimated in (("chase", "CHASE_DB1", "Image_12R", True), ("hrf", "HRF", "12_h", False)):
        kind = alone(name)
        root = photographs / "sets" / folder
        own = next(sample for sample in kind.samples(root) if sample.id == own_id)
        expected, case = kind.load(own), joined.load(samples[f"{name}-{own.id}"])
        assert np.array_equal(case.targets[CLASS_MAP], expected.targets[CLASS_MAP])
        assert np.array_equal(case.fov, expected.fov)
        assert case.fov_estimated == expected.fov_estimated == estimated
        assert list(case.observers) == list(expected.observers)
        assert case.sample is samples[f"{name}-{own.id}"]
        drawn = joined.target(case.sample, str(case.sample.reference), case.fov)
        assert np.array_equal(drawn, expected.targets[CLASS_MAP])


def test_settings_of_fields_of_view_hold_for_every_member(photographs):
    joined = join("hrf", estimate_fov=True).at(photographs)
    assert joined.load(joined.samples(photographs)[0]).fov_estimated


def test_a_member_is_found_in_its_usual_place_and_that_is_said(photographs, tmp_path, monkeypatch):
    monkeypatch.setenv("RETSEG_DATA", str(photographs))
    shutil.copytree(photographs / "sets/HRF", tmp_path / "mine/HRF")
    survey = join("chase", "hrf").survey(tmp_path / "mine")
    images = {sample.origin[0]: sample.image for sample in survey.samples}
    assert images["chase"].is_relative_to(photographs)
    assert images["hrf"].is_relative_to(tmp_path / "mine")
    assert [f.path for f in survey.findings if "elsewhere" in f.what] == [photographs / "sets/CHASE_DB1"]


def test_a_member_that_is_nowhere_stops_and_is_named(photographs):
    with pytest.raises(LayoutError, match="drive cannot be found.*datasets show drive"):
        join("chase", "drive").samples(photographs)
    (found,) = [f for f in join("chase", "drive").check(photographs) if f.path == photographs]
    assert (found.severity, found.blocks) == ("error", True)


def test_what_is_amiss_with_a_member_is_found(photographs, tmp_path):
    root = Path(shutil.copytree(photographs, tmp_path / "copy"))
    label = root / "sets/HRF/manual1/01_h.tif"
    assert label not in {finding.path for finding in join("chase", "hrf").check(root)}
    label.unlink()
    assert label in {finding.path for finding in join("chase", "hrf").check(root)}
    with pytest.raises(LayoutError, match="01_h"):
        join("chase", "hrf").samples(root)


def test_generated_members_are_made_in_their_usual_place(photographs, tmp_path):
    joined = join("chase", "synthetic-pedestrians", count=3, size="demo")
    assert joined.to_generate == 3
    joined.generate(tmp_path)
    made = generated_root("synthetic-pedestrians", joined.config)
    assert made.is_dir()
    with pytest.raises(ConfigError, match="different classes.*chase has outside.*pedestrians has background, person"):
        joined.at(photographs)
    alone = join("synthetic-pedestrians", count=3, size="demo").at(tmp_path)
    sample = alone.samples(tmp_path)[0]
    case = alone.load(sample)
    assert sample.image.is_relative_to(made)
    assert np.array_equal(case.targets[INSTANCES] > 0, case.targets[CLASS_MAP] == 1)


def test_classes_that_stand_in_a_folder_are_those_compared(tmp_path):
    joined = join("synthetic-pedestrians", "indexed", count=3, size="demo")
    joined.generate(tmp_path)
    made = generated_root("synthetic-pedestrians", joined.config)
    for folder, source in (("images", "PNGImages"), ("labels", "PedMasks"), ("instances", "PedMasks")):
        (tmp_path / "own" / folder).mkdir(parents=True)
        for path in (made / source).iterdir():
            shutil.copy(path, tmp_path / "own" / folder / path.name.replace("_mask", ""))
    (tmp_path / "own/classes.yaml").write_text(SCENES)
    with pytest.raises(ConfigError, match="different classes"):
        joined.at(tmp_path / "own")
    (tmp_path / "own/classes.yaml").write_text(SCENES.replace("0]}\n", "0], instances: true}\n"))
    assert joined.at(tmp_path / "own").classes.things == (1,)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ((), "no set to join"),
        (("chase", "hrf", "chase"), "'chase' is named twice"),
        (("chase", "joined"), "cannot be a member itself"),
        (("chasse",), "Did you mean chase"),
    ],
)
def test_members_that_cannot_be_joined_are_refused(members, words):
    with pytest.raises(ConfigError, match=words):
        join(*members)


def test_other_sets_have_no_members_and_a_joined_one_no_other_protocol():
    with pytest.raises(ConfigError, match="has no members"):
        DATASETS.get("chase")(DatasetConfig(members=("hrf",)))
    for change in ({"protocol": "10/10"}, {"fold": 1}, {"csv": "a.csv"}):
        with pytest.raises(ConfigError):
            join("stare", **change)


def test_one_command_prepares_the_members_together(photographs, retseg, tmp_path):
    words = ("prepare", "--dataset", "joined", "--set", "dataset.members=[hrf,chase]", "--out", "set", "--workers", "1")
    nowhere = retseg(*words)
    assert nowhere.code == 2
    assert "the dataset hrf is not below" in nowhere.err
    done = retseg(*words, "--root", photographs)
    assert done.code == 0, done.err
    with (tmp_path / "set/index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["origin"], row["split"]) for row in rows} >= {("chase", "test"), ("hrf", "train"), ("hrf", "test")}
    assert len(rows) == 6
    assert all((tmp_path / "set" / row["label"]).is_file() for row in rows)
