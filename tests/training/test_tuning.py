from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from retseg.core.config import validate
from retseg.core.errors import ConfigError, InputError
from retseg.core.types import CLASS_MAP
from retseg.datasets.prepared import PreparedSet
from retseg.methods.config import MethodConfig
from retseg.methods.method import Method
from retseg.methods.registry import METHODS
from retseg.training import tuning

SATO = METHODS.get("sato")
NATIVE = {"diameter": None}


def config(**values: object) -> MethodConfig:
    return validate(MethodConfig, values)


def test_every_combination_of_the_grid_is_tried_once():
    tried = tuning.settings_to_try(METHODS.get("frangi"), config())
    grid = METHODS.get("frangi").grid
    assert len({str(parameters) for parameters in tried}) == len(tried) == len(grid["sigmas"]) * len(grid["beta"])


def test_what_is_fixed_is_not_searched_and_without_a_search_nothing_is():
    fixed = tuning.settings_to_try(METHODS.get("frangi"), config(parameters={"beta": 0.7, "diameter": 300}))
    assert {(p.beta, p.diameter) for p in fixed} == {(0.7, 300)}
    assert len(fixed) == len(METHODS.get("frangi").grid["sigmas"])
    assert tuning.settings_to_try(SATO, config(search=False)) == [SATO.parameters()]
    with pytest.raises(ConfigError, match="nonsense"):
        tuning.settings_to_try(SATO, config(parameters={"nonsense": 1}))


def test_photographs_are_training_patients_evenly_chosen(vessels):
    everyone = tuning.tuning_samples(vessels, None)
    assert [sample.id for sample in everyone] == ["a", "b", "c", "d", "sub/e"]
    assert [sample.id for sample in tuning.tuning_samples(vessels, 2)] == ["a", "sub/e"]
    assert [sample.id for sample in tuning.tuning_samples(vessels, 99)] == [sample.id for sample in everyone]


def test_a_patient_who_is_also_tested_is_left_out(make_set, make_case):
    mixed = make_set(
        [make_case("l", "p1", "train"), make_case("r", "p1", "test", seed=1), make_case("o", "p2", "train", seed=2)]
    )
    assert [sample.id for sample in tuning.tuning_samples(mixed, None)] == ["o"]


def test_without_labelled_training_photographs_there_is_nothing_to_tune_on(make_set, make_case):
    unlabelled = make_set([make_case("a", "p1", "train", labelled=False), make_case("t", "p2", "test")])
    with pytest.raises(InputError, match="no labelled training photographs"):
        tuning.tuning_samples(unlabelled, None)


def tallied(method: Method, settings, prepared: PreparedSet, samples):
    return sum(tuning.tally(method, settings, [None] * len(settings), prepared, sample) for sample in samples)


def test_figures_are_those_of_scikit_learn(vessels):
    samples = tuning.tuning_samples(vessels, None)[:2]
    settings = [SATO.options({**NATIVE, "sigmas": sigmas}) for sigmas in ((1.0,), (3.0,))]
    trials = tuning.judge(settings, tallied(SATO, settings, vessels, samples), vessels.classes)
    for trial in trials:
        scores, truths = [], []
        for sample in samples:
            case = vessels.case(sample)
            scores.append(SATO.scores(case.image, case.fov, trial.parameters)[case.fov])
            truths.append(case.targets[CLASS_MAP][case.fov] == vessels.classes.positive)
        score, truth = np.rint(np.concatenate(scores) * 65535), np.concatenate(truths)
        assert trial.auc == pytest.approx(roc_auc_score(truth, score))
        assert trial.dice == pytest.approx(f1_score(truth, score > trial.threshold * 65535))
        for other in np.quantile(score, np.linspace(0, 0.99, 30)):
            assert f1_score(truth, score > other) <= trial.dice + 1e-9
    assert trials[tuning.best(trials)].dice == max(trial.dice for trial in trials)


def test_the_best_of_equals_is_the_first_and_nan_is_the_worst():
    trials = [tuning.Trial(SATO.parameters(), dice, 0.5, 0.5) for dice in (math.nan, 0.4, 0.6, 0.6)]
    assert tuning.best(trials) == 2
    assert tuning.best(trials[:1]) == 0


