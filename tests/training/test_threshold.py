from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from retseg.core.types import CLASS_MAP
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import LoadedModel
from retseg.inference.config import PredictConfig
from retseg.inference.predictor import Predictor
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.training.threshold import fit_operating_point


def predictor(classes):
    torch.manual_seed(0)
    net = build(ModelConfig(arch="segnet"), 3, classes.count)
    return Predictor(
        LoadedModel(net, Card("segnet", {}, classes, InputConfig(), PredictConfig())),
        PredictConfig(),
        torch.device("cpu"),
    )


def test_no_other_threshold_has_a_higher_pooled_dice(vessels):
    judge, samples = predictor(vessels.classes), vessels.split("train")[:2]
    point = fit_operating_point(judge, vessels, samples, "validation")
    scores, truths = [], []
    for sample in samples:
        case = vessels.case(sample)
        scores.append(judge.probabilities(case.image, case.fov)[1][case.fov])
        truths.append(case.targets[CLASS_MAP][case.fov] == 1)
    score, truth = np.concatenate(scores), np.concatenate(truths)
    assert point.value == pytest.approx(f1_score(truth, score > point.threshold), abs=1e-6)
    assert all(f1_score(truth, score > t) <= point.value + 1e-9 for t in np.quantile(score, np.linspace(0, 0.99, 60)))
    assert (point.dataset, point.split, point.patients) == ("little", "validation", ("p1", "p2"))


def test_a_task_without_a_positive_class_has_no_threshold(scenes):
    assert fit_operating_point(predictor(scenes.classes), scenes, scenes.split("train"), "train") is None


def test_the_members_of_a_joined_set_count_alike(vessels, monkeypatch):
    small, large = (
        replace(sample, origin=(name, sample.id)) for name, sample in zip("ab", vessels.split("train"), strict=False)
    )
    # The second member has many more pixels, all of the same photograph.
    many = [large] * 7
    judge = predictor(vessels.classes)
    cases = {sample.id: vessels.case(sample) for sample in (small, large)}
    monkeypatch.setattr(type(vessels), "case", lambda self, sample: cases[sample.id])
    point = fit_operating_point(judge, vessels, [small, *many], "validation")

    def histogram(sample):
        case = cases[sample.id]
        score = judge.probabilities(case.image, case.fov)[1][case.fov]
        return score_histogram(quantise(score), case.targets[CLASS_MAP][case.fov] == 1)

    alike = histogram(small) + histogram(large)
    lopsided = sum((histogram(one) for one in many), histogram(small))
    assert isinstance(lopsided, ScoreHistogram)
    assert alike.best_dice_threshold()[0] != lopsided.best_dice_threshold()[0]
    assert point.threshold == alike.best_dice_threshold()[0]
    assert point.criterion.endswith("every dataset counting alike")
