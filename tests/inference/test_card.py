from __future__ import annotations

import json

import pytest

from retseg.core.errors import ConfigError
from retseg.core.types import OperatingPoint
from retseg.imaging.config import InputConfig
from retseg.inference.card import CARD_FORMAT, Card
from retseg.inference.config import PredictConfig
from retseg.inference.provenance import Figure, Provenance, ScoredSet


def test_a_card_survives_json(make_card):
    card = make_card(
        input=InputConfig(normalise="unit", diameter=700), predict=PredictConfig(window=256, flips=4), recipe="lecture"
    )
    text = json.dumps(card.to_json())
    assert Card.from_json(json.loads(text)) == card
    assert json.loads(text)["format"] == CARD_FORMAT


def test_a_card_of_a_task_without_a_threshold_survives_json(make_card, scene):
    card = make_card(classes=scene, operating_point=None)
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_all_who_had_a_say_are_fitted_patients(make_card):
    point = OperatingPoint(0.4, "highest pooled Dice", "eyes", "validation", ("9",))
    assert make_card(operating_point=point).fitted_patients == {"1", "2", "3", "9"}


def test_patients_of_another_dataset_are_not_counted(make_card):
    point = OperatingPoint(0.4, "highest pooled Dice", "other eyes", "train", ("9",))
    assert make_card(operating_point=point).fitted_patients == {"1", "2", "3"}


def test_patients_that_the_first_weights_saw_are_known_by_their_dataset(make_card):
    point = OperatingPoint(0.4, "highest pooled Dice", "third eyes", "validation", ("7",))
    card = make_card(seen={"eyes": ("8",), "other eyes": ("1", "5")}, operating_point=point)
    assert card.fitted_patients == {"1", "2", "3", "8"}
    assert card.patients_behind_weights("other eyes") == {"1", "5"}
    assert card.patients_behind_weights("fourth eyes") == set()
    assert card.everyone_seen() == {"eyes": ("1", "2", "3", "8"), "other eyes": ("1", "5"), "third eyes": ("7",)}
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_card_from_before_fine_tuning_is_still_read(make_card):
    data = make_card().to_json()
    del data["seen"]
    assert Card.from_json(data) == make_card()


def test_a_card_that_tells_where_it_comes_from_survives_json(make_card):
    figures = {"dice": Figure(0.81, 0.78, 0.84), "auc": Figure(0.98)}
    scored = ScoredSet("Eyes", "test", 8, 4, "patient", figures, {"dice": Figure(0.8)}, "by the rules", "retseg x")
    told = Provenance(
        "default", "CC BY 4.0", ("Eyes: Somebody",), "abc", "two cores", "an hour", {"train": {"lr": 0.1}}, (scored,),
        "Finding vessels.", ("No arteries.",),
    )  # fmt: skip
    card = make_card(provenance=told)
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_card_from_before_provenance_is_still_read(make_card):
    data = make_card().to_json()
    del data["provenance"]
    assert Card.from_json(data) == make_card()


@pytest.mark.parametrize("key", ["arch", "classes", "input", "train_patients", "operating_point"])
def test_a_card_with_a_hole_is_refused(make_card, key):
    data = make_card().to_json()
    del data[key]
    with pytest.raises(KeyError):
        Card.from_json(data)


def test_a_card_with_an_unknown_input_is_refused(make_card):
    data = make_card().to_json()
    data["input"]["sharpen"] = True
    with pytest.raises(ConfigError, match="sharpen"):
        Card.from_json(data)
