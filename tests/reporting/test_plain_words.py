from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.plain_words import summary, title
from retseg.reporting.run_files import read_run


def words(records, prepared) -> str:
    return " ".join(summary(records, prepared)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def test_the_summary_says_what_was_trained_on_what_and_tested_on_whom(records, vessels) -> None:
    text = words(records[:1], vessels[0])
    assert "The network good (unet) was trained on 4 images of 2 patients from drawn" in text
    assert "mark every pixel of an image that shows vessel" in text
    assert (
        "The test was on 4 images of 2 patients from drawn; none of these patients had a part in the training." in text
    )
    assert title(records, vessels[0]) == "good and poor on drawn"


def test_the_best_system_is_compared_with_the_human(records, vessels) -> None:
    text = words(records[::-1], vessels[0])
    best, human = (
        f"{records[0].summary['pooled']['dice']:.3f}",
        f"{records[0].summary['observers']['second']['pooled']['dice']:.3f}",
    )
    assert f"Of the 2 systems, good agrees best with the reference: its Dice over all test pixels is {best}" in text
    assert f"A human observer (second) reaches {human} against the same reference" in text
    assert "more closely than" in text


@pytest.mark.parametrize(("dice", "closeness"), [(0.1, "less closely than"), (None, "as closely as")])
def test_the_comparison_follows_the_figures(records, vessels, dice: float | None, closeness: str) -> None:
    human = records[0].summary["observers"]["second"]["pooled"]["dice"]
    pooled = {**records[0].summary["pooled"], "dice": human if dice is None else dice}
    record = replace(records[0], summary={**records[0].summary, "pooled": pooled})
    assert closeness in words([record], vessels[0])


def test_seen_patients_are_owned_up_to(records, vessels) -> None:
    card = {**records[0].card, "train_patients": ["p0-train", "p0-test"]}
    text = words([replace(records[0], protocol={"weights": card})], vessels[0])
    assert "1 of these patients had a part in the training: the figures below are not those of a test." in text
    assert "none of these" not in text


def test_without_an_observer_nothing_is_said_of_humans(records, vessels) -> None:
    record = replace(records[0], summary={**records[0].summary, "observers": {}})
    assert "human" not in words([record], vessels[0])


def test_the_interval_stands_with_the_figure_and_few_patients_are_owned_up_to(records, vessels) -> None:
    text = words(records[:1], vessels[0])
    low, high = records[0].summary["intervals"]["pooled"]["dice"]
    assert f"(95% interval {low:.3f} to {high:.3f})" in text
    assert "These figures describe 2 patients, fewer than six: the intervals in the tables are weak" in text


def test_an_older_evaluation_has_no_interval_and_says_so(records, vessels) -> None:
    older = replace(records[0], summary={**records[0].summary, "intervals": None})
    assert "carry no confidence interval" in words([older], vessels[0])


def test_an_overlap_that_evaluate_found_is_owned_up_to(records, vessels) -> None:
    record = replace(records[0], summary={**records[0].summary, "fit_overlap": {"weights": ["p0-test"]}})
    assert "1 of these patients had a part in the training" in words([record], vessels[0])


def test_of_anyones_maps_nothing_is_claimed_that_is_not_known(records, vessels) -> None:
    text = words([replace(records[0], train=None, protocol={})], vessels[0])
    assert "Which patients had a part in the training of good is not recorded." in text
    assert "none of these" not in text
    assert "The system good was used to" in text


def test_a_training_free_method_is_tuned_and_is_no_network(records, vessels) -> None:
    method = replace(records[0], train=replace(records[0].train, stage="tune"))
    assert "The training-free method good (unet) was tuned on" in words([method], vessels[0])
    assert "were trained or tuned on" in words([method, records[1]], vessels[0])


def test_of_many_systems_the_title_has_the_number_and_the_summary_the_best(many) -> None:
    prepared, systems = many
    records = [read_run(one) for one in systems]
    assert title(records, prepared) == "7 systems on drawn"
    assert title(records[:5], prepared) == "net0, net1, net2, net3 and net4 on drawn"
    dice = {record.name: record.summary["pooled"]["dice"] for record in records}
    first, second, third, fourth, *others = sorted(dice, key=lambda name: -dice[name])
    outcome = summary(records, prepared)[1]
    assert f"Of the 7 systems, {first} agrees best" in outcome
    assert all(f"{name} with {dice[name]:.3f}" in outcome for name in (second, third, fourth))
    assert not any(name in outcome for name in others)
    assert "the table of results has them all" in outcome
