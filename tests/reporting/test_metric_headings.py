from __future__ import annotations

from retseg.metrics.registry import METRICS
from retseg.reporting.metric_headings import (
    best_values,
    calibration_metrics,
    figure,
    heading,
    lower_is_better,
    meanings,
    needs_scores,
    pixel_metrics,
    shape_metrics,
)


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


def test_every_metric_belongs_to_one_table() -> None:
    names = METRICS.names()
    pixels, shapes, calibration = pixel_metrics(names), shape_metrics(names), calibration_metrics(names)
    assert sorted((*pixels, *shapes, *calibration)) == sorted(names)
    assert shapes == ("cldice", "betti0", "betti1", "hd95", "nsd")
    assert calibration == ("ece", "ace", "brier")
    assert pixel_metrics(["dice", "of_a_plugin"]) == ("dice", "of_a_plugin")


def test_a_drawing_has_shapes_but_no_calibration() -> None:
    assert not any(map(needs_scores, ("cldice", "betti0", "betti1", "hd95", "nsd", "dice")))
    assert all(map(needs_scores, ("auc", "ap", "ece", "ace", "brier")))


def test_the_best_respects_the_direction() -> None:
    tables = [{"hd95": 3.0, "ece": 0.01, "nsd": 0.9}, {"hd95": 5.0, "ece": 0.02, "nsd": 0.8}]
    assert best_values(tables, ["hd95", "ece", "nsd"]) == {"hd95": 3.0, "ece": 0.01, "nsd": 0.9}
    assert best_values([{"dice": 0.5}, {"dice": 0.5}], ["dice"]) == {}
    assert lower_is_better(["hd95", "nsd", "ece", "unknown"]) == ("hd95", "ece")


def test_decimals_follow_the_metric() -> None:
    assert [figure(name, 12.34567) for name in ("dice", "hd95", "betti0", "ece")] == [
        "12.346", "12.3", "12.3", "12.3457",
    ]  # fmt: skip
    assert figure("hd95", None) == "N/A"
