from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from retseg.core.errors import CheckpointError
from retseg.core.types import OperatingPoint
from retseg.datasets.base import VESSELS
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.config import PredictConfig
from retseg.inference.ensemble import Ensemble, ensemble_card, mean_point, refuse_different_classes
from retseg.inference.prediction import Prediction
from retseg.inference.predictor import Predictor

CPU = torch.device("cpu")


class Constant:
    """Says the same everywhere, and notes which photographs it has asked for before it returned the first."""

    def __init__(self, probabilities: tuple[float, float, float], ahead: int = 0) -> None:
        self.said = np.float32(probabilities)
        self.ahead = ahead

    @property
    def classes(self):
        return VESSELS

    def probabilities_of_many(self, photographs):
        waiting = []
        for one in photographs:
            waiting.append(one)
            if len(waiting) > self.ahead:
                yield self._prediction(*waiting.pop(0))
        for one in waiting:
            yield self._prediction(*one)

    def probabilities(self, image, fov):
        return self._prediction("", image, fov).probabilities

    def _prediction(self, identifier, image, fov):
        return Prediction(identifier, image, fov, np.broadcast_to(self.said[:, None, None], (3, *fov.shape)).copy())


def test_the_mean_by_hand(make_photograph):
    image, fov = make_photograph(20, 30)
    ensemble = Ensemble([Constant((0.1, 0.2, 0.7)), Constant((0.5, 0.5, 0.0)), Constant((0.0, 0.8, 0.2))])
    found = ensemble.probabilities(image, fov)
    assert found.dtype == np.float32
    assert found.shape == (3, 20, 30)
    np.testing.assert_allclose(found[:, 3, 4], [0.2, 0.5, 0.3], atol=1e-7)


def test_nets_of_different_grids_meet_on_the_native_one(make_model, make_photograph):
    """Each member resizes, crops and normalises in its own way; the reference predicts with each by itself."""
    inputs = [InputConfig(normalise="unit", crop=False), InputConfig(diameter=48), InputConfig(diameter=90)]
    torch.manual_seed(1)
    members = [Predictor(make_model(nn.Conv2d(3, 3, 1), input=one), PredictConfig(window=32), CPU) for one in inputs]
    image, fov = make_photograph(70, 100)
    alone = [member.probabilities(image, fov).astype(np.float64) for member in members]
    assert not np.allclose(alone[0], alone[1], atol=1e-2)
    found = Ensemble(members).probabilities(image, fov)
    np.testing.assert_allclose(found, np.mean(alone, axis=0), atol=1e-6)


def test_photographs_keep_their_order_though_members_read_ahead_differently(make_photograph):
    photographs = [(f"eye{n}", *make_photograph(20 + n, 24)) for n in range(7)]
    read: list[str] = []

    def reading():
        for one in photographs:
            read.append(one[0])
            yield one

    ensemble = Ensemble([Constant((1, 0, 0)), Constant((0, 1, 0), ahead=3), Constant((0, 0, 1), ahead=5)])
    stream = ensemble.probabilities_of_many(reading())
    first = next(stream)
    # The slowest member needs six photographs before it returns one; the seventh is not read for it.
    assert read == [f"eye{n}" for n in range(6)]
    rest = [first, *stream]
    assert [one.id for one in rest] == [f"eye{n}" for n in range(7)]
    for one, (_, image, fov) in zip(rest, photographs, strict=True):
        assert one.image is image
        assert one.fov is fov
        np.testing.assert_allclose(one.probabilities, 1 / 3, atol=1e-7)
    assert len(read) == 7


def test_a_mean_of_ones_is_one(make_photograph):
    image, fov = make_photograph(8, 8)
    found = Ensemble([Constant((1, 0, 0))] * 7).probabilities(image, fov)
    assert found[0].max() == 1.0
    assert found[1:].max() == 0.0


