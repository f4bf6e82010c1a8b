from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retseg.reporting.compare_curves import compared_curves
from retseg.reporting.compare_files import SystemRecords
from retseg.reporting.run_files import read_run
from tests.reporting.conftest import HISTORY, World


@pytest.fixture(scope="module")
def systems(make_world: Callable[..., World]) -> list[SystemRecords]:
    world = make_world(tests=2)
    prepared = world.prepare()
    doubled = [{**row, "train_loss": 3 * row["train_loss"]} for row in HISTORY[:2]]
    nets = (world.run(prepared, "a-0"), world.run(prepared, "a-1", history=doubled))
    return [
        SystemRecords("a", tuple(map(read_run, nets))),
        SystemRecords("b", (read_run(world.run(prepared, "b", blur=0.6, seed=4)),)),
    ]


def test_curves_lie_over_each_other_in_one_colour_a_system(systems: list[SystemRecords]) -> None:
    curves = compared_curves(systems, 2)
    charts = {chart.id: chart for chart in curves.charts}
    assert {"chart-losses", "chart-roc", "chart-roc-zoomed", "chart-pr", "chart-reliability"} <= set(charts)
    assert not any(name.startswith("chart-sweep") for name in charts)
    for name in ("chart-roc", "chart-pr", "chart-reliability"):
        assert [(line.label, line.hue) for line in charts[name].lines] == [("a", 0), ("b", 1)]
    losses = charts["chart-losses"].lines
    assert [(line.label, line.hue, line.dashed) for line in losses] == [
        ("a, training", 0, False),
        ("a, validation", 0, True),
        ("b, training", 1, False),
        ("b, validation", 1, True),
    ]


def test_losses_are_means_over_the_seeds_as_long_as_all_went_on(systems: list[SystemRecords]) -> None:
    from retseg.reporting.compare_curves import _mean_by_epoch

    histories = [record.history.columns["train_loss"] for record in systems[0].records]
    assert _mean_by_epoch(histories) == pytest.approx((1.8, 1.0))
    assert _mean_by_epoch([]) == ()


def test_many_systems_and_none_are_said_so(systems: list[SystemRecords]) -> None:
    assert any("best 2 of 9 systems" in remark for remark in compared_curves(systems, 9).remarks)
    assert any("several seeds" in remark for remark in compared_curves(systems, 2).remarks)
    from dataclasses import replace

    from retseg.reporting.run_files import History

    bare: Any = [
        SystemRecords(s.name, tuple(replace(r, curves={}, history=History()) for r in s.records)) for s in systems
    ]
    found = compared_curves(bare, 2)
    assert not found.charts
    assert "no curves" in found.remarks[0]
