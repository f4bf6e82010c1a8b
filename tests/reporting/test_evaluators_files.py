"""The seam between the two rooms: what `evaluate` really writes makes the whole page."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from retseg.core.types import OperatingPoint
from retseg.evaluation.config import EvaluateConfig
from retseg.evaluation.evaluate import Predictions, evaluate_predictions


@pytest.fixture(scope="module")
def page_and_summary(vessels, draw, tmp_path_factory: pytest.TempPathFactory):
    prepared, systems = vessels
    folder = tmp_path_factory.mktemp("evaluate")
    stored = json.loads((systems[0].evaluate / "summary.json").read_text())
    given = Predictions(systems[0].predict, OperatingPoint.from_json(stored["threshold"]))
    config = EvaluateConfig(traps=True, resamples=100)
    summary = evaluate_predictions(prepared, [given], config, folder, system="good")
    return draw([replace(systems[0], evaluate=folder)], prepared), summary


def test_every_part_is_there(page_and_summary) -> None:
    page, _ = page_and_summary
    headings = [a["id"] for a in page.all("h2")]
    assert headings == [
        "summary", "results", "curves", "strips", "density", "traps", "training", "facts", "test-images",
    ]  # fmt: skip
    charts = {a["id"].removesuffix("-title") for a in page.all("title") if a.get("id", "").startswith("chart-")}
    assert charts >= {"chart-roc", "chart-pr", "chart-sweep-0", "chart-reliability", "chart-strip-cldice"}
    assert charts >= {"chart-density-0", "chart-density-1"}
    for caption in ("By vessel width", "Agreement with each observer", "Calibration: whether"):
        assert caption in page.text


def test_the_numbers_are_its_numbers(page_and_summary) -> None:
    page, summary = page_and_summary
    low, high = summary["intervals"]["pooled"]["dice"]
    row = next(row for row in page.rows if row and row[0].startswith("good threshold"))
    assert row[3] == f"{summary['pooled']['dice']:.3f} [{low:.3f}, {high:.3f}]"
    band = summary["by_width"]["thin"]["pooled"]["sensitivity"]
    wanted = "N/A" if band is None else f"{band:.3f}"
    assert page.row("good all pixels")[1] == wanted
