"""The scripts that judge a model: its figures over seeds, what degraded photographs cost, what its doubts are worth."""

from __future__ import annotations

import json
import math

import cross_camera
import numpy as np
import pytest
import robustness
import uncertainty
import weights
from degradations import Degradation, mirror, rotation
from PIL import Image
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

from retseg.core.types import CLASS_MAP, Case, Sample
from retseg.datasets.base import VESSELS
from retseg.imaging.maps import read_probability
from retseg.inference.prediction import Prediction
from retseg.metrics.ranking import quantise, score_histogram
from tests.conftest import fundus

SETTINGS = """
sampling: {patch_size: 32}
train: {epochs: 1, steps_per_epoch: 2, batch: 2, validation_tiles: 1}
model: {arch: unet, options: {width: 4, depth: 2}}
evaluate: {resamples: 100}
"""


class Dark:
    """Takes for a vessel what is darker than the rest of the retina: a model whose maps are known beforehand."""

    classes = VESSELS
    seconds = 0.0

    def probabilities_of_many(self, photographs):
        for name, image, fov in photographs:
            vessel = (image[..., 0] < 132) & fov
            yield Prediction(name, image, fov, vessel[None].astype(np.float32))


def case(number: int) -> Case:
    image = fundus(number, side=160)
    fov = image[..., 0] > 40
    vessel = np.where((image[..., 0] < 132) & fov, VESSELS.positive, 2)
    sample = Sample(id=str(number), patient=str(number), image="", split="test", labels={})
    return Case(sample=sample, image=image, fov=fov, targets={CLASS_MAP: vessel.astype(np.uint8)}, observers={})


