from __future__ import annotations

from retseg.metrics.registry import METRICS
from retseg.reporting.metric_headings import best_values, heading, meanings, needs_scores


def test_every_registered_metric_has_a_heading_and_a_meaning() -> None:
    names = METRICS.names()
    headings = [heading(name) for name in names]
    assert len(set(headings)) == len(names)
    assert {term for term, _ in meanings(names)} >= set(headings)
    assert all(text and "NaN" not in text for _, text in meanings(names))


def test_an_unknown_metric_is_named_as_the_file_names_it() -> None:
    assert heading("boundary_error") == "Boundary error"
    assert meanings(["boundary_error"]) == ()
    assert not needs_scores("boundary_error")
    assert needs_scores("auc")


def test_the_best_of_several_systems_needs_two_that_have_the_figure() -> None:
    tables = [{"dice": 0.7, "auc": None, "size": 1.0}, {"dice": 0.8, "auc": 0.9, "size": 2.0}]
    assert best_values(tables, ["dice", "auc", "size"]) == {"dice": 0.8}
