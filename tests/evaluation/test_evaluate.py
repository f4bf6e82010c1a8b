from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from retseg.core.errors import ConfigError, InputError
from retseg.core.types import ClassInfo, OperatingPoint
from retseg.datasets.base import VESSELS
from retseg.evaluation import evaluate as module
from retseg.evaluation.config import EvaluateConfig
from retseg.evaluation.evaluate import Predictions, evaluate_predictions
from retseg.imaging.io import read_label
from retseg.metrics.ranking import quantise

FILES = ("summary", "protocol")
POINT = OperatingPoint(0.47, "highest pooled Dice", "eyes", "validation", ("child 9",), 0.8)


def run(bench, point=POINT, report=None, *, card=None, workers=1, system="net", **config):
    return evaluate_predictions(
        bench.prepared,
        [Predictions(bench.predictions, point, card)],
        EvaluateConfig(**({"resamples": 100} | config)),
        bench.out,
        report,
        system=system,
        workers=workers,
    )


PIXELS = ("auc", "ap", "dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc")


def pixels_of(figures):
    return {name: figures[name] for name in PIXELS}


def reference_figures(truth, score, threshold):
    """What scikit-learn says of flat arrays."""
    marked = score > threshold
    tn, fp = sk.confusion_matrix(truth, marked, labels=[False, True])[0]
    return {
        "auc": sk.roc_auc_score(truth, score),
        "ap": sk.average_precision_score(truth, score),
        "dice": sk.f1_score(truth, marked),
        "iou": sk.jaccard_score(truth, marked),
        "accuracy": sk.accuracy_score(truth, marked),
        "sensitivity": sk.recall_score(truth, marked),
        "specificity": tn / (tn + fp),
        "precision": sk.precision_score(truth, marked),
        "mcc": sk.matthews_corrcoef(truth, marked),
    }


def counted_pixels(eye):
    inside = eye.fov & (eye.label != 255)
    return eye.label[inside] == 1, quantise(eye.probability)[inside] / 65535


