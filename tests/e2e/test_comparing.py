"""Anyone's maps, training-free methods and nets in the same tables: evaluate, compare, benchmark."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import retseg as retseg_package
from retseg.datasets.synthetic.layouts import write_layout

QUICK = ("--set", "train.epochs=1", "--set", "train.max_steps=2", "--set", "sampling.patch_size=64",
         "--set", "evaluate.resamples=200")  # fmt: skip
FEW = ("--set", "evaluate.resamples=200")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def at_home(retseg, home, monkeypatch):
    """The command line in a folder that the tests of this module share."""
    monkeypatch.chdir(home)
    return retseg


@pytest.fixture
def net(at_home, home):
    """A run of a net that has been scored."""
    prepared = at_home("prepare", "--set", "dataset.count=8", "--set", "dataset.size=small", "--out", "set")
    assert prepared.code == 0, prepared.err
    trained = at_home("train", "--dataset", "set", "--arch", "segnet", "--out", "runs/net", *QUICK)
    assert trained.code == 0, trained.err
    scored = at_home("evaluate", "--dataset", "set", "--run", "runs/net", *FEW)
    assert scored.code == 0, scored.err
    return home / "runs/net"


def test_scores_of_a_net_have_intervals_shapes_calibration_and_widths(net):
    folder = next((net / "evaluate").iterdir())
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["pooled"]["ece"] is not None
    assert summary["per_image_mean"]["cldice"] is not None
    assert set(summary["by_width"]) == {"thin", "medium", "thick"}
    low, high = summary["intervals"]["pooled"]["dice"]
    assert low <= summary["pooled"]["dice"] <= high
    assert json.loads((folder / "curves.json").read_text())["roc"]["tpr"][-1] == 1


def test_maps_under_foreign_names_score_as_our_own(at_home, home, net):
    prob = next((net / "predict").iterdir()) / "prob"
    theirs = home / "theirs"
    shutil.rmtree(theirs, ignore_errors=True)
    theirs.mkdir()
    for path in prob.glob("*.png"):
        values = np.asarray(Image.open(path)).astype(np.float32) / 65535
        np.save(theirs / f"{path.stem.upper()}_prob.npy", values)
    point = json.loads((prob.parent / "operating_point.json").read_text())["threshold"]
    outcome = at_home(
        "evaluate", "--predictions", "theirs", "--dataset", "set", "--split", "test", "--threshold", point,
        "--out", "their-scores", "--traps", *FEW,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    ours = json.loads((next((net / "evaluate").iterdir()) / "summary.json").read_text())
    found = json.loads((home / "their-scores/summary.json").read_text())
    assert found["pooled"] == ours["pooled"]
    assert found["per_image_mean"] == ours["per_image_mean"]
    assert found["traps"]
    assert "Mistake: Count pixels outside the field of view" in outcome.out
    assert found["matched"] in outcome.out
    ids = {path.stem for path in prob.glob("*.png")}
    assert {path.stem for path in (home / "their-scores/fov").glob("*.png")} == ids


def test_masks_of_others_get_no_ranking_and_are_told_why(at_home, home, net):
    masks = home / "masks"
    shutil.rmtree(masks, ignore_errors=True)
    masks.mkdir()
    for path in (next((net / "predict").iterdir()) / "mask").glob("*.png"):
        shutil.copy(path, masks / f"{path.stem}_seg.png")
    outcome = at_home("evaluate", "--predictions", "masks", "--dataset", "set", "--out", "mask-scores", *FEW)
    assert outcome.code == 0, outcome.err
    assert "No auc, ap, ece, ace, brier: the maps hold only yes and no" in outcome.out
    ours = json.loads((next((net / "evaluate").iterdir()) / "summary.json").read_text())
    found = json.loads((home / "mask-scores/summary.json").read_text())
    assert found["pooled"]["auc"] is None
    assert found["pooled"]["dice"] == ours["pooled"]["dice"]


def test_a_missing_map_is_named_and_scored_around_only_with_leave(at_home, home, net):
    few = home / "few"
    shutil.rmtree(few, ignore_errors=True)
    shutil.copytree(next((net / "predict").iterdir()) / "prob", few)
    gone = sorted(few.glob("*.png"))[0]
    gone.unlink()
    refused = at_home("evaluate", "--predictions", "few", "--dataset", "set", "--out", "few-scores", *FEW)
    assert refused.code == 2
    assert gone.stem in refused.err
    assert "--allow-missing" in refused.err
    assert not (home / "few-scores").exists()
    allowed = at_home(
        "evaluate", "--predictions", "few", "--dataset", "set", "--out", "few-scores", "--allow-missing", *FEW
    )
    assert allowed.code == 0, allowed.err
    assert json.loads((home / "few-scores/summary.json").read_text())["missing"] == [gone.stem]
    assert "Warning" in allowed.out


def test_a_method_is_tuned_predicted_and_scored_by_one_command(at_home, home, net):
    outcome = at_home("evaluate", "--method", "frangi", "--dataset", "set", *FEW)
    assert outcome.code == 0, outcome.err
    folder = home / outcome.last_line
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["pooled"]["auc"] > 0.6
    assert "frozen" in summary["protocol"]


def test_one_source_at_a_time(at_home, net):
    outcome = at_home("evaluate", "--method", "frangi", "--run", "runs/net", "--dataset", "set")
    assert outcome.code == 2
    assert "one of --run, --method and --predictions" in outcome.err


def test_a_net_a_method_and_maps_of_others_are_compared(at_home, home, net):
    method = at_home("evaluate", "--method", "frangi", "--dataset", "set", *FEW).last_line
    outcome = at_home("compare", "runs/net", method, "their-scores", "--dataset", "set", "--out", "versus", *FEW)
    assert outcome.code == 0, outcome.err
    page = (home / "versus/compare.html").read_text(encoding="utf-8")
    for word in ("their", "frangi", "net"):
        assert word in page
    assert "http://" not in page
    assert "https://" not in page
    rows = list(csv.DictReader((home / "versus/comparison.csv").open()))
    assert {row["metric"] for row in rows} >= {"auc", "dice", "cldice", "ece"}
    data = json.loads((home / "versus/comparison.json").read_text())
    assert data["n_patients"] == len({row["patient"] for row in _index(home) if row["split"] == "test"})
    assert data["weak"] is (data["n_patients"] < 6)
    table = (home / "versus/comparison.md").read_text()
    for system in data["systems"]:
        value = data["tables"]["pooled"]["dice"][system["name"]]["value"]
        (line,) = (line for line in table.splitlines() if line.startswith(f"| `{system['name']}`"))
        assert f" {value:.3f} " in line
    assert "only pixels inside the field of view" in table
    assert retseg_package.compare(
        [home / "runs/net", method, home / "their-scores"], prepared=home / "set", out=home / "versus-python",
        set={"evaluate.resamples": 200},
    )["tables"] == data["tables"]  # fmt: skip
    again = at_home("compare", "runs/net", method, "their-scores", "--dataset", "set", "--out", "versus", *FEW)
    assert "unchanged" in again.out


def _index(home):
    return list(csv.DictReader((home / "set/index.csv").open()))


def test_a_comparison_of_one_or_of_the_same_twice_is_refused(at_home, net):
    one = at_home("compare", "runs/net", "--dataset", "set")
    assert one.code == 2
    assert "at least two systems" in one.err
    twice = at_home("compare", "runs/net", "runs/net", "--dataset", "set", *FEW)
    assert twice.code == 2
    assert "given twice" in twice.err


def test_folds_test_everyone_once(at_home, home, net):
    outcome = at_home(
        "benchmark",
        "--train",
        "set",
        "--folds",
        "2",
        "--arch",
        "segnet",
        "--method",
        "nothing",
        "--out",
        "folds",
        *QUICK,
    )
    assert outcome.code == 0, outcome.err
    table = json.loads((home / "folds/benchmark.json").read_text())
    labelled = [row for row in _index(home) if row["label"]]
    for cell in table["cells"]:
        assert cell["n_images"] == len(labelled)
        assert cell["n_patients"] == len({row["patient"] for row in labelled})
        assert cell["folds"] == 2
    nothing = next(cell for cell in table["cells"] if cell["system"] == "nothing")
    assert nothing["figures"]["auc"]["pooled"] == 0.5
    assert (home / "folds/benchmark.html").is_file()
    runs = [cell["run"] for cell in table["cells"]]
    compared = at_home("compare", *runs, "--out", "fold-versus", *FEW)
    assert compared.code == 0, compared.err
    assert json.loads((home / "fold-versus/comparison.json").read_text())["n_images"] == len(labelled)


def test_seeds_are_one_system_with_a_spread(at_home, home, net):
    outcome = at_home("benchmark", "--train", "set", "--arch", "segnet", "--seeds", "2", "--out", "seeds", *QUICK)
    assert outcome.code == 0, outcome.err
    (cell,) = json.loads((home / "seeds/benchmark.json").read_text())["cells"]
    assert cell["seeds"] == [0, 1]
    each = [json.loads((home / path / "summary.json").read_text())["pooled"]["dice"] for path in cell["scores"]]
    assert each[0] != each[1]
    assert cell["figures"]["dice"]["pooled"] == pytest.approx(np.mean(each))
    assert cell["figures"]["dice"]["seed_sd"] == pytest.approx(np.std(each, ddof=1))
    runs = sorted({str((home / path).parent.parent) for path in cell["scores"]})
    twice = at_home("compare", *runs, "runs/net", "--dataset", "set", "--out", "seed-versus", *FEW)
    assert twice.code == 2
    assert "the same training with the same seed" in twice.err
    method = at_home("evaluate", "--method", "frangi", "--dataset", "set", *FEW).last_line
    compared = at_home("compare", *runs, method, "--dataset", "set", "--out", "seed-versus", *FEW)
    assert compared.code == 0, compared.err
    systems = json.loads((home / "seed-versus/comparison.json").read_text())["systems"]
    assert [system["seeds"] for system in systems if system["kind"] == "system"] == [2, 1]


def test_seeds_of_folds_are_one_system_too(at_home, home, net):
    outcome = at_home(
        "benchmark", "--train", "set", "--folds", "2", "--seeds", "2", "--arch", "segnet", "--method", "nothing",
        "--out", "fold-seeds", *QUICK,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    data = json.loads(next(home.glob("fold-seeds-*/comparison.json")).read_text())
    seeds = [system["seeds"] for system in data["systems"] if system["kind"] == "system"]
    assert seeds == [2, 1]


def test_a_matrix_of_cameras(at_home, home, net):
    write_layout("chase", home / "CHASE", count=8, seed=1, scale=0.2)
    other = at_home("prepare", "--dataset", "chase", "--root", "CHASE", "--out", "other", "--workers", 1)
    assert other.code == 0, other.err
    outcome = at_home(
        "benchmark", "--train", "set", "--test", "set,other", "--method", "matched-filter", "--out", "matrix", *FEW
    )
    assert outcome.code == 0, outcome.err
    cells = json.loads((home / "matrix/benchmark.json").read_text())["cells"]
    assert len(cells) == 2
    assert len(list(csv.DictReader((home / "matrix/benchmark.csv").open()))) == 2 * 17


def test_two_sets_of_one_dataset_are_not_two_cameras(at_home, home, net):
    shutil.copytree(home / "set", home / "copy", dirs_exist_ok=True)
    outcome = at_home("benchmark", "--train", "set", "--test", "copy", "--method", "nothing", *FEW)
    assert outcome.code == 2
    assert "could be the same people" in outcome.err


def test_folds_and_other_test_sets_exclude_each_other(at_home, net):
    outcome = at_home("benchmark", "--train", "set", "--test", "other", "--folds", "2", "--arch", "segnet")
    assert outcome.code == 2
    assert "--folds" in outcome.err
