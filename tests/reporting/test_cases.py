from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.cases import choose_cases
from retseg.reporting.config import ReportConfig
from retseg.reporting.run_files import Failure, read_run


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def dice(record) -> dict[str, float | None]:
    ids = sorted(record.scores.ids)
    return {i: record.scores.value(i, record.system, "vessel", "dice", record.threshold) for i in ids}


def test_the_best_and_the_worst_come_first_and_the_others_in_order(records, vessels) -> None:
    chosen = choose_cases(records[::-1], vessels[0], ReportConfig()).chosen
    values = dice(records[1])
    order = [case.sample.id for case in chosen]
    assert order[0] == max(values, key=lambda i: values[i] or 0)
    assert order[1] == min(values, key=lambda i: values[i] or 0)
    assert order[2:] == sorted(order[2:])
    assert sorted(order) == sorted(values)
    assert [case.link.rank for case in chosen] == ["Best", "Worst", "", ""]
    assert chosen[0].link.score == f"Dice\N{NO-BREAK SPACE}{values[order[0]]:.3f}"
    assert [case.link.id for case in chosen] == ["case-1", "case-2", "case-3", "case-4"]


def test_no_more_images_than_asked_for_and_that_is_said(records, vessels) -> None:
    listing = choose_cases(records, vessels[0], ReportConfig(max_images=3))
    assert [case.link.rank for case in listing.chosen] == ["Best", "Worst", ""]
    assert any("of 4 are shown" in remark for remark in listing.remarks)
    assert not any("are shown" in remark for remark in choose_cases(records, vessels[0], ReportConfig()).remarks)


def test_equal_images_are_not_ranked(records, vessels) -> None:
    rows = tuple(replace(row, value=0.5) for row in records[0].scores.rows)
    equal = replace(records[0], scores=type(records[0].scores).of(iter(rows)))
    assert {case.link.rank for case in choose_cases([equal], vessels[0], ReportConfig()).chosen} == {""}


def test_failures_are_told_with_their_reason(records, vessels) -> None:
    failed = replace(records[0], failures=(Failure("test/09", "the file is truncated"),))
    remarks = " ".join(choose_cases([failed], vessels[0], ReportConfig()).remarks)
    assert "test/09 (the file is truncated)" in remarks


def test_training_images_are_not_shown(records, vessels) -> None:
    chosen = choose_cases(records, vessels[0], ReportConfig()).chosen
    assert all(case.sample.split == "test" for case in chosen)