def read_rows(bench):
    with (bench.out / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_figure_agrees_with_scikit_learn(make_bench, make_eye):
    eyes = [make_eye(f"eye {seed}", f"child {seed // 2}", seed) for seed in range(3)]
    eyes[0].label[10:13, 10:20] = 255  # the ignore value counts nowhere
    bench = make_bench(eyes)
    summary = run(bench)
    per_image = [counted_pixels(eye) for eye in eyes]
    truth, score = (np.concatenate(parts) for parts in zip(*per_image, strict=True))
    for part, threshold in ((summary, 0.47), (summary["at_half"], 0.5)):
        assert pixels_of(part["pooled"]) == pytest.approx(reference_figures(truth, score, threshold), abs=1e-12)
        each = [reference_figures(*pixels, threshold) for pixels in per_image]
        means = {name: np.mean([figures[name] for figures in each]) for name in PIXELS}
        assert pixels_of(part["per_image_mean"]) == pytest.approx(means, abs=1e-12)
        assert set(pixels_of(part["per_image_n"]).values()) == {3}
    assert (summary["n_images"], summary["n_patients"]) == (3, 2)
    assert summary["threshold"] == POINT.to_json()


def test_a_case_counted_by_hand(make_bench, make_eye):
    fov = np.zeros((16, 16), bool)
    fov[:4, :5] = True  # 20 pixels
    label = np.where(fov, 2, 0).astype(np.uint8)
    label[0, :5] = 1  # 5 vessel pixels
    label[3, 4] = 255  # 1 ignored, so 14 of retina
    probability = np.full((16, 16), 1.0, np.float32)  # outside the field of view all is "vessel": it must not count
    probability[:4, :5] = 0.1
    probability[0, :4] = 0.9  # 4 found, 1 missed
    probability[1, :2] = 0.9  # 2 false alarms
    probability[3, 4] = 0.9  # on the ignored pixel
    second = np.where(fov, 2, 0).astype(np.uint8)
    second[0, :3] = 1  # the second observer finds 3 of 5, nothing else
    eye = make_eye("one", label=label, fov=fov, probability=probability, observers={"second": second})
    summary = run(make_bench([eye]))
    assert pixels_of(summary["pooled"]) == pytest.approx(
        {
            "auc": (4 * 12 + 0.5 * (4 * 2 + 1 * 12)) / (5 * 14),
            "ap": 4 / 5 * 4 / 6 + 1 / 5 * 5 / 19,
            "dice": 8 / 11,
            "iou": 4 / 7,
            "accuracy": 16 / 19,
            "sensitivity": 4 / 5,
            "specificity": 12 / 14,
            "precision": 4 / 6,
            "mcc": (4 * 12 - 2 * 1) / math.sqrt(6 * 5 * 14 * 13),
        }
    )
    human = summary["observers"]["second"]
    assert human["n_images"] == 1
    assert human["pooled"]["auc"] is None
    assert human["pooled"]["dice"] == pytest.approx(6 / 8)
    assert human["pooled"]["sensitivity"] == pytest.approx(3 / 5)
    assert human["per_image_mean"]["specificity"] == 1


def test_the_long_table_holds_every_image_system_and_class(make_bench, make_eye):
    eyes = [make_eye("left/a", "1", 1), make_eye("right/a", "1", 2, observers={})]
    bench = make_bench(eyes)
    summary = run(bench)
    rows = read_rows(bench)
    assert list(rows[0]) == ["id", "patient", "system", "class", "metric", "value", "threshold", "decision"]
    assert {row["class"] for row in rows} == {"vessel", "vessel (thin)", "vessel (medium)", "vessel (thick)"}

    def values(**wanted):
        named = {"class": "vessel"} | wanted
        return [float(row["value"]) for row in rows if named.items() <= row.items()]

    assert np.mean(values(system="net", metric="dice", threshold="0.47")) == summary["per_image_mean"]["dice"]
    assert np.mean(values(system="net", metric="dice", threshold="0.5")) == summary["at_half"]["per_image_mean"]["dice"]
    assert np.mean(values(system="net", metric="auc", threshold="")) == summary["per_image_mean"]["auc"]
    assert values(system="second", metric="dice", threshold="") == [summary["observers"]["second"]["pooled"]["dice"]]
    scores, decisions, shapes, bands = 5, 7, 5, 3 * 3
    assert len(rows) == 2 * (scores + 2 * (decisions + shapes) + bands) + decisions + shapes


def test_the_fixed_threshold_is_not_listed_twice(make_bench, make_eye):
    bench = make_bench([make_eye("a")])
    run(bench, OperatingPoint(0.5, "highest pooled Dice", "", "none"))
    wanted = {"metric": "dice", "system": "net", "class": "vessel"}
    assert sum(wanted.items() <= row.items() for row in read_rows(bench)) == 1


def test_the_fields_of_view_are_handed_on(make_bench, make_eye):
    eye = make_eye("left/a")
    bench = make_bench([eye])
    run(bench)
    np.testing.assert_array_equal(read_label(bench.out / "fov/left/a.png") > 0, eye.fov)


def test_the_files_hold_what_is_returned_and_no_nan(make_bench, make_eye):
    blank = make_eye("blank", seed=3, label=np.where(make_eye("x").fov, 2, 0).astype(np.uint8))
    bench = make_bench([make_eye("a"), blank])
    summary = run(bench)

    def refuse(constant):
        pytest.fail(f"{constant} is no JSON")

    read = {name: json.loads((bench.out / f"{name}.json").read_text(), parse_constant=refuse) for name in FILES}
    assert read["summary"] == summary
    assert read["protocol"]["line"] == summary["protocol"]
    assert sorted(path.name for path in bench.out.iterdir()) == [
        "curves.json", "fov", "metrics.csv", "protocol.json", "scores.npz", "summary.json",
    ]  # fmt: skip


def test_an_empty_truth_is_undefined_where_it_must_be(make_bench, make_eye):
    fov = make_eye("x").fov
    blank = make_eye("blank", label=np.where(fov, 2, 0).astype(np.uint8), observers={})
    bench = make_bench([make_eye("a", seed=5), blank])
    summary = run(bench)
    own = {
        row["metric"]: row["value"]
        for row in read_rows(bench)
        if row["id"] == "blank" and row["threshold"] != "0.5" and row["class"] == "vessel"
    }
    assert own["auc"] == own["ap"] == own["sensitivity"] == own["mcc"] == ""
    assert float(own["dice"]) == 0, "false alarms were made"
    assert 0 < float(own["specificity"]) < 1
    assert pixels_of(summary["per_image_n"]) == dict.fromkeys(PIXELS, 2) | {
        "auc": 1, "ap": 1, "sensitivity": 1, "mcc": 1,
    }  # fmt: skip
    assert summary["per_image_mean"]["auc"] is not None


def test_an_empty_prediction(make_bench, make_eye, make_card):
    eye = make_eye("a")
    eye.probability = np.zeros_like(eye.probability)
    summary = run(make_bench([eye]), card=make_card())
    pooled = summary["pooled"]
    assert pooled["auc"] == 0.5
    truth, _ = counted_pixels(eye)
    assert pooled["ap"] == pytest.approx(truth.mean())
    assert (pooled["dice"], pooled["iou"], pooled["sensitivity"], pooled["specificity"]) == (0, 0, 0, 1)
    assert pooled["precision"] is None
    assert pooled["mcc"] is None
    assert pooled["accuracy"] == pytest.approx(1 - truth.mean())


def test_constant_scores_rank_nothing(make_bench, make_eye):
    eye = make_eye("a")
    eye.probability = np.full_like(eye.probability, 0.6)
    summary = run(make_bench([eye]))
    assert summary["pooled"]["auc"] == 0.5
    assert (summary["pooled"]["sensitivity"], summary["pooled"]["specificity"]) == (1, 0)


def test_empty_truth_and_empty_prediction(make_bench, make_eye):
    fov = make_eye("x").fov
    nothing = np.where(fov, 2, 0).astype(np.uint8)
    bench = make_bench([make_eye("a", label=nothing, probability=np.zeros(fov.shape, np.float32), observers={})])
    pooled = run(bench)["pooled"]
    assert pooled["dice"] is None
    assert pooled["accuracy"] == 1


def test_photographs_without_labels_are_counted_not_scored(make_bench, make_eye):
    alone = make_bench([make_eye("a", seed=1)])
    expected = run(alone)
    mixed = make_bench([make_eye("a", seed=1), make_eye("b", seed=2, label=None, observers={})])
    summary = run(mixed)
    assert summary["pooled"] == expected["pooled"]
    assert summary["unlabelled"] == ["b"]
    assert summary["n_images"] == 1
    assert "1 photograph without ground truth not scored" in summary["protocol"]
    assert {row["id"] for row in read_rows(mixed)} == {"a"}


def test_a_set_without_any_label_is_reported_in_words(make_bench, make_eye):
    bench = make_bench([make_eye(name, label=None, observers={}) for name in "ab"])
    summary = run(bench)
    assert summary["unlabelled"] == ["a", "b"]
    assert summary["n_images"] == 0
    assert set(summary["pooled"].values()) == {None}
    assert summary["observers"] == {}
    assert "2 photographs without ground truth: predicted, not scored" in summary["protocol"]
    assert read_rows(bench) == []


def test_missing_predictions_are_listed(make_bench, make_eye):
    bench = make_bench([make_eye(f"eye{n}", probability=None if n else make_eye("x").probability) for n in range(9)])
    with pytest.raises(InputError, match=r"8 of 9 .* missing \(eye1, eye2, eye3, eye4, eye5 and 3 more\)"):
        run(bench)
    assert not bench.out.exists()


def test_the_reason_for_a_missing_prediction_is_told(make_bench, make_eye):
    bench = make_bench([make_eye("a", probability=None)])
    bench.predictions.mkdir()
    (bench.predictions / "failures.csv").write_text("id,path,reason\na,photos/a.png,the file is truncated.\n")
    with pytest.raises(InputError, match="a: the file is truncated"):
        run(bench)


def test_a_prediction_of_another_size_is_refused(make_bench, make_eye):
    bench = make_bench([make_eye("a", probability=np.zeros((24, 31), np.float32))])
    with pytest.raises(InputError, match=r"31x24.*32x24.*never resized"):
        run(bench)


@pytest.mark.parametrize("role", ["train_patients", "validation_patients"])
def test_patients_that_the_weights_know_are_refused(make_bench, make_eye, make_card, role):
    bench = make_bench([make_eye("a", "child 1"), make_eye("b", "child 2")])
    card = make_card(dataset="eyes", **{role: ("child 2", "child 3")})
    with pytest.raises(InputError, match=r"weights were fitted on 1 of the scored patients \(child 2\)"):
        run(bench, card=card)
    assert not bench.out.exists()
    summary = run(bench, card=card, allow_fit_overlap=True)
    assert summary["fit_overlap"] == {"weights": ["child 2"], "threshold": []}
    assert "NOT A TEST" in summary["protocol"]
    assert json.loads((bench.out / "protocol.json").read_text())["fit_overlap"] == summary["fit_overlap"]


def test_patients_that_the_threshold_knows_are_refused(make_bench, make_eye):
    bench = make_bench([make_eye("a", "child 9")])
    with pytest.raises(InputError, match=r"threshold was fitted on 1 .*child 9"):
        run(bench)
    assert "NOT A TEST" in run(bench, allow_fit_overlap=True)["protocol"]


def test_namesakes_in_another_dataset_are_other_people(make_bench, make_eye, make_card):
    bench = make_bench([make_eye("a", "child 9")], name="other eyes")
    summary = run(bench, card=make_card(dataset="eyes", train_patients=("child 9",)))
    assert summary["fit_overlap"] is None
    assert "NOT A TEST" not in summary["protocol"]


def test_unlabelled_training_photographs_do_no_harm(make_bench, make_eye, make_card):
    bench = make_bench([make_eye("a", "1"), make_eye("b", "2", label=None, observers={})])
    assert run(bench, card=make_card(dataset="eyes", train_patients=("2",)))["fit_overlap"] is None


def test_splits(make_bench, make_eye):
    eyes = [make_eye("a", seed=1), make_eye("b", seed=2, split="train"), make_eye("c", seed=3, split="train")]
    bench = make_bench(eyes)
    assert run(bench)["n_images"] == 1
    assert run(bench, split="train")["n_images"] == 2
    assert run(bench, split="all")["n_images"] == 3
    with pytest.raises(InputError, match=r"'validation'.*Known: test, train, all"):
        run(bench, split="validation")


def test_thresholds_given_by_hand_and_none_at_all(make_bench, make_eye):
    bench = make_bench([make_eye("a")])
    by_hand = run(bench, threshold=0.6)
    assert by_hand["threshold"]["threshold"] == 0.6
    assert by_hand["threshold"]["criterion"] == "given by the user"
    none = run(bench, point=None)
    assert none["threshold"]["threshold"] == 0.5
    assert none["pooled"] == none["at_half"]["pooled"]
    assert "none was fitted" in none["protocol"]


def test_metrics_can_be_chosen(make_bench, make_eye):
    bench = make_bench([make_eye("a")])
    assert list(run(bench, metrics=["mcc", "auc"])["pooled"]) == ["mcc", "auc"]
    with pytest.raises(ConfigError, match=r"unknown metric 'dise'.*dice"):
        run(bench, metrics=["dise"])


def test_every_class_of_the_vessel_task_where_its_probabilities_are_there(make_bench, make_eye):
    eyes = [make_eye("a", seed=1), make_eye("b", seed=2)]
    rng = np.random.default_rng(0)
    for eye in eyes:
        eye.classes = rng.dirichlet([1, 1, 1], eye.fov.shape).transpose(2, 0, 1).astype(np.float32)
    bench = make_bench(eyes)
    per_class = run(bench)["per_class"]
    assert list(per_class) == ["vessel", "retina"], "the class outside the field of view is never scored"
    truth = np.concatenate([eye.label[eye.fov] for eye in eyes])
    best = np.concatenate([quantise(eye.classes).argmax(axis=0)[eye.fov] for eye in eyes])
    for index, name in ((1, "vessel"), (2, "retina")):
        assert per_class[name]["dice"] == pytest.approx(sk.f1_score(truth == index, best == index))
        assert per_class[name]["iou"] == pytest.approx(sk.jaccard_score(truth == index, best == index))
        assert "auc" not in per_class[name]
    rows = [row for row in read_rows(bench) if row["id"] == "a" and row["metric"] == "dice" and row["system"] == "net"]
    assert [(row["class"], row["decision"]) for row in rows] == [
        ("vessel", "threshold"), ("vessel", "threshold"),
        ("vessel (thin)", "threshold"), ("vessel (medium)", "threshold"), ("vessel (thick)", "threshold"),
        ("vessel", "argmax"), ("retina", "argmax"),
    ]  # fmt: skip


def test_classes_of_a_part_of_the_photographs_are_not_scored(make_bench, make_eye):
    probabilities = np.full((3, 24, 32), 1 / 3, np.float32)
    bench = make_bench([make_eye("a", classes=probabilities), make_eye("b")])
    summary = run(bench)
    assert summary["per_class"] == {}
    assert "confusion" not in summary


def multi_class_eye(make_eye, name, seed, **changes):
    rng = np.random.default_rng(seed)
    fov = make_eye("x").fov
    label = np.where(fov, rng.choice([1, 2, 3], fov.shape), 0).astype(np.uint8)  # no cow anywhere
    mask = np.where(rng.random(fov.shape) < 0.7, label, rng.choice([0, 1, 2, 3, 4], fov.shape)).astype(np.uint8)
    values = {"label": label, "fov": fov, "probability": None, "mask": mask, "observers": {"second": label.copy()}}
    return make_eye(name, **(values | changes))


def test_a_table_of_five_classes_one_of_them_absent(make_bench, make_eye, five):
    eyes = [multi_class_eye(make_eye, name, seed) for seed, name in enumerate("ab")]
    eyes[0].label[:, :14][eyes[0].fov[:, :14]] = 255
    bench = make_bench(eyes, five)
    summary = run(bench, point=None)
    assert list(summary["per_class"]) == ["sky", "tree", "road", "cow"]
    assert summary["per_class"]["cow"] is None, "predicted here and there, but nowhere in the truth: N/A, not 0"
    counted = [eye.fov & (eye.label != 255) for eye in eyes]
    truth = np.concatenate([eye.label[inside] for eye, inside in zip(eyes, counted, strict=True)])
    given = np.concatenate([eye.mask[inside] for eye, inside in zip(eyes, counted, strict=True)])
    dices = [sk.f1_score(truth == index, given == index) for index in (1, 2, 3)]
    for name, dice in zip(("sky", "tree", "road"), dices, strict=True):
        assert summary["per_class"][name]["dice"] == pytest.approx(dice)
    assert summary["pooled"]["dice"] == pytest.approx(np.mean(dices))
    assert summary["pooled"]["accuracy"] == pytest.approx((truth == given).mean())
    assert summary["pooled"]["auc"] is None
    np.testing.assert_array_equal(summary["confusion"]["matrix"], sk.confusion_matrix(truth, given, labels=range(5)))
    assert summary["threshold"] is None
    assert "at_half" not in summary
    assert summary["observers"]["second"]["pooled"]["dice"] == 1
    assert "most probable class" in summary["protocol"]
    assert all(row["value"] == "" for row in read_rows(bench) if row["class"] == "cow")


def test_a_class_map_with_a_class_too_many(make_bench, make_eye, five):
    eye = multi_class_eye(make_eye, "a", 0)
    eye.mask[12, 16] = 7
    with pytest.raises(InputError, match=r"class 7.*only 5 classes.*a\.png.*0 to 4"):
        run(make_bench([eye], five), point=None)


def test_several_processes_give_the_same_bytes(make_bench, make_eye, monkeypatch):
    bench = make_bench([make_eye(f"eye{seed}", seed=seed) for seed in range(4)])
    run(bench)
    files = ["metrics.csv", "summary.json", "protocol.json", "curves.json", "scores.npz"]
    alone = [(bench.out / name).read_bytes() for name in files]
    monkeypatch.setattr(module, "_PIXELS_WORTH_A_PROCESS", 1)
    notes = []
    run(bench, report=lambda done, note: notes.append((done, note)), workers=2)
    assert [(bench.out / name).read_bytes() for name in files] == alone
    assert notes == [(1, f"eye{seed}") for seed in range(4)]


def test_an_error_in_a_process_arrives_as_it_is(make_bench, make_eye, monkeypatch):
    bench = make_bench([make_eye("a"), make_eye("b")])
    (bench.predictions / "prob/b.png").write_bytes(b"not an image")
    monkeypatch.setattr(module, "_PIXELS_WORTH_A_PROCESS", 1)
    with pytest.raises(InputError, match=r"b\.png"):
        run(bench, workers=2)


def test_with_leave_the_others_are_scored_and_the_missing_counted(make_bench, make_eye):
    bench = make_bench([make_eye(f"eye{n}", seed=n) for n in range(4)])
    expected = {row["id"]: row["value"] for row in _dice_rows(bench)}
    (bench.predictions / "prob/eye1.png").unlink()
    (bench.predictions / "prob/eye2.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"1 of 4 predictions are missing \(eye1\).*--allow-missing"):
        run(bench)
    summary = run(bench, allow_missing=True)
    assert (summary["n_images"], sorted(summary["missing"])) == (2, ["eye1", "eye2"])
    assert "2 photographs without a usable prediction NOT SCORED" in summary["protocol"]
    assert any("2 of 4 photographs are not scored" in text for text in summary["warnings"])
    reasons = json.loads((bench.out / "protocol.json").read_text())["missing"]
    assert "eye2.png" in reasons["eye2"]
    assert {row["id"]: row["value"] for row in _dice_rows(bench, again=False)} == {
        name: expected[name] for name in ("eye0", "eye3")
    }


def _dice_rows(bench, again=True):
    if again:
        run(bench)
    wanted = {"metric": "dice", "system": "net", "class": "vessel", "threshold": "0.47"}
    return [row for row in read_rows(bench) if wanted.items() <= row.items()]


def test_every_unusable_map_is_named_at_once(make_bench, make_eye):
    bench = make_bench([make_eye(f"eye{n}", seed=n) for n in range(3)])
    for name in ("eye0", "eye2"):
        (bench.predictions / f"prob/{name}.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"2 prediction\(s\) cannot be scored: eye0: .*; eye2: "):
        run(bench)


def test_a_map_that_knows_nothing_is_not_called_inverted(make_bench, make_eye):
    eye = make_eye("a")
    noise = np.random.default_rng(0).random(eye.probability.shape, dtype=np.float32)
    eye.probability = 0.92 * noise + 0.08 * (1 - eye.probability)
    summary = run(make_bench([eye]))
    assert 0.4 < summary["pooled"]["auc"] < 0.5
    assert any("no better than chance, or inverted" in text for text in summary["warnings"])


def test_an_inverted_map_is_scored_with_a_warning(make_bench, make_eye):
    eye = make_eye("a")
    eye.probability = 1 - eye.probability
    summary = run(make_bench([eye]))
    assert summary["pooled"]["auc"] < 0.5
    assert any("look inverted" in text for text in summary["warnings"])
    assert run(make_bench([make_eye("a")]))["warnings"] == []


def test_folds_are_scored_together_each_at_its_own_threshold(make_bench, make_eye, make_card):
    eyes = [make_eye(f"eye{n}", f"child {n}", seed=n) for n in range(4)]
    bench = make_bench(eyes)
    points = [OperatingPoint(value, "highest pooled Dice", "eyes", "validation", (who,), 0.8)
              for value, who in ((0.40, "child 2"), (0.55, "child 0"))]  # fmt: skip
    cards = [make_card(dataset="eyes", train_patients=(who,)) for who in ("child 3", "child 1")]
    ids = [frozenset({"eye0", "eye1"}), frozenset({"eye2", "eye3"})]
    parts = [Predictions(bench.predictions, *fold) for fold in zip(points, cards, ids, strict=True)]
    summary = evaluate_predictions(bench.prepared, parts, EvaluateConfig(split="all", resamples=100), bench.out)
    pixels = [counted_pixels(eye) for eye in eyes]
    truth = np.concatenate([one for one, _ in pixels])
    marked = np.concatenate([score > (0.40 if n < 2 else 0.55) for n, (_, score) in enumerate(pixels)])
    assert summary["pooled"]["dice"] == pytest.approx(sk.f1_score(truth, marked))
    assert summary["threshold"] is None
    assert "2 folds by patients" in summary["protocol"]
    swapped = [Predictions(bench.predictions, *fold) for fold in zip(points, cards, ids[::-1], strict=True)]
    with pytest.raises(InputError, match=r"weights were fitted on 2 of the scored patients \(child 1, child 3\)"):
        evaluate_predictions(bench.prepared, swapped, EvaluateConfig(split="all"), bench.out)


def test_maps_of_others_say_what_was_matched(make_bench, make_eye, tmp_path):
    eyes = [make_eye(f"Image_0{n}L", seed=n) for n in (1, 2)]
    bench = make_bench(eyes)
    expected = run(bench)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for eye in eyes:
        np.save(theirs / f"{eye.id.lower()}_prob.npy", eye.probability)
    bench.predictions = theirs
    summary = run(bench)
    assert summary["pooled"] == expected["pooled"]
    assert "2 of 2" in summary["matched"]
    assert expected["matched"] is None
    assert (bench.out / "maps/mask/Image_01L.png").is_file()


def test_traps_stand_beside_the_honest_figures(make_bench, make_eye):
    summary = run(make_bench([make_eye("a"), make_eye("b", seed=4)]), traps=True)
    assert {trap["name"] for trap in summary["traps"]}
    for trap in summary["traps"]:
        for metric, value in trap["honest"].items():
            assert value == pytest.approx(summary["pooled"][metric])
    assert run(make_bench([make_eye("a")]))["traps"] is None


def test_photographs_that_could_not_be_prepared_are_not_passed_over_in_silence(make_bench, make_eye):
    bench = make_bench([make_eye("a")])
    (bench.prepared.folder / "failures.csv").write_text("id,path,reason\nb,photos/b.png,the label holds 17 greys.\n")
    (warning,) = run(bench)["warnings"]
    assert "1 photograph(s) of the set could not be prepared" in warning
    assert "b: the label holds 17 greys" in warning


def test_a_method_that_only_decides_has_no_ranking(make_bench, make_eye, make_card):
    eye = make_eye("a")
    eye.probability = (eye.probability > 0.5).astype(np.float32)
    summary = run(make_bench([eye]), card=make_card(arch="watershed"))
    assert summary["pooled"]["auc"] is None
    assert "only yes and no" in summary["undefined"]["auc"]


# --- Everyday photographs: several classes, void, things --------------------------------------------------------------


@pytest.fixture
def photographs(make_photograph):
    """Of mixed sizes; one is void from edge to edge."""
    eyes = [make_photograph("a", 1), make_photograph("b", 2, shape=(40, 20)), make_photograph("c", 3)]
    eyes.append(make_photograph("void", 4, shape=(17, 33)))
    eyes[3].label[:] = 255
    return eyes


def counted_classes(eyes):
    """Flat arrays of all counted pixels: true class, class given, probabilities (pixels, classes)."""
    where = [eye.label != 255 for eye in eyes]
    truth, given = (
        np.concatenate([getattr(eye, name)[inside] for eye, inside in zip(eyes, where, strict=True)])
        for name in ("label", "mask")
    )
    scores = [(quantise(eye.classes) / 65535)[:, inside].T for eye, inside in zip(eyes, where, strict=True)]
    return truth, given, np.concatenate(scores)


def test_several_classes_agree_with_scikit_learn(make_bench, photographs, photographed):
    bench = make_bench(photographs, photographed)
    summary = run(bench, point=None)
    truth, given, scores = counted_classes(photographs)
    there = {"sky": 0, "tree": 1, "person": 2}
    for name, index in there.items():
        of_class = summary["per_class"][name]
        assert of_class["ap"] == pytest.approx(sk.average_precision_score(truth == index, scores[:, index]), abs=1e-12)
        assert of_class["auc"] == pytest.approx(sk.roc_auc_score(truth == index, scores[:, index]), abs=1e-12)
        assert of_class["iou"] == pytest.approx(sk.jaccard_score(truth == index, given == index))
    for metric in ("ap", "auc", "iou"):
        assert summary["pooled"][metric] == pytest.approx(np.mean([summary["per_class"][n][metric] for n in there]))
    assert summary["pooled"]["accuracy"] == pytest.approx(sk.accuracy_score(truth, given))
    each = [counted_classes([eye]) for eye in photographs[:3]]
    ap = [np.mean([sk.average_precision_score(t == i, s[:, i]) for i in range(3)]) for t, _, s in each]
    assert summary["per_image_mean"]["ap"] == pytest.approx(np.mean(ap), abs=1e-12)
    assert summary["per_image_mean"]["accuracy"] == pytest.approx(
        np.mean([sk.accuracy_score(t, g) for t, g, _ in each])
    )
    assert summary["per_image_n"]["accuracy"] == summary["per_image_n"]["ap"] == 3
    low, high = summary["intervals"]["per_image_mean"]["ap"]
    assert low <= summary["per_image_mean"]["ap"] <= high
    low, high = summary["intervals"]["pooled"]["iou"]
    assert low <= summary["pooled"]["iou"] <= high
    assert summary["intervals"]["method"] == "percentile bootstrap over photographs"
    assert {"ece", "cldice"} <= set(summary["undefined"])
    assert not {"ap", "auc"} & set(summary["undefined"])


def test_void_counts_nowhere_whatever_was_predicted_there(make_bench, photographs, photographed):
    first = run(make_bench(photographs, photographed), point=None)
    for eye in photographs:
        eye.mask[eye.label == 255] = 3
        eye.classes[:, eye.label == 255] = 0
        eye.classes[3][eye.label == 255] = 1
    second = run(make_bench(photographs, photographed), point=None)
    for part in ("pooled", "per_image_mean", "per_class", "confusion", "intervals"):
        assert first[part] == second[part], part
    assert np.sum(first["confusion"]["matrix"]) == sum((eye.label != 255).sum() for eye in photographs)


def test_a_photograph_of_nothing_but_void_is_listed_and_enters_no_mean(make_bench, photographs, photographed):
    bench = make_bench(photographs, photographed)
    with_it = run(bench, point=None)
    assert (with_it["n_images"], with_it["void"]) == (4, ["void"])
    assert {row["value"] for row in read_rows(bench) if row["id"] == "void"} == {""}
    assert any("1 photograph(s) without a single counted pixel" in text for text in with_it["warnings"])
    assert "1 photograph without a counted pixel in no figure" in with_it["protocol"]
    without = run(make_bench(photographs[:3], photographed), point=None)
    assert with_it["pooled"] == without["pooled"]
    assert with_it["per_image_mean"] == without["per_image_mean"]
    assert without["void"] == []


def test_nothing_but_void_photographs_at_all(make_bench, photographs, photographed):
    summary = run(make_bench(photographs[3:], photographed), point=None)
    assert set(summary["pooled"].values()) == {None}
    assert set(summary["per_class"].values()) == {None}


def test_an_eye_of_nothing_but_void_enters_no_mean_of_a_positive_class(make_bench, make_eye):
    eyes = [make_eye("a", seed=1), make_eye("void", seed=2)]
    eyes[1].label[:] = 255
    summary = run(make_bench(eyes), traps=True)
    alone = run(make_bench(eyes[:1]), traps=True)
    assert summary["void"] == ["void"]
    assert summary["per_image_mean"] == alone["per_image_mean"]
    assert summary["pooled"] == alone["pooled"]


def test_the_confusion_matrix_stands_in_a_file_of_its_own(make_bench, photographs, photographed, make_eye):
    bench = make_bench(photographs, photographed)
    summary = run(bench, point=None)
    with (bench.out / "confusion.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header[1:] == [row[0] for row in rows] == list(photographed.names)
    truth, given, _ = counted_classes(photographs)
    expected = sk.confusion_matrix(truth, given, labels=range(4))
    np.testing.assert_array_equal([list(map(int, row[1:])) for row in rows], expected)
    assert summary["confusion"]["matrix"] == expected.tolist()


def test_class_maps_without_probabilities_have_no_ranking(make_bench, photographs, photographed):
    photographs[1].classes = None
    bench = make_bench(photographs, photographed)
    summary = run(bench, point=None)
    assert summary["pooled"]["ap"] is None
    assert summary["per_class"]["sky"]["ap"] is None
    assert "probabilities of all classes" in summary["undefined"]["ap"]
    assert summary["pooled"]["iou"] is not None


def test_probabilities_of_another_size_are_refused(make_bench, photographs, photographed):
    photographs[0].classes = photographs[0].classes[:, :, :-1]
    with pytest.raises(InputError, match=r"31x24.*32x24"):
        run(make_bench(photographs, photographed), point=None)


def test_a_class_never_seen_in_training_is_not_applicable_and_named(make_bench, photographs, photographed, make_card):
    bench = make_bench(photographs, photographed)
    usual = run(bench, point=None)
    assert usual["unseen"] == []
    assert usual["not_applicable"] == {"cow": "not in the ground truth"}
    card = make_card(classes=photographed, unseen=("tree", "cow"))
    summary = run(bench, point=None, card=card)
    assert summary["unseen"] == ["tree", "cow"]
    assert summary["per_class"]["tree"] is None
    assert summary["pooled"]["accuracy"] == usual["pooled"]["accuracy"], "its pixels still count as errors"
    for metric in ("ap", "iou", "dice"):
        kept = [usual["per_class"][name][metric] for name in ("sky", "person")]
        assert summary["pooled"][metric] == pytest.approx(np.mean(kept))
    assert {row["value"] for row in read_rows(bench) if row["class"] == "tree" and row["system"] == "net"} == {""}
    (warning,) = [text for text in summary["warnings"] if "Never seen" in text]
    assert "tree, cow" in warning
    assert "The ground truth shows tree:" in warning
    assert "N/A: tree, cow (never seen in training)" in summary["protocol"]


def test_observers_are_not_judged_by_what_the_weights_never_saw(make_bench, make_eye, make_card, five):
    bench = make_bench([multi_class_eye(make_eye, "a", 0)], five)
    summary = run(bench, point=None, card=make_card(classes=five, unseen=("tree",)))
    assert summary["per_class"]["tree"] is None
    rows = {(row["system"], row["class"], row["metric"]): row["value"] for row in read_rows(bench)}
    assert rows["net", "tree", "dice"] == ""
    assert float(rows["second", "tree", "dice"]) == 1
    assert summary["observers"]["second"]["pooled"]["ap"] is None


def things_in(eye, rng):
    """Two persons that touch and one apart; the prediction is one column to the right."""
    ids = np.zeros(eye.label.shape, np.uint16)
    ids[8:16, 2:8], ids[8:16, 8:14], ids[6:14, 18:24] = 1, 2, 3
    label = np.where(ids > 0, 2, rng.choice([0, 1], ids.shape)).astype(np.uint8)
    found = np.roll(ids, 1, axis=1)
    mask = np.where(found > 0, 2, label * (label < 2)).astype(np.uint8)
    return {"label": label, "mask": mask, "instances": ids, "found": found}


@pytest.fixture
def figures(make_photograph):
    rng = np.random.default_rng(0)
    eyes = [make_photograph(name, seed) for seed, name in enumerate("abcdefgh")]
    return [make_photograph(eye.id, seed, **things_in(eye, rng)) for seed, eye in enumerate(eyes)]


def scored_things(bench, photographed, **config):
    given = Predictions(bench.predictions, separation="watershed")
    return evaluate_predictions(
        bench.prepared, [given], EvaluateConfig(resamples=100, **config), bench.out, system="net"
    )


def test_instances_stand_beside_those_of_connected_components(make_bench, figures, photographed):
    bench = make_bench(figures, photographed)
    summary = scored_things(bench, photographed)
    found = summary["instances"]
    assert list(found["systems"]) == ["watershed", "connected components"]
    apart, together = (view["pooled"] for view in found["systems"].values())
    assert apart["pq"] == apart["sq"] == pytest.approx(5 / 7), "all found, each one column too far to the right"
    assert together["rq"] == pytest.approx(2 / 5), "two that touch are taken for one"
    assert (apart["count-error"], together["count-error"]) == (0, 1)
    assert found["images"][0] == {
        "id": "a", "patient": "a", "truth": 3, "watershed": 3, "connected components": 2,
    }  # fmt: skip
    low, high = found["systems"]["watershed"]["intervals"]["per_image_mean"]["pq"]
    assert low <= found["systems"]["watershed"]["per_image_mean"]["pq"] <= high
    lines = {(r["system"], r["class"], r["metric"]): r["value"] for r in read_rows(bench) if r["id"] == "b"}
    assert float(lines["net", "person", "pq"]) == pytest.approx(5 / 7)
    assert float(lines["connected components", "person", "count-error"]) == 1
    assert lines["net", "cow", "pq"] == ""
    assert "instances by watershed and by connected components" in summary["protocol"]
    protocol = json.loads((bench.out / "protocol.json").read_text())
    assert "mean probability" in protocol["instances"]["score"]
    assert json.loads((bench.out / "summary.json").read_text()) == summary


def test_instances_without_probabilities_are_all_equally_sure(make_bench, figures, photographed):
    for eye in figures:
        eye.classes = None
    bench = make_bench(figures, photographed)
    assert scored_things(bench, photographed)["instances"]["systems"]["watershed"]["pooled"]["ap50"] == 1
    assert json.loads((bench.out / "protocol.json").read_text())["instances"]["score"].startswith("1 for every")


def test_without_predicted_id_maps_the_yardstick_stands_alone(make_bench, figures, photographed):
    figures[3].found = None
    bench = make_bench(figures, photographed)
    assert list(scored_things(bench, photographed)["instances"]["systems"]) == ["connected components"]


def test_without_true_id_maps_or_things_there_are_no_instances(make_bench, figures, photographed, photographs):
    for eye in figures:
        eye.instances = None
    assert scored_things(make_bench(figures, photographed), photographed)["instances"] is None
    assert run(make_bench(photographs, photographed), point=None)["instances"] is None


def test_things_may_be_the_positive_class(make_bench, make_eye):
    classes = replace(VESSELS, things=(1,))
    label = np.full((24, 32), 2, np.uint8)
    ids = np.zeros((24, 32), np.uint16)
    ids[4:12, 4:10], ids[4:12, 10:16] = 1, 2
    label[ids > 0] = 1
    probability = np.where(ids > 0, 0.9, 0.1).astype(np.float32)
    eye = make_eye("a", label=label, fov=np.ones((24, 32), bool), probability=probability, observers={},
                   instances=ids, found=ids)  # fmt: skip
    summary = scored_things(make_bench([eye], classes), classes)
    assert [view["pooled"]["rq"] for view in summary["instances"]["systems"].values()] == [1, 0]
    assert summary["pooled"]["dice"] == 1


def test_an_inverted_map_is_told_by_the_name_of_its_class(make_bench, make_eye):
    eye = make_eye("a")
    eye.probability = 1 - eye.probability
    classes = replace(VESSELS, items=(VESSELS.items[0], ClassInfo("nerve", (1, 2, 3)), VESSELS.items[2]))
    (warning,) = run(make_bench([eye], classes))["warnings"]
    assert "The class 'nerve' must be bright" in warning


def test_several_processes_give_the_same_bytes_for_several_classes(make_bench, figures, photographed, monkeypatch):
    bench = make_bench(figures[:4], photographed)
    scored_things(bench, photographed)
    files = ["metrics.csv", "summary.json", "protocol.json", "scores.npz", "confusion.csv"]
    alone = [(bench.out / name).read_bytes() for name in files]
    monkeypatch.setattr(module, "_PIXELS_WORTH_A_PROCESS", 1)
    given = Predictions(bench.predictions, separation="watershed")
    evaluate_predictions(bench.prepared, [given], EvaluateConfig(resamples=100), bench.out, system="net", workers=2)
    assert [(bench.out / name).read_bytes() for name in files] == alone
