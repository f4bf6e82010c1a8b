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
