from __future__ import annotations

from dataclasses import replace

import pytest

from retseg.reporting.run_files import read_run
from retseg.reporting.score_remarks import banner, score_remarks


@pytest.fixture(scope="module")
def records(vessels):
    return [read_run(one) for one in vessels[1]]


def changed(record, **summary):
    return replace(record, summary={**record.summary, **summary})


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_clean_run_has_no_banner_and_no_remarks(records) -> None:
    assert banner(records) == ""
    assert score_remarks(records) == ()
    assert banner([changed(records[0], fit_overlap={"weights": [], "threshold": []})]) == ""


def test_an_overlap_is_no_test_and_names_the_patients(records) -> None:
    overlap = {"weights": [f"p{i}" for i in range(8)], "threshold": ["p1"]}
    text = plain(banner([changed(records[0], fit_overlap=overlap)]))
    assert text == (
        "NOT A TEST: the weights were fitted on 8 scored patients (p0, p1, p2, p3, p4 and 3 more) and "
        "the threshold was fitted on 1 scored patient (p1)."
    )
    both = banner([records[0], changed(records[1], fit_overlap={"weights": ["p1"]})])
    assert "the weights of poor were fitted" in both
    assert "good" not in both


def test_warnings_missing_images_and_what_was_matched_are_said(records) -> None:
    odd = changed(
        records[1],
        warnings=["The maps look inverted: the ROC AUC is 0.41."],
        missing=["test/07", "test/08"],
        matched="8 of 10 by their number",
    )
    assert [plain(remark) for remark in score_remarks([records[0], odd])] == [
        "Warning: poor: The maps look inverted: the ROC AUC is 0.41.",
        "poor has no usable prediction of 2 images, which are not scored: test/07 and test/08.",
        "poor: 8 of 10 by their number.",
    ]
    assert score_remarks([odd])[0].startswith("Warning: The maps look inverted")


def test_older_folders_say_nothing_of_what_they_do_not_know(records) -> None:
    known = ("warnings", "missing", "matched", "fit_overlap", "unlabelled")
    older = replace(records[0], summary={k: v for k, v in records[0].summary.items() if k not in known})
    assert score_remarks([older]) == ()
    assert banner([older]) == ""
