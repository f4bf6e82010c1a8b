from __future__ import annotations

import pytest

from retseg.core.errors import InputError
from retseg.core.types import OperatingPoint
from retseg.evaluation.overlap import FitOverlap, fit_overlap, listed, refuse_fit_overlap


def test_weights_and_threshold_are_told_apart(make_card):
    card = make_card(dataset="eyes", train_patients=("1", "2"), validation_patients=("3",))
    point = OperatingPoint(0.4, "highest pooled Dice", "eyes", "validation", ("3", "4"))
    overlap = fit_overlap("eyes", ["2", "3", "4", "5"], point, card)
    assert overlap == FitOverlap(weights=("2", "3"), threshold=("3", "4"))
    assert overlap.words == (
        "the weights were fitted on 2 of the scored patients (2, 3) and "
        "the threshold was fitted on 2 of the scored patients (3, 4)"
    )
    with pytest.raises(InputError, match="--allow-fit-overlap"):
        refuse_fit_overlap(overlap)


@pytest.mark.parametrize("patients", [[], ["5", "6"]])
def test_strangers_are_welcome(make_card, patients):
    point = OperatingPoint(0.4, "highest pooled Dice", "eyes", "validation", ("3",))
    overlap = fit_overlap("eyes", patients, point, make_card(dataset="eyes", train_patients=("1",)))
    assert not overlap
    refuse_fit_overlap(overlap)


def test_predictions_of_others_have_no_card():
    assert not fit_overlap("eyes", ["1"], None, None)


def test_long_lists_are_cut():
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert listed("ab") == "a, b"


def test_photographs_are_not_called_patients(make_card):
    card = make_card(dataset="photos", train_patients=("a",))
    overlap = fit_overlap("photos", ["a", "b"], None, card, "photograph")
    assert "fitted on 1 of the scored photographs (a)" in overlap.words
    assert "scored photographs (a)" in FitOverlap.of([overlap, overlap]).words
    assert "patients" in FitOverlap(("1",)).words


def test_patients_of_a_joined_set_are_known_under_the_names_of_their_own(make_card):
    card = make_card(dataset="eyes", train_patients=("1",), validation_patients=())
    point = OperatingPoint(0.4, "highest pooled Dice", "eyes", "validation", ("3",))
    origins = {"eyes-1": ("eyes", "1"), "eyes-3": ("eyes", "3"), "ears-1": ("ears", "1")}
    overlap = fit_overlap("joined", ["eyes-1", "eyes-3", "ears-1", "1"], point, card, origins=origins)
    assert overlap == FitOverlap(weights=("eyes-1",), threshold=("eyes-3",))