def test_turning_and_mirroring_cost_such_a_model_next_to_nothing_and_darkness_much():
    dark = Degradation("dark", lambda image: image // 2)
    black = Degradation("black", np.zeros_like)
    given = (rotation(90), mirror("mirrored", 1), dark, black)
    tallies = robustness.measure(Dark(), 0.5, [case(1), case(2)], given, check=False)
    dice = {name: tally.pooled.counts_at(0.5).dice() for name, tally in tallies.items()}
    assert dice["untouched"] > 0.95
    assert dice["turned by 90 degrees"] == pytest.approx(dice["untouched"], abs=0.02)
    assert dice["mirrored"] == pytest.approx(dice["untouched"], abs=0.02)
    assert dice["dark"] < 0.5
    # A photograph in which no retina is found counts with an empty map; it is not left out.
    assert tallies["black"].blank == 2
    assert dice["black"] == 0
    assert len(tallies["black"].dice) == 2
    lines = robustness.table(tallies, 0.5, given)
    assert any(line.startswith("| black (2 left blank) | 0.0000 | -") for line in lines)
    assert "beyond the promised 0.05" in lines[-1]


def test_doubts_are_measured_as_others_measure_them():
    random = np.random.default_rng(1)
    doubt = quantise(random.integers(0, 20, 4000) / 19)
    wrong = random.random(4000) < doubt / 65535 * 0.4
    found = uncertainty.Findings(score_histogram(doubt, wrong), (0.1, 0.2, 0.4), (0.3, 0.2, 0.5))
    assert found.correlation() == pytest.approx(pearsonr(doubt, wrong).statistic)
    assert found.auroc() == pytest.approx(roc_auc_score(wrong, doubt))
    assert found.spearman() == pytest.approx(0.5)
    assert np.mean(found.rates()) == pytest.approx(wrong.mean())
    # Twenty levels of about two hundred pixels: each tenth is two of them, as exactly as chance makes them even.
    assert found.rates()[9] == pytest.approx(wrong[doubt >= np.sort(doubt)[3600]].mean(), abs=0.02)
    assert found.rates()[9] > 5 * found.rates()[0]


def test_a_doubt_that_is_everywhere_the_same_says_nothing():
    wrong = np.arange(1000) < 100
    found = uncertainty.Findings(score_histogram(np.full(1000, 7, np.uint16), wrong), (0.1,), (0.2,))
    assert math.isnan(found.correlation())
    assert found.auroc() == 0.5
    assert math.isnan(found.spearman())
    assert found.rates() == pytest.approx([0.1] * 10)


def view(value: float, interval: list[float] | None) -> dict:
    metrics = ["auc", "ap", "dice", "cldice", "betti0", "ece", "sensitivity", "specificity"]
    both = {kind: dict.fromkeys(metrics, value) for kind in ("pooled", "per_image_mean")}
    return {**both, "intervals": {kind: dict.fromkeys(metrics, interval) for kind in both}}


def test_span_over_seeds_and_what_an_observer_has_not():
    observer = view(0.7, [0.6, 0.8])
    observer["pooled"]["auc"] = None
    runs = {"a": weights.figures(view(0.5, [0.4, 0.6])), "b": weights.figures(view(0.8, None))}
    found = {
        "dataset": "eyes", "split": "test", "patients": 4, "photographs": 8, "protocol": "as agreed",
        "runs": runs, "over_runs": weights.span(list(runs.values())), "observers": {"two": weights.figures(observer)},
    }  # fmt: skip
    assert found["over_runs"]["Dice"] == pytest.approx({"mean": 0.65, "least": 0.5, "most": 0.8})
    lines = weights.table(found)
    assert lines[0] == "### eyes, test: 8 photographs of n = 4 patients"
    assert lines[4].startswith("| **mean of 2 runs** | 0.6500 | 0.6500 |")
    assert lines[5].startswith("| least to most | 0.5000 to 0.8000 |")
    assert lines[6].startswith("| `a` | 0.5000 [0.4000, 0.6000] |")
    assert lines[7].startswith("| `b` | 0.8000 | 0.8000 |")
    assert lines[8].startswith("| `two` (human observer) | - | 0.7000 [0.6000, 0.8000] |")


@pytest.fixture
def made(retseg, tmp_path):
    """Two prepared sets in an empty folder, `set` and `other`, as if of two cameras, and settings in tiny.yaml."""
    (tmp_path / "tiny.yaml").write_text(SETTINGS)
    for name, who in (("set", "child"), ("other", "adult")):
        folder = tmp_path / f"eyes of {name}"
        (folder / "labels").mkdir(parents=True)
        lines = ["image,patient,label,split"]
        for number in range(6):
            image = fundus(10 + number)
            Image.fromarray(image).save(folder / f"{number}.png")
            vessel = (image[..., 0] < 120) & (image[..., 0] > 20)
            Image.fromarray(vessel.astype(np.uint8) * np.uint8(255)).save(folder / f"labels/{number}.png")
            split = "train" if number < 4 else "test"
            lines.append(f"{number}.png,{who} {number // 2},labels/{number}.png,{split}")
        (folder / "index.csv").write_text("\n".join(lines) + "\n")
        outcome = retseg("prepare", "--dataset", "folder", "--root", folder, "--out", name)
        assert outcome.code == 0, outcome.err
    return retseg


@pytest.fixture
def seeds(made):
    """Two tiny nets that differ in their seed, trained on `set`."""
    for seed in (0, 1):
        words = ["--config", "tiny.yaml", "--seed", seed, "--out", f"runs/seed{seed}"]
        outcome = made("train", "--dataset", "set", *words)
        assert outcome.code == 0, outcome.err
    return ["runs/seed0", "runs/seed1"]


def run_script(script, monkeypatch, capsys, *words) -> str:
    monkeypatch.setattr("sys.argv", ["script", *words])
    capsys.readouterr()
    script.main()
    return capsys.readouterr().out


def test_the_scripts_from_trained_nets_to_their_tables(seeds, monkeypatch, capsys, tmp_path):
    def call(script, *words):
        return run_script(script, monkeypatch, capsys, *words)

    few = ("--set", "evaluate.resamples=100")
    printed = call(weights, *seeds, "--dataset", "set", "--workers", "1", "--out", "out/all.json", *few)
    assert "### folder, test: 2 photographs of n = 1 patients" in printed
    assert "| **mean of 2 runs** |" in printed
    assert "Warning" not in printed
    (kept,) = json.loads((tmp_path / "out/all.json").read_text())
    dice = json.loads((tmp_path / "runs/seed0/evaluate/folder/summary.json").read_text())["pooled"]["dice"]
    assert kept["runs"]["seed0"]["Dice"]["value"] == dice

    monkeypatch.setattr(robustness, "DEGRADATIONS", (rotation(45),))
    printed = call(robustness, "--run", seeds[0], "--dataset", "set", "--limit", "1")
    assert "1 photographs, threshold" in printed
    assert "| turned by 45 degrees |" in printed
    assert "NOT A TEST" not in printed
    printed = call(robustness, "--run", seeds[0], "--dataset", "set", "--split", "train", "--limit", "1")
    assert "NOT A TEST: the weights were fitted on 1 of the scored patients" in printed

    printed = call(uncertainty, "--run", seeds[0], "--dataset", "set", "--out", "maps")
    assert "### folder, test: 2 photographs" in printed
    assert "| error rate in tenth 10 (most doubted) |" in printed
    assert printed == call(uncertainty, "--maps", "maps", "--one-view", "maps-one-view", "--dataset", "set")
    alone = call(uncertainty, "--maps", "maps", "--dataset", "set")
    assert "one view" in printed
    assert "one view" not in alone
    # The baseline is another prediction: of the averaged map itself, an entropy could tell nothing apart.
    averaged, single = (read_probability(path) for path in sorted(tmp_path.glob("maps*/prob/4.png")))
    assert not np.array_equal(averaged, single)


def test_each_camera_is_judged_by_the_nets_of_the_other(made, monkeypatch, capsys, tmp_path):
    (tmp_path / "recipe.yaml").write_text("name: recipe\n" + SETTINGS)
    words = ("recipe.yaml", "--datasets", "set", "other")
    printed = run_script(cross_camera, monkeypatch, capsys, *words)
    rows = [line for line in printed.splitlines() if line.startswith("| folder, seed 0 | folder, train | ")]
    assert len(rows) == 2
    summaries = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/evaluate/folder-train/summary.json")]
    # Four training photographs of another camera each, and nobody whom the net had met.
    assert [summary["n_images"] for summary in summaries] == [4, 4]
    assert not any(summary["fit_overlap"] for summary in summaries)
    assert not list(tmp_path.glob("runs/*/predict/folder"))
