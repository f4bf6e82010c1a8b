from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.core.errors import ConfigError
from retseg.core.types import Sample
from retseg.datasets.splits import (
    hold_out_of_each,
    hold_out_patients,
    leave_one_out,
    patients_by_origin,
    shared_patients,
    split_patients,
)


def both_eyes(*patients: str) -> list[Sample]:
    return [
        Sample(f"{patient}{eye}", patient, Path(f"{patient}{eye}.png"), eye=eye) for patient in patients for eye in "LR"
    ]


@given(
    st.sets(st.text(min_size=1, max_size=6), min_size=2, max_size=30),
    st.floats(0.01, 1),
    st.integers(0, 2**31),
)
def test_holding_out_takes_the_fraction_but_never_none_and_never_all(patients, fraction, seed):
    held = hold_out_patients(patients, fraction, seed)
    assert held < patients
    assert len(held) == min(max(1, round(fraction * len(patients))), len(patients) - 1)


def test_holding_out_depends_on_the_seed_alone():
    patients = [f"{number:02d}" for number in range(40)]
    assert hold_out_patients(patients, 0.2, 7) == hold_out_patients(reversed(patients * 2), 0.2, 7)
    assert hold_out_patients(patients, 0.2, 7) != hold_out_patients(patients, 0.2, 8)


def test_the_choice_stays_what_it_is_on_every_machine():
    # The two with the smallest `printf "0:$patient" | sha256sum`.
    assert hold_out_patients("abcdefgh", 0.25, 0) == {"f", "h"}


def test_nothing_is_held_out_of_too_little():
    assert hold_out_patients([], 0.2, 0) == set()
    assert hold_out_patients(["only", "only"], 0.2, 0) == set()
    assert hold_out_patients("abc", 0.0, 0) == set()


def test_a_patients_eyes_stay_together():
    samples = split_patients(both_eyes("a", "b", "c"), lambda patient: patient == "b")
    assert {s.id: s.split for s in samples} == {
        "aL": "train", "aR": "train", "bL": "test", "bR": "test", "cL": "train", "cR": "train",
    }  # fmt: skip


def test_leaving_one_out_tests_every_patient_once():
    samples = both_eyes("c", "a", "b")
    tests = [{s.patient for s in leave_one_out(samples, fold) if s.split == "test"} for fold in range(3)]
    assert tests == [{"a"}, {"b"}, {"c"}]
    assert all(not shared_patients(leave_one_out(samples, fold)) for fold in range(3))


def test_a_fold_that_does_not_exist_names_those_that_do():
    with pytest.raises(ConfigError, match="folds 0 to 2"):
        leave_one_out(both_eyes("a", "b", "c"), 3)


def test_shared_patients_are_found():
    left, right = both_eyes("a")
    assert shared_patients(split_patients([left], lambda _: True) + split_patients([right], lambda _: False)) == {"a"}


def joined(member: str, *patients: str) -> list[Sample]:
    return [
        replace(
            sample, id=f"{member}-{sample.id}", patient=f"{member}-{sample.patient}", origin=(member, sample.patient)
        )
        for sample in both_eyes(*patients)
    ]


def test_of_a_joined_set_each_member_gives_its_share_and_the_same_patients_as_alone():
    many, few = [f"{number:02d}" for number in range(20)], ["00", "01", "x"]
    held = hold_out_of_each(joined("a", *many) + joined("b", *few), 0.2, 5)
    assert held == {f"a-{p}" for p in hold_out_patients(many, 0.2, 5)} | {
        f"b-{p}" for p in hold_out_patients(few, 0.2, 5)
    }
    assert len(held) == 4 + 1
    assert hold_out_of_each(both_eyes(*many), 0.2, 5) == hold_out_patients(many, 0.2, 5)


def test_patients_of_a_joined_set_are_known_where_they_come_from():
    samples = joined("a", "1", "2") + joined("b", "1") + both_eyes("z")
    assert patients_by_origin(samples) == {"a": {"1", "2"}, "b": {"1"}}