def test_labels_of_test_patients_are_never_read(vessels, monkeypatch):
    read: list[str] = []
    case = PreparedSet.case
    monkeypatch.setattr(PreparedSet, "case", lambda self, sample: (read.append(sample.patient), case(self, sample))[1])
    for method in (SATO, METHODS.get("frequency")):
        samples = tuning.tuning_samples(vessels, None)
        settings = tuning.settings_to_try(method, config(parameters=NATIVE))[:2]
        fits = tuning.fit(method, settings, vessels, samples)
        for sample in samples:
            fitted = fits.without(sample.patient) if fits else [None] * len(settings)
            tuning.tally(method, settings, fitted, vessels, sample)
    assert set(read) == {"p1", "p2", "p3", "p4"}


def test_planted_test_labels_change_nothing(make_set, make_case):
    def tuned(seed: int):
        test = make_case("t", "p9", "test", seed=seed)
        prepared = make_set([make_case("a", "p1", "train", seed=1), make_case("b", "p2", "train", seed=2), test])
        samples = tuning.tuning_samples(prepared, None)
        settings = tuning.settings_to_try(SATO, config(parameters=NATIVE))
        return tuning.judge(settings, tallied(SATO, settings, prepared, samples), prepared.classes)

    assert tuned(7) == tuned(8)


def test_what_was_learnt_from_a_patient_does_not_judge_that_patient(vessels):
    method = METHODS.get("frequency")
    settings = [method.options({"side": 8, "smoothing": 0})]
    samples = tuning.tuning_samples(vessels, None)
    fits = tuning.fit(method, settings, vessels, samples)
    others = tuning.fit(method, settings, vessels, [sample for sample in samples if sample.patient != "p3"])
    np.testing.assert_allclose(fits.without("p3")[0]["shares"], others.total[0]["shares"], atol=1e-5)
    assert not np.allclose(fits.total[0]["shares"], others.total[0]["shares"])


def test_a_single_patient_is_judged_by_what_was_learnt_from_the_same(one_patient):
    method = METHODS.get("frequency")
    settings = [method.parameters()]
    fits = tuning.fit(method, settings, one_patient, tuning.tuning_samples(one_patient, None))
    assert np.array_equal(fits.without("p1")[0]["shares"], fits.total[0]["shares"])


def test_a_task_without_a_positive_class_is_judged_by_the_mean_dice(scenes):
    method = METHODS.get("frequency")
    settings = [method.options({"smoothing": 0})]
    samples = tuning.tuning_samples(scenes, None)
    fits = tuning.fit(method, settings, scenes, samples)
    total = sum(tuning.tally(method, settings, fits.without(s.patient), scenes, s) for s in samples)
    (trial,) = tuning.judge(settings, total, scenes.classes)
    # The bands lie at the same places in every photograph.
    assert trial.dice > 0.97
    assert (trial.threshold, trial.auc) == (None, None)
    assert tuning.operating_point(trial, "scene", samples) is None
    assert "boat" in scenes.classes.names  # a class that occurs nowhere must not enter the mean
    assert int(total.sum()) == sum(
        int((scenes.case(s).targets[CLASS_MAP] != scenes.classes.ignore).sum()) for s in samples
    )


def test_the_operating_point_names_its_patients(vessels):
    samples = tuning.tuning_samples(vessels, None)
    point = tuning.operating_point(tuning.Trial(SATO.parameters(), 0.7, 0.4, 0.9), "little", samples)
    assert (point.dataset, point.split, point.value) == ("little", "train", 0.7)
    assert point.patients == ("p1", "p2", "p3", "p4")


def test_the_table_has_a_line_for_every_setting():
    settings = tuning.settings_to_try(METHODS.get("frangi"), config())
    trials = [tuning.Trial(p, 0.1 * i, 0.5, math.nan) for i, p in enumerate(settings)]
    rows = list(csv.DictReader(io.StringIO(tuning.tuning_table(trials, 2))))
    assert [row["kept"] for row in rows] == ["", "", "yes", *[""] * (len(rows) - 3)]
    assert rows[1]["dice"] == "0.100000"
    assert rows[1]["auc"] == rows[1]["gamma"] == ""
    assert rows[0]["sigmas"] == " ".join(map(str, settings[0].sigmas))


def test_a_method_for_one_class_cannot_be_judged_on_many(scenes):
    assert replace(SATO, every_class=False).fit is None
    assert tuning.fit(SATO, [SATO.parameters()], scenes, scenes.split("train")) is None