def test_members_that_tell_one_class_and_all_meet_in_the_positive_one(make_model, make_photograph):
    """A net tells the positive class alone, a training-free method all of them."""
    image, fov = make_photograph(40, 50)
    net = Predictor(make_model(), PredictConfig(), CPU)
    (found,) = Ensemble([net, Constant((0.5, 0.1, 0.4))]).probabilities_of_many([("a", image, fov)])
    assert found.probabilities.shape == (1, 40, 50)
    expected = (net.probabilities(image, fov)[1] + np.float32(0.1)) / 2
    np.testing.assert_allclose(found.positive(VESSELS), expected, atol=1e-6)


def test_members_leave_what_others_predicted_alone(make_photograph):
    class Same(Constant):
        kept: np.ndarray

        def _prediction(self, identifier, image, fov):
            self.kept = super()._prediction(identifier, image, fov).probabilities
            return Prediction(identifier, image, fov, self.kept)

    one = Same((0.2, 0.3, 0.5))
    Ensemble([one, Constant((1, 0, 0))]).probabilities(*make_photograph(8, 8))
    np.testing.assert_allclose(one.kept[:, 0, 0], [0.2, 0.3, 0.5], atol=1e-7)


def point(threshold: float, dataset: str = "eyes", patients: tuple[str, ...] = ("3",), split="validation"):
    return OperatingPoint(threshold, "highest pooled Dice", dataset, split, patients, 0.8)


def test_the_threshold_is_the_mean_of_the_frozen_ones():
    found = mean_point([point(0.2), point(0.5, patients=("4", "3")), point(0.44)])
    assert found is not None
    assert found.threshold == pytest.approx(0.38)
    assert (found.dataset, found.split, found.patients, found.value) == ("eyes", "validation", ("3", "4"), None)
    assert "mean of 3 members' frozen thresholds (0.2000 to 0.5000)" in found.criterion
    assert "highest pooled Dice" in found.criterion


def test_thresholds_of_several_datasets_are_of_none():
    found = mean_point([point(0.2), point(0.4, "others", ("9",), "train")])
    assert found is not None
    assert (found.threshold, found.dataset, found.split, found.patients) == (pytest.approx(0.3), "", "training", ())


@pytest.mark.parametrize("points", [[None, None], [point(0.3), None]])
def test_no_mean_where_a_member_has_no_threshold(points):
    assert mean_point(points) is None


def test_the_card_loses_nobody(make_card):
    """Patients of training, of validation, behind the threshold and behind earlier weights, of any dataset."""
    cards = [
        make_card(train_patients=("1", "2"), validation_patients=("3",), operating_point=point(0.3, patients=("3",))),
        make_card(train_patients=("1", "3"), validation_patients=("2",), operating_point=point(0.5, patients=("7",))),
        make_card(
            dataset="others",
            train_patients=("1", "a"),
            validation_patients=(),
            operating_point=point(0.4, "third", ("t",)),
            seen={"eyes": ("8",), "fourth": ("f",)},
        ),
    ]
    merged = ensemble_card(cards)
    assert merged.dataset == "eyes"
    assert merged.train_patients == ("1", "2", "3")
    assert merged.patients_behind_weights("eyes") == {"1", "2", "3", "7", "8"}
    assert merged.patients_behind_weights("others") == {"1", "a"}
    assert merged.patients_behind_weights("third") == {"t"}
    assert merged.patients_behind_weights("fourth") == {"f"}
    assert merged.operating_point is not None
    assert merged.operating_point.threshold == pytest.approx(0.4)
    assert Card.from_json(merged.to_json()) == merged


def test_the_card_names_what_members_share(make_card):
    same = ensemble_card([make_card(), make_card(seed=3)])
    assert (same.arch, same.options) == ("unet", {"width": 4, "depth": 2})
    mixed = ensemble_card([make_card(), make_card(arch="segnet", options={})])
    assert (mixed.arch, mixed.options) == ("unet+segnet", {})


def test_members_of_other_classes_are_refused_by_name(make_card, scene):
    cards = [(Path("runs/one"), make_card()), (Path("runs/two"), make_card(classes=scene))]
    with pytest.raises(CheckpointError, match=r"runs/one has .*vessel.*runs/two has sky, tree, road, water"):
        refuse_different_classes(cards)
    refuse_different_classes(cards[:1] * 2)
